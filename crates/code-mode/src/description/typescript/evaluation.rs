//! From schemas to sets of values: what a schema and all that stands beside it say together.
//!
//! Schemas that apply to the same value (`allOf`, `$ref`, `if` …) may be nested as deep as memory
//! goes, so they wait on a stack of our own. Schemas of properties and items are not looked into
//! here: they stay symbols until somebody prints them.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::SchemaUse;
use super::document::{Document, SchemaId};
use super::keywords::Keywords;
use super::objects::ObjectShape;
use super::text;
use super::union::{Conjunction, Union};
use super::values::{Kind, Kinds, Values};

/// More dependencies of one schema than this are not spelled out.
const MAX_DEPENDENTS: usize = 8;
/// More branches of `anyOf` than this are not told what the others have looked at.
const MAX_EVALUATED_BRANCHES: usize = 32;
/// Properties, items and literals copied in one rendering. Beyond, what is combined is cut.
const MAX_COPIES: usize = 300_000;
/// More branches of `oneOf` than this are not told apart.
const MAX_EXCLUSIVE: usize = 16;

/// Works schemas out, each once.
pub(super) struct Evaluation<'a> {
    pub keywords: Keywords<'a>,
    known: HashMap<SchemaId, Rc<Values>>,
    /// In which order schemas were met: the order of their properties.
    places: HashMap<SchemaId, u32>,
    /// What may still be copied. Schemas that refer to wide ones from everywhere use it up.
    copies_left: usize,
}

/// The schemas that apply to the same value as a schema, by the keyword they stand under.
#[derive(Default)]
struct Applied<'a> {
    all: Vec<SchemaId>,
    any: Vec<Vec<SchemaId>>,
    one: Option<Vec<SchemaId>>,
    not: Option<SchemaId>,
    condition: Option<Condition>,
    dependents: Vec<(&'a str, Dependent<'a>)>,
    names: Option<SchemaId>,
}

struct Condition {
    asked: SchemaId,
    yes: Option<SchemaId>,
    no: Option<SchemaId>,
}

/// What must hold if a property is there.
enum Dependent<'a> {
    Schema(SchemaId),
    Required(&'a [Value]),
}

