//! What the keywords of one schema say by themselves, without the schemas that stand beside them
//! (`allOf`, `$ref` and so on): that is the matter of [`Evaluation`](super::evaluation::Evaluation).

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::SchemaUse;
use super::arrays::{ArrayShape, EvaluatedItems};
use super::document::{Document, SchemaId};
use super::literals::Literals;
use super::name_pattern::NamePattern;
use super::objects::{EvaluatedProperties, ObjectShape, PatternProperties, Property};
use super::text;
use super::union::Union;
use super::values::{Kind, Kinds, Values};

/// Keywords that say nothing about which values are accepted.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Reads the keywords of the schemas of a document.
pub(super) struct Keywords<'a> {
    pub document: &'a Document<'a>,
    pub schema_use: SchemaUse,
    /// What schemas come down to, of those that were asked for.
    accepted: RefCell<HashMap<SchemaId, Union>>,
}

impl<'a> Keywords<'a> {
    pub(super) fn new(document: &'a Document<'a>, schema_use: SchemaUse) -> Self {
        Self {
            document,
            schema_use,
            accepted: RefCell::default(),
        }
    }

    /// A schema that stands inside another as what it comes down to: a schema that only refers to
    /// another is that other one.
    pub(super) fn accepted(&self, parent: SchemaId, schema: &'a Value) -> Union {
        match schema {
            Value::Bool(false) => Union::never(),
            Value::Object(_) => self.accepted_by(self.document.child(parent, schema)),
            _ => Union::unknown(),
        }
    }

    /// The same for a schema that has an id.
    pub(super) fn accepted_by(&self, schema: SchemaId) -> Union {
        let mut schema = schema;
        let mut passed = HashSet::new();
        let accepted = loop {
            if let Some(accepted) = self.accepted.borrow().get(&schema) {
                break accepted.clone();
            }
            if !passed.insert(schema) {
                break Union::unknown();
            }
            match self.stands_for(schema) {
                Ok(accepted) => break accepted,
                Err(next) => {
                    self.document.inherit_reference(schema, next);
                    schema = next;
                }
            }
        };
        let mut known = self.accepted.borrow_mut();
        known.extend(passed.into_iter().map(|schema| (schema, accepted.clone())));
        accepted
    }

    /// What a schema is, or the schema that says so if it only refers to that.
    fn stands_for(&self, schema: SchemaId) -> Result<Union, SchemaId> {
        let keywords = match self.document.value(schema) {
            _ if self.document.is_literal(schema) => return Ok(Union::of(schema)),
            Value::Object(keywords) => keywords,
            Value::Bool(false) => return Ok(Union::never()),
            _ => return Ok(Union::unknown()),
        };
        let mut constraints = keywords
            .iter()
            .filter(|(keyword, _)| !ANNOTATIONS.contains(&keyword.as_str()));
        match (constraints.next(), constraints.next()) {
            (None, _) => Ok(Union::unknown()),
            (Some((keyword, Value::String(reference))), None) if keyword == "$ref" => {
                match self.document.reference(schema, reference) {
                    Some(target) => Err(target),
                    None => Ok(Union::unknown()),
                }
            }
            (Some((keyword, Value::Array(all))), None) if keyword == "allOf" && all.len() == 1 => {
                Err(self.document.child(schema, &all[0]))
            }
            _ => Ok(Union::of(schema)),
        }
    }

    /// The values of a literal, in TypeScript literals as far as it has them.
    pub(super) fn literals(&self, literals: impl IntoIterator<Item = &'a Value>) -> Values {
        let mut values = Values::none();
        let (mut strings, mut numbers) = (Vec::new(), Vec::new());
        for literal in literals {
            match literal {
                Value::Null => values.null = true,
                Value::Bool(true) => values.yes = true,
                Value::Bool(false) => values.no = true,
                Value::String(string) => strings.push(string.clone()),
                Value::Number(number) => match text::number(number) {
                    Some(text) => numbers.push(text),
                    None => {
                        values.numbers = Literals::all();
                        values.inexact = values.inexact.with(Kind::Number);
                    }
                },
                Value::Array(items) => values.arrays.push(self.literal_array(items)),
                Value::Object(members) => values.objects.push(self.literal_object(members)),
            }
        }
        values.strings = Literals::of(strings);
        values.numbers = values.numbers.or(Literals::of(numbers));
        values
    }

    fn literal_array(&self, items: &'a [Value]) -> ArrayShape {
        let length = items.len() as u64;
        let literal = |item| Union::of(self.document.literal(item));
        ArrayShape {
            prefix: items.iter().map(literal).collect(),
            rest: Union::never(),
            min: length,
            max: Some(length),
            ..ArrayShape::any()
        }
    }

    fn literal_object(&self, members: &'a Map<String, Value>) -> ObjectShape {
        let mut shape = ObjectShape::any();
        shape.additional = Union::never();
        for (position, (name, value)) in (0..).zip(members) {
            let property = Property {
                accepts: Union::of(self.document.literal(value)),
                is_required: true,
                is_evaluated: false,
                is_hidden: false,
                order: (0, position),
                described_by: Vec::new(),
            };
            shape.properties.insert(Rc::from(name.as_str()), property);
        }
        shape
    }

    /// What `type`, `enum`, `const` and the keywords of single kinds say. Properties come at the place of
    /// the schema.
    pub(super) fn values(
        &self,
        schema: SchemaId,
        keywords: &'a Map<String, Value>,
        place: u32,
    ) -> Values {
        let kinds = kinds(keywords.get("type"));
        let mut values = Values::of_kinds(kinds);
        if kinds.has(Kind::Number) && says_about_numbers(keywords) {
            values = values.widened(Kind::Number);
        }
        if !has_range(keywords, "minimum", "maximum") {
            values.numbers = Literals::none();
        }
        if kinds.has(Kind::String) && says_about_strings(keywords) {
            values = values.widened(Kind::String);
        }
        if !has_range(keywords, "minLength", "maxLength") {
            values.strings = Literals::none();
        }
        if kinds.has(Kind::Array) {
            let (shape, is_exact) = self.array(schema, keywords);
            values.arrays = shape.settled().into_iter().collect();
            if !is_exact {
                values = values.widened(Kind::Array);
            }
        }
        if kinds.has(Kind::Object) {
            let (shape, is_exact) = self.object(schema, keywords, place);
            values.objects = shape.into_iter().collect();
            if !is_exact {
                values = values.widened(Kind::Object);
            }
        }
        match self.listed(keywords) {
            Some(listed) => {
                // Bounds have been asked literal by literal.
                if !keywords.contains_key("multipleOf") {
                    values.inexact = values.inexact.without(Kinds::default().with(Kind::Number));
                }
                if !keywords.contains_key("pattern") && !keywords.contains_key("format") {
                    values.inexact = values.inexact.without(Kinds::default().with(Kind::String));
                }
                values.and(listed, &Union::is_never)
            }
            None => values,
        }
    }