impl Applied<'_> {
    fn schemas(&self) -> impl Iterator<Item = SchemaId> {
        let condition = self.condition.iter();
        let conditional = condition.flat_map(|condition| {
            [Some(condition.asked), condition.yes, condition.no]
                .into_iter()
                .flatten()
        });
        let dependent = self
            .dependents
            .iter()
            .filter_map(|(_, dependent)| match dependent {
                Dependent::Schema(schema) => Some(*schema),
                Dependent::Required(_) => None,
            });
        let all = self.all.iter().copied();
        all.chain(self.any.iter().flatten().copied())
            .chain(self.one.iter().flatten().copied())
            .chain(self.not)
            .chain(conditional)
            .chain(dependent)
            .chain(self.names)
    }
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(document: &'a Document<'a>, schema_use: SchemaUse) -> Self {
        Self {
            keywords: Keywords::new(document, schema_use),
            known: HashMap::new(),
            places: HashMap::new(),
            copies_left: MAX_COPIES,
        }
    }

    /// What a place accepts.
    pub(super) fn values(&mut self, accepted: &Union) -> Rc<Values> {
        if let Some(schema) = accepted.single() {
            return self.values_of(schema);
        }
        let alternatives = accepted.alternatives().iter();
        let values: Vec<_> = alternatives
            .map(|conjunction| self.conjunction(conjunction))
            .collect();
        Rc::new(Values::union(values))
    }

    fn conjunction(&mut self, conjunction: &Conjunction) -> Values {
        let mut values = Values::all();
        for atom in conjunction {
            let of_atom = self.values_of(atom.schema);
            let of_atom = self.copied(&of_atom);
            let of_atom = if atom.is_negated {
                of_atom.opposite()
            } else {
                of_atom
            };
            values = self.both(values, of_atom);
        }
        values
    }

    /// What one schema accepts.
    fn values_of(&mut self, schema: SchemaId) -> Rc<Values> {
        let mut stack = vec![schema];
        let mut waiting = HashSet::from([schema]);
        while let Some(&top) = stack.last() {
            if self.known.contains_key(&top) {
                stack.pop();
                continue;
            }
            let applied = self.applied(top);
            let next_place = self.places.len() as u32;
            self.places.entry(top).or_insert(next_place);
            let before = stack.len();
            for needed in applied.schemas() {
                if !self.known.contains_key(&needed) && waiting.insert(needed) {
                    stack.push(needed);
                }
            }
            // The first one is worked out first.
            stack[before..].reverse();
            if stack.len() == before {
                let values = self.evaluated(top, applied);
                self.known.insert(top, Rc::new(values));
                waiting.remove(&top);
                stack.pop();
            }
        }
        Rc::clone(&self.known[&schema])
    }

    /// What a schema beside another accepts. One that is still being worked out refers to itself
    /// without end: nothing is known of it.
    fn applied_values(&mut self, schema: SchemaId) -> Values {
        if self.keywords.document.is_referenced(schema) {
            return match self.known.get(&schema).cloned() {
                Some(values) => self.copied(&values),
                None => Values::anything(),
            };
        }
        match self.known.remove(&schema) {
            Some(values) => Rc::unwrap_or_clone(values),
            None => Values::anything(),
        }
    }

    /// A copy of what others use too, as long as there are not too many.
    fn copied(&mut self, values: &Rc<Values>) -> Values {
        if self.may_copy(values.weight()) {
            Values::clone(values)
        } else {
            Values {
                is_cut: true,
                ..Values::anything()
            }
        }
    }

    fn may_copy(&mut self, weight: usize) -> bool {
        match self.copies_left.checked_sub(weight) {
            Some(left) => {
                self.copies_left = left;
                true
            }
            None => false,
        }
    }

    fn applied(&self, schema: SchemaId) -> Applied<'a> {
        let document = self.keywords.document;
        let mut applied = Applied::default();
        let Value::Object(keywords) = document.value(schema) else {
            return applied;
        };
        if document.is_literal(schema) {
            return applied;
        }
        let child = |value: &'a Value| document.child(schema, value);
        let children = |keyword| {
            let values = keywords.get(keyword).and_then(Value::as_array);
            values.map(|values| values.iter().map(child).map(|id| self.target(id)).collect())
        };
        let text = |keyword| keywords.get(keyword).and_then(Value::as_str);
        let resolved = text("$ref").and_then(|reference| document.reference(schema, reference));
        applied.all.extend(resolved.map(|id| self.target(id)));
        applied
            .all
            .extend(children("allOf").unwrap_or_else(Vec::new));
        if let Some(reference) = text("$dynamicRef") {
            let targets = document.dynamic_reference(schema, reference);
            if !targets.is_empty() {
                applied.any.push(targets);
            }
        }
        applied.any.extend(children("anyOf"));
        applied.one = children("oneOf");
        applied.not = keywords.get("not").map(child);
        let (yes, no) = (
            keywords.get("then").map(child),
            keywords.get("else").map(child),
        );
        let is_asked = yes.is_some() || no.is_some() || document.has_unevaluated();
        applied.condition = keywords
            .get("if")
            .filter(|_| is_asked)
            .map(|asked| Condition {
                asked: child(asked),
                yes,
                no,
            });
        applied.names = keywords.get("propertyNames").map(child);
        for keyword in ["dependentSchemas", "dependentRequired", "dependencies"] {
            let members = keywords.get(keyword).and_then(Value::as_object);
            for (name, value) in members.into_iter().flatten() {
                let dependent = match value {
                    Value::Array(names) => Dependent::Required(names),
                    value => Dependent::Schema(child(value)),
                };
                applied.dependents.push((name, dependent));
            }
        }
        applied
    }

    /// The schema that a schema which only refers to it stands for.
    fn target(&self, schema: SchemaId) -> SchemaId {
        self.keywords.accepted_by(schema).single().unwrap_or(schema)
    }

    /// A schema, once all that is applied beside it is known.
    fn evaluated(&mut self, schema: SchemaId, applied: Applied<'a>) -> Values {
        let document = self.keywords.document;
        let value = document.value(schema);
        if document.is_literal(schema) {
            return self.keywords.literals([value]);
        }
        let keywords = match value {
            Value::Object(keywords) => keywords,
            Value::Bool(false) => return Values::none(),
            _ => return Values::all(),
        };
        let place = self.places.get(&schema).copied().unwrap_or_default();
        let mut values = self.keywords.values(schema, keywords, place);
        for part in applied.all {
            let part = self.applied_values(part);
            values = self.both(values, part);
        }
        for branches in applied.any {
            let any = self.any_of(schema, branches);
            values = self.both(values, any);
        }
        if let Some(branches) = applied.one {
            let one = self.one_of(schema, branches);
            values = self.both(values, one);
        }
        if let Some(not) = applied.not {
            let not = self.applied_values(not).opposite();
            values = self.both(values, not);
        }
        if let Some(condition) = applied.condition {
            let either = self.either(&condition);
            values = self.both(values, either);
        }
        if applied.dependents.len() > MAX_DEPENDENTS {
            values = values.widened(Kind::Object);
        } else {
            for (name, dependent) in applied.dependents {
                let dependent = self.dependent(name, &dependent);
                values = self.both(values, dependent);
            }
        }
        if let Some(names) = applied.names {
            let named = self.property_names(names);
            values = self.both(values, named);
        }
        if !self.follows_all_references(schema, keywords) {
            values = values.and_unseen();
        }
        values = self.unevaluated(schema, keywords, values);
        if keywords.get("nullable") == Some(&Value::Bool(true)) {
            values.null = true;
            values = values.widened(Kind::Null);
        }
        values
    }

    /// Whether what a schema refers to is known, and known to be one thing.
    fn follows_all_references(&self, schema: SchemaId, keywords: &Map<String, Value>) -> bool {
        let document = self.keywords.document;
        let text = |keyword| keywords.get(keyword).and_then(Value::as_str);
        let is_fixed =
            text("$ref").is_none_or(|reference| document.reference(schema, reference).is_some());
        let is_one = text("$dynamicRef")
            .is_none_or(|reference| document.dynamic_reference(schema, reference).len() == 1);
        is_fixed && is_one && !keywords.contains_key("$recursiveRef")
    }

    /// Values of both sets, without objects whose properties contradict each other.
    fn both(&mut self, left: Values, right: Values) -> Values {
        let is_simple = |values: &Values| {
            values.arrays.len() <= 1
                && values.objects.len() <= 1
                && !values.objects.iter().any(ObjectShape::is_closed)
        };
        if (!is_simple(&left) || !is_simple(&right))
            && !self.may_copy(left.weight() + right.weight())
        {
            return Values {
                is_cut: true,
                ..left.and_unseen()
            };
        }
        left.and(right, &|accepted| self.contradicts(accepted))
    }

    /// Whether literals alone show that nothing is accepted.
    fn contradicts(&self, accepted: &Union) -> bool {
        let mut alternatives = accepted.alternatives().iter();
        alternatives.all(|conjunction| conjunction.len() > 1 && self.excludes_itself(conjunction))
    }

    fn excludes_itself(&self, conjunction: &Conjunction) -> bool {
        let mut left: Option<HashSet<String>> = None;
        let mut gone = HashSet::new();
        for atom in conjunction {
            let Some(literals) = self.listed_scalars(atom.schema, atom.is_negated) else {
                continue;
            };
            if atom.is_negated {
                gone.extend(literals);
            } else {
                left = Some(match left {
                    Some(left) => left.intersection(&literals).cloned().collect(),
                    None => literals,
                });
            }
        }
        left.is_some_and(|left| left.difference(&gone).next().is_none())
    }

    /// The literals of `const` or `enum`, if they are few and simple, and if nothing else counts.
    fn listed_scalars(&self, schema: SchemaId, must_be_alone: bool) -> Option<HashSet<String>> {
        /// Discriminators have no more values than this.
        const MAX_LISTED: usize = 64;
        let document = self.keywords.document;
        let value = document.value(schema);
        let literals = if document.is_literal(schema) {
            std::slice::from_ref(value)
        } else {
            let keywords = value.as_object()?;
            if must_be_alone && keywords.len() != 1 {
                return None;
            }
            match keywords.get("const") {
                Some(literal) => std::slice::from_ref(literal),
                None => keywords.get("enum")?.as_array()?,
            }
        };
        if literals.len() > MAX_LISTED {
            return None;
        }
        let scalar = |literal: &Value| match literal {
            Value::Number(number) => text::number(number),
            Value::String(string) => Some(text::quoted(string)),
            Value::Array(_) | Value::Object(_) => None,
            other => Some(other.to_string()),
        };
        literals.iter().map(scalar).collect()
    }

    /// A branch of a union: under its name if it has one, so that it can keep it.
    fn branch(&mut self, schema: SchemaId) -> Values {
        let values = self.applied_values(schema);
        let has_inside = values.kinds() != values.whole_kinds()
            && (!values.objects.is_empty() || !values.arrays.is_empty());
        if self.keywords.document.is_referenced(schema) && has_inside {
            Values {
                named: vec![(Union::of(schema), Rc::new(values))],
                ..Values::none()
            }
        } else {
            values
        }
    }

    fn any_of(&mut self, of: SchemaId, branches: Vec<SchemaId>) -> Values {
        let others = branches.into_iter().filter(|branch| *branch != of);
        let mut branches: Vec<_> = others.map(|branch| self.branch(branch)).collect();
        if self.keywords.document.has_unevaluated() {
            branches = branches.into_iter().map(Values::unnamed).collect();
            branches = with_each_others_evaluated(branches);
        }
        Values::union(branches)
    }

    fn one_of(&mut self, of: SchemaId, branches: Vec<SchemaId>) -> Values {
        let others = branches.into_iter().filter(|branch| *branch != of);
        let branches: Vec<_> = others.map(|branch| self.branch(branch)).collect();
        let exclusive = if branches.len() > MAX_EXCLUSIVE {
            Values::union(branches)
        } else {
            self.exclusive(branches)
        };
        // Where branches overlap, what is in two of them is in none; that is not always said.
        Values {
            inexact: Kinds::ALL,
            ..exclusive
        }
    }

    /// Each branch without what is short to say of the others.
    fn exclusive(&mut self, branches: Vec<Values>) -> Values {
        let mut exclusive = Vec::new();
        for (position, branch) in branches.iter().enumerate() {
            let mut alone = branch.clone();
            for (other_position, other) in branches.iter().enumerate() {
                if other_position == position {
                    continue;
                }
                let opposite = other.clone().short_opposite();
                if !opposite.is_all() {
                    alone = self.both(alone, opposite);
                }
            }
            exclusive.push(alone);
        }
        Values::union(exclusive)
    }

    fn either(&mut self, condition: &Condition) -> Values {
        let asked = self.applied_values(condition.asked);
        let mut no = asked.clone().opposite();
        let mut yes = asked;
        if let Some(then) = condition.yes {
            let then = self.applied_values(then);
            yes = self.both(yes, then);
        }
        if let Some(otherwise) = condition.no {
            let otherwise = self.applied_values(otherwise);
            no = self.both(no, otherwise);
        }
        yes.or(no)
    }

    fn dependent(&mut self, name: &str, dependent: &Dependent<'_>) -> Values {
        let mut without = Values::all();
        without.objects = vec![ObjectShape::with_property(name, false, Union::never())];
        let mut with = Values::none();
        with.objects = vec![ObjectShape::with_property(name, true, Union::unknown())];
        match dependent {
            Dependent::Schema(schema) => {
                let schema = self.applied_values(*schema);
                if schema.is_everything() {
                    return schema;
                }
                with = self.both(with, schema);
            }
            Dependent::Required(names) => {
                for name in names.iter().filter_map(Value::as_str) {
                    let mut required = Values::none();
                    let shape = ObjectShape::with_property(name, true, Union::unknown());
                    required.objects = vec![shape];
                    with = self.both(with, required);
                }
            }
        }
        without.or(with)
    }

    fn property_names(&mut self, names: SchemaId) -> Values {
        let schema = self.keywords.document.value(names);
        let names = self.applied_values(names).unnamed();
        let mut values = Values::all();
        if names.strings.is_all() && !names.inexact.has(Kind::String) {
            return values;
        }
        match self.keywords.named_so(&names, schema) {
            Some(shape) => values.objects = vec![shape],
            None => values = values.widened(Kind::Object),
        }
        if names.inexact.has(Kind::String) {
            values = values.widened(Kind::Object);
        }
        values
    }

    fn unevaluated(
        &self,
        schema: SchemaId,
        keywords: &'a Map<String, Value>,
        mut values: Values,
    ) -> Values {
        let accepted = |keyword| {
            let value = keywords.get(keyword)?;
            Some(self.keywords.accepted(schema, value))
        };
        if let Some(items) = accepted("unevaluatedItems") {
            values = values.unnamed();
            let arrays = std::mem::take(&mut values.arrays).into_iter();
            values.arrays = arrays
                .filter_map(|shape| shape.with_unevaluated(&items))
                .collect();
            values = values.widened(Kind::Array);
        }
        if let Some(properties) = accepted("unevaluatedProperties") {
            values = values.unnamed().multiplied_out();
            let objects = std::mem::take(&mut values.objects).into_iter();
            values.objects = objects
                .filter_map(|shape| shape.with_unevaluated(&properties))
                .collect();
            values = values.widened(Kind::Object);
        }
        values
    }
}