    /// What `const` and `enum` list, without what other keywords of the schema leave out.
    fn listed(&self, keywords: &'a Map<String, Value>) -> Option<Values> {
        let listed = |literals: &'a [Value]| {
            let fitting = literals.iter().filter(|literal| fits(literal, keywords));
            self.literals(fitting)
        };
        let one = keywords.get("const").map(std::slice::from_ref);
        let many = keywords.get("enum").and_then(Value::as_array);
        match (one, many) {
            (Some(one), Some(many)) => Some(listed(one).and(listed(many), &Union::is_never)),
            (Some(one), None) => Some(listed(one)),
            (None, Some(many)) => Some(listed(many)),
            (None, None) => None,
        }
    }

    fn array(&self, schema: SchemaId, keywords: &'a Map<String, Value>) -> (ArrayShape, bool) {
        let mut shape = ArrayShape::any();
        let mut is_exact = true;
        let accepted = |item| self.accepted(schema, item);
        let (first, others) = match keywords.get("items") {
            Some(Value::Array(first)) => (Some(first), keywords.get("additionalItems")),
            others => (
                keywords.get("prefixItems").and_then(Value::as_array),
                others,
            ),
        };
        if let Some(first) = first {
            shape.prefix = first.iter().map(accepted).collect();
            shape.evaluated.prefix = first.len();
        }
        if let Some(others) = others {
            shape.rest = accepted(others);
            shape.evaluated.all = true;
        }
        shape.min = count(keywords, "minItems").unwrap_or(0);
        shape.max = count(keywords, "maxItems");
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            is_exact = shape.max.is_some_and(|max| max <= 1);
        }
        if let Some(contained) = keywords.get("contains") {
            let contained = accepted(contained);
            let min = count(keywords, "minContains").unwrap_or(1);
            let max = count(keywords, "maxContains");
            if contained.is_never() && min > 0 || max.is_some_and(|max| max < min) {
                shape.max = Some(0);
                shape.min = 1;
            }
            shape.min = shape.min.max(min);
            if max == Some(0) {
                let others = contained.opposite();
                shape
                    .prefix
                    .iter_mut()
                    .for_each(|item| *item = item.and(&others));
                shape.rest = shape.rest.and(&others);
            }
            if contained.is_unknown() {
                shape.max = shape
                    .max
                    .map_or(max, |own| Some(max.map_or(own, |max| own.min(max))));
            } else {
                is_exact = false;
            }
            shape.evaluated = EvaluatedItems {
                contained,
                ..shape.evaluated
            };
        }
        (shape, is_exact)
    }

    fn object(
        &self,
        schema: SchemaId,
        keywords: &'a Map<String, Value>,
        place: u32,
    ) -> (Option<ObjectShape>, bool) {
        let mut shape = ObjectShape::any();
        let members = |keyword| keywords.get(keyword).and_then(Value::as_object);
        if let Some(additional) = keywords.get("additionalProperties") {
            shape.additional = self.accepted(schema, additional);
            shape.is_declared_open = shape.additional.is_unknown();
            shape.evaluated = EvaluatedProperties {
                all: true,
                ..EvaluatedProperties::default()
            };
        }
        let named = members("properties").into_iter().flatten();
        for (position, (name, property)) in (0..).zip(named) {
            let property = self.property(schema, property, (place, position));
            shape.properties.insert(Rc::from(name.as_str()), property);
        }
        let patterns = members("patternProperties").into_iter().flatten();
        let (every, some): (Vec<_>, Vec<_>) =
            patterns.partition(|(source, _)| NamePattern::parse(source) == NamePattern::Any);
        for (source, property) in some {
            shape.add_pattern(source, self.accepted(schema, property));
        }
        for (position, (_, property)) in every.into_iter().enumerate() {
            if position == 0 {
                // No name is left that would be additional.
                shape.additional = Union::unknown();
            }
            shape.require_of_all(&self.accepted(schema, property));
        }
        let required = keywords.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        for name in required {
            shape.require(name);
        }
        let required = shape.required_count();
        let min = count(keywords, "minProperties").unwrap_or(0);
        let max = count(keywords, "maxProperties");
        let is_exact = min <= required && max.is_none_or(|max| max == 0);
        if max == Some(0) {
            shape = shape.emptied();
        }
        let is_possible = max.is_none_or(|max| max >= min.max(required)) && shape.is_possible();
        (is_possible.then_some(shape), is_exact)
    }

    fn property(&self, parent: SchemaId, schema: &'a Value, order: (u32, u32)) -> Property {
        let accepts = self.accepted(parent, schema);
        let own = self.document.child(parent, schema);
        let hiding = match self.schema_use {
            SchemaUse::Input => "readOnly",
            SchemaUse::Output => "writeOnly",
        };
        let mut described_by = vec![own];
        described_by.extend(accepts.single().filter(|target| *target != own));
        let is_hidden = described_by.iter().any(|schema| {
            !self.document.is_literal(*schema)
                && self.document.value(*schema).get(hiding) == Some(&Value::Bool(true))
        });
        Property {
            accepts,
            is_required: false,
            is_evaluated: true,
            is_hidden,
            order,
            described_by,
        }
    }

    /// Names that `propertyNames` allows, by what it says of strings itself.
    pub(super) fn named_so(&self, names: &Values, schema: &Value) -> Option<ObjectShape> {
        /// Longer lists of names are left to the tool.
        const MAX_NAMES: usize = 200;
        let mut shape = ObjectShape::any();
        if let Some(listed) = names.strings.listed() {
            if listed.len() > MAX_NAMES {
                return None;
            }
            for (position, name) in (0..).zip(listed) {
                let mut one = ObjectShape::with_property(name, false, Union::unknown());
                let (name, mut property) = one.properties.pop_first()?;
                property.order = (u32::MAX, position);
                shape.properties.insert(name, property);
            }
        } else {
            let pattern = schema.get("pattern")?.as_str()?;
            let parsed = NamePattern::parse(pattern);
            if parsed == NamePattern::Any {
                return None;
            }
            parsed.key_type()?;
            shape.patterns.push(PatternProperties {
                pattern: parsed,
                source: Rc::from(pattern),
                accepts: Union::unknown(),
            });
        }
        shape.additional = Union::never();
        Some(shape)
    }
}

impl ObjectShape {
    /// Adds what properties are whose names fit a pattern.
    fn add_pattern(&mut self, source: &str, accepts: Union) {
        let pattern = NamePattern::parse(source);
        for (name, property) in &mut self.properties {
            if pattern.matches(name) == Some(true) {
                property.accepts = property.accepts.and(&accepts);
            }
        }
        if let NamePattern::Exactly(name) = &pattern {
            if !self.properties.contains_key(name.as_str()) {
                let accepts = accepts.and(&self.unnamed_by_patterns(name));
                let mut one = Self::with_property(name, false, accepts);
                self.properties.append(&mut one.properties);
            }
            if let Some(property) = self.properties.get_mut(name.as_str()) {
                property.is_evaluated = true;
            }
        } else {
            self.patterns.push(PatternProperties {
                pattern,
                source: Rc::from(source),
                accepts,
            });
        }
    }