/// More than one branch of `anyOf` may hold, and what each looks at counts as looked at.
fn with_each_others_evaluated(branches: Vec<Values>) -> Vec<Values> {
    if branches.len() > MAX_EVALUATED_BRANCHES {
        return branches.into_iter().map(Values::and_unseen).collect();
    }
    let seen: Vec<_> = branches.iter().map(Seen::by).collect();
    let mut branches = branches;
    for (position, branch) in branches.iter_mut().enumerate() {
        let others = seen.iter().enumerate();
        for (_, other) in others.filter(|(other, _)| *other != position) {
            for shape in &mut branch.objects {
                shape.evaluated.all |= other.all_properties;
                shape
                    .evaluated
                    .perhaps
                    .extend(other.properties.iter().cloned());
            }
            for shape in &mut branch.arrays {
                let evaluated = &mut shape.evaluated;
                evaluated.all |= other.all_items;
                evaluated.perhaps_prefix = evaluated.perhaps_prefix.max(other.prefix);
                evaluated.contained = evaluated.contained.clone().or(&other.contained);
            }
        }
    }
    branches
}

/// What a branch has looked at.
struct Seen {
    properties: Vec<(Rc<str>, Union)>,
    all_properties: bool,
    prefix: usize,
    all_items: bool,
    contained: Union,
}

impl Seen {
    fn by(values: &Values) -> Self {
        let mut seen = Self {
            properties: Vec::new(),
            all_properties: false,
            prefix: 0,
            all_items: false,
            contained: Union::never(),
        };
        for shape in &values.objects {
            seen.all_properties |=
                shape.evaluated.all || !shape.patterns.is_empty() || !shape.also.is_empty();
            let named = shape.properties.iter();
            let evaluated = named.filter(|(_, property)| property.is_evaluated);
            seen.properties.extend(
                evaluated.map(|(name, property)| (Rc::clone(name), property.accepts.clone())),
            );
            seen.properties
                .extend(shape.evaluated.perhaps.iter().cloned());
        }
        for shape in &values.arrays {
            seen.all_items |= shape.evaluated.all;
            seen.prefix = seen
                .prefix
                .max(shape.evaluated.prefix)
                .max(shape.evaluated.perhaps_prefix);
            seen.contained = seen.contained.or(&shape.evaluated.contained);
        }
        seen
    }
}