    /// Says what all properties are, whatever their name.
    fn require_of_all(&mut self, accepts: &Union) {
        for property in self.properties.values_mut() {
            property.accepts = property.accepts.and(accepts);
        }
        for entry in &mut self.patterns {
            entry.accepts = entry.accepts.and(accepts);
        }
        self.additional = self.additional.and(accepts);
        self.is_declared_open = false;
        self.evaluated.all = true;
    }

    fn unnamed_by_patterns(&self, name: &str) -> Union {
        let open = Self {
            patterns: self.patterns.clone(),
            ..Self::any()
        };
        open.unnamed(name)
    }

    fn require(&mut self, name: &str) {
        if !self.properties.contains_key(name) {
            let mut one = Self::with_property(name, true, self.unnamed(name));
            self.properties.append(&mut one.properties);
        }
        if let Some(property) = self.properties.get_mut(name) {
            property.is_required = true;
        }
    }

    fn required_count(&self) -> u64 {
        let required = self
            .properties
            .values()
            .filter(|property| property.is_required);
        required.count() as u64
    }

    /// The object without any property.
    fn emptied(mut self) -> Self {
        self.patterns.clear();
        self.additional = Union::never();
        self.properties.retain(|_, property| property.is_required);
        self
    }
}

/// The kinds `type` names. A name that is none of them says nothing.
fn kinds(keyword: Option<&Value>) -> Kinds {
    let names = match keyword {
        Some(Value::Array(names)) => names.as_slice(),
        Some(name) => std::slice::from_ref(name),
        None => return Kinds::ALL,
    };
    let kinds: Option<Kinds> = names.iter().try_fold(Kinds::default(), |kinds, name| {
        let kind = match name.as_str()? {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "number" | "integer" => Kind::Number,
            "string" => Kind::String,
            "array" => Kind::Array,
            "object" => Kind::Object,
            _ => return None,
        };
        Some(kinds.with(kind))
    });
    kinds.unwrap_or(Kinds::ALL)
}

/// A keyword that counts something.
pub(super) fn count(keywords: &Map<String, Value>, keyword: &str) -> Option<u64> {
    let count = keywords.get(keyword)?;
    let float = count.as_f64()?;
    count
        .as_u64()
        .or_else(|| (float.fract() == 0.0 && float >= 0.0).then_some(float as u64))
}

fn says_about_numbers(keywords: &Map<String, Value>) -> bool {
    let bounds = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ];
    bounds.iter().any(|bound| keywords.contains_key(*bound)) || takes_integers_only(keywords)
}

fn says_about_strings(keywords: &Map<String, Value>) -> bool {
    ["minLength", "maxLength", "pattern", "format"]
        .iter()
        .any(|keyword| keywords.contains_key(*keyword))
}

fn takes_integers_only(keywords: &Map<String, Value>) -> bool {
    let has = |wanted| match keywords.get("type") {
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        Some(name) => name == wanted,
        None => false,
    };
    has("integer") && !has("number")
}

/// Whether something can lie between two bounds.
fn has_range(keywords: &Map<String, Value>, min: &str, max: &str) -> bool {
    let bound = |keyword| keywords.get(keyword).and_then(Value::as_f64);
    match (bound(min), bound(max)) {
        (Some(min), Some(max)) => min <= max,
        _ => true,
    }
}

/// Whether a number or string fits what a schema says of numbers and strings, as far as it is simple
/// to tell.
fn fits(literal: &Value, keywords: &Map<String, Value>) -> bool {
    match literal {
        Value::Number(number) => number_fits(number, keywords),
        Value::String(string) => {
            let length = string.chars().count() as u64;
            count(keywords, "minLength").is_none_or(|min| length >= min)
                && count(keywords, "maxLength").is_none_or(|max| length <= max)
        }
        _ => true,
    }
}

fn number_fits(number: &Number, keywords: &Map<String, Value>) -> bool {
    let Some(number) = number.as_f64() else {
        return true;
    };
    let bound = |keyword| keywords.get(keyword).and_then(Value::as_f64);
    let is_fraction = number.fract() != 0.0;
    !(is_fraction && takes_integers_only(keywords))
        && bound("minimum").is_none_or(|min| number >= min)
        && bound("maximum").is_none_or(|max| number <= max)
        && bound("exclusiveMinimum").is_none_or(|min| number > min)
        && bound("exclusiveMaximum").is_none_or(|max| number < max)
}
