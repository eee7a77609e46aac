//! Reads of a schema what can be checked, as a schema of its own, and the graph of its subschemas.
//!
//! Annotations (`description`, `default`, `format`, …) are left out. So are parts that cannot be
//! checked, such as references to elsewhere. Leaving out may only ever allow more: with a part gone,
//! the keywords that would turn that into a refusal (`not`, `oneOf`, …) go everywhere.

use std::collections::{HashMap, HashSet};

use jsonschema::Draft;
use serde_json::{Map, Value, json};

use super::{UncheckedPart, pattern_options};
use crate::description::typescript::percent_decoded;

/// How deep subschemas may be inside each other. Compiling recurses, through references even eight
/// times as deep; tests hold that to two thirds of what a cell's stack has left at its deepest script.
const MAX_DEPTH: usize = 20;

/// How deep the values of `enum`, `const` and the like may be.
const MAX_DATA_DEPTH: usize = 64;

/// How many JSON values may take part in checking; a long string counts as several.
const MAX_VALUES: usize = 20_000;
const BYTES_OF_A_VALUE: usize = 64;

/// How long the JSON Pointer of a subschema may be. All of them are kept.
const MAX_POINTER_LENGTH: usize = 1_000;

/// How many different patterns are looked at, and how long each may be.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN_LENGTH: usize = 1_000;

/// A schema of which everything can be checked, within the bounds of [`super::cost`].
pub(super) struct Schema {
    pub(super) document: Value,
    pub(super) draft: Draft,
    /// Its subschemas; the first is the root.
    pub(super) nodes: Vec<Node>,
    /// What was left out of it.
    pub(super) unchecked: Vec<UncheckedPart>,
}

impl Schema {
    /// Whether an error can hold the errors of several alternatives.
    pub(super) fn has_alternatives(&self) -> bool {
        self.nodes.iter().any(|node| node.has_alternatives)
    }
}

/// A subschema, by what it applies.
#[derive(Default)]
pub(super) struct Node {
    /// Subschemas it applies to the same value, or to the names in it.
    pub(super) in_place: Vec<usize>,
    /// Subschemas it applies to values inside.
    pub(super) below: Vec<usize>,
    /// How much it looks at by itself.
    pub(super) steps: u64,
    /// How many patterns it matches.
    pub(super) patterns: u64,
    /// Whether it applies its parts again to learn what they evaluated.
    pub(super) looks_again: bool,
    has_alternatives: bool,
}

/// The keywords that matter.
#[derive(Clone, Copy, PartialEq)]
enum Keyword {
    /// A subschema, or an array of them.
    Schemas(Reach),
    /// Subschemas, or arrays of property names, by name.
    NamedSchemas(Reach),
    PatternProperties,
    Pattern,
    Reference,
    DynamicReference,
    Anchor,
    /// Compares a value with what is here.
    Data,
}

/// What a subschema is applied to.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// The value its parent is applied to.
    InPlace,
    /// Values inside.
    Below,
    /// Nothing, unless it is referred to.
    Nothing,
}

impl Keyword {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" | "propertyNames" => {
                Self::Schemas(Reach::InPlace)
            }
            "additionalProperties"
            | "unevaluatedProperties"
            | "items"
            | "prefixItems"
            | "additionalItems"
            | "unevaluatedItems"
            | "contains" => Self::Schemas(Reach::Below),
            "properties" => Self::NamedSchemas(Reach::Below),
            "dependentSchemas" | "dependencies" => Self::NamedSchemas(Reach::InPlace),
            "$defs" | "definitions" => Self::NamedSchemas(Reach::Nothing),
            "patternProperties" => Self::PatternProperties,
            "pattern" => Self::Pattern,
            "$ref" => Self::Reference,
            "$dynamicRef" | "$recursiveRef" => Self::DynamicReference,
            "$anchor" => Self::Anchor,
            "type" | "enum" | "const" | "required" | "dependentRequired" | "minimum"
            | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength"
            | "maxLength" | "minItems" | "maxItems" | "uniqueItems" | "minContains"
            | "maxContains" | "minProperties" | "maxProperties" => Self::Data,
            _ => return None,
        })
    }
}

/// Keywords that refuse more where a subschema allows more.
fn inverts(name: &str) -> bool {
    matches!(
        name,
        "not"
            | "oneOf"
            | "if"
            | "then"
            | "else"
            | "maxContains"
            | "unevaluatedProperties"
            | "unevaluatedItems"
    )
}

/// Reads a schema; fails with the reason if nothing of it can be checked.
pub(super) fn read(schema: &Value) -> Result<Schema, String> {
    let first = Reader::read(schema, Inverting::Kept)?;
    if first.unchecked.is_empty() {
        return Ok(first);
    }
    let mut second = Reader::read(schema, Inverting::LeftOut)?;
    let known: HashSet<_> = first.unchecked.iter().map(|part| &part.pointer).collect();
    second
        .unchecked
        .retain(|part| !known.contains(&part.pointer));
    second.unchecked.splice(..0, first.unchecked);
    Ok(second)
}

/// What becomes of keywords that turn "allows more" into "refuses more".
#[derive(Clone, Copy, PartialEq)]
enum Inverting {
    Kept,
    LeftOut,
}

struct Reader {
    draft: Draft,
    inverting: Inverting,
    nodes: Vec<Node>,
    values: usize,
    /// The subschemas by their JSON Pointers.
    pointers: HashMap<String, usize>,
    anchors: HashMap<String, usize>,
    references: Vec<Reference>,
    /// Whether the engine takes a pattern.
    patterns: HashMap<String, bool>,
    unchecked: Vec<UncheckedPart>,
    /// Around the present subschema, those with a base URI of their own.
    embedding: usize,
}

struct Reference {
    from: usize,
    pointer: String,
    target: String,
}

impl Reader {
    fn read(schema: &Value, inverting: Inverting) -> Result<Schema, String> {
        let mut reader = Self {
            draft: draft(schema),
            inverting,
            nodes: Vec::new(),
            values: 0,
            pointers: HashMap::new(),
            anchors: HashMap::new(),
            references: Vec::new(),
            patterns: HashMap::new(),
            unchecked: Vec::new(),
            embedding: 0,
        };
        let (mut document, _) = reader.subschema(schema, "", 0)?;
        reader.follow_references(&mut document);
        Ok(Schema {
            document,
            draft: reader.draft,
            nodes: reader.nodes,
            unchecked: reader.unchecked,
        })
    }

    /// The checkable part of a subschema, and its node.
    fn subschema(
        &mut self,
        schema: &Value,
        pointer: &str,
        depth: usize,
    ) -> Result<(Value, usize), String> {
        self.count(1)?;
        if depth > MAX_DEPTH {
            return Err(format!(
                "its subschemas are nested deeper than {MAX_DEPTH} levels"
            ));
        }
        if pointer.len() > MAX_POINTER_LENGTH {
            return Err(format!(
                "its names are too long: the path of a subschema takes more than {MAX_POINTER_LENGTH} bytes"
            ));
        }
        let index = self.nodes.len();
        self.nodes.push(Node {
            steps: 1,
            ..Node::default()
        });
        self.pointers.insert(pointer.to_owned(), index);
        let keywords = match schema {
            Value::Object(keywords) => keywords,
            Value::Bool(_) => return Ok((schema.clone(), index)),
            _ => {
                return Err(format!(
                    "it is no valid schema: neither an object nor a boolean is at {pointer:?}"
                ));
            }
        };
        let is_embedded = depth > 0 && self.has_base_uri(keywords);
        self.embedding += usize::from(is_embedded);
        let mut kept = Map::new();
        for (name, value) in keywords {
            let Some(keyword) = Keyword::of(name) else {
                continue;
            };
            if self.inverting == Inverting::LeftOut && inverts(name) {
                self.leave_out(&join(pointer, name), NOT_BESIDE_UNCHECKED);
                continue;
            }
            let node = &mut self.nodes[index];
            node.looks_again |= name.starts_with("unevaluated");
            node.has_alternatives |= matches!(name.as_str(), "anyOf" | "oneOf");
            let at = Position {
                node: index,
                pointer: join(pointer, name),
                depth: depth + 1,
            };
            if let Some(value) = self.keyword(keyword, value, &at)? {
                kept.insert(name.clone(), value);
            }
        }
        self.embedding -= usize::from(is_embedded);
        if keywords.get("nullable") == Some(&Value::Bool(true)) {
            admit_null(&mut kept);
        }
        Ok((Value::Object(kept), index))
    }

    fn has_base_uri(&self, keywords: &Map<String, Value>) -> bool {
        let name = if self.draft == Draft::Draft4 {
            "id"
        } else {
            "$id"
        };
        keywords.get(name).is_some_and(Value::is_string)
    }

    /// The checkable part of a keyword's value, if there is one.
    fn keyword(
        &mut self,
        keyword: Keyword,
        value: &Value,
        at: &Position,
    ) -> Result<Option<Value>, String> {
        match (keyword, value) {
            (Keyword::Schemas(reach), Value::Array(schemas)) => {
                self.count(1)?;
                let schemas = schemas.iter().enumerate().map(|(index, schema)| {
                    self.child(schema, reach, &at.below(&index.to_string()))
                });
                Ok(Some(schemas.collect::<Result<_, _>>().map(Value::Array)?))
            }
            (Keyword::Schemas(reach), schema) => self.child(schema, reach, at).map(Some),
            (Keyword::NamedSchemas(reach), Value::Object(schemas)) => {
                self.count(1)?;
                let mut kept = Map::new();
                for (name, schema) in schemas {
                    let at = at.below(name);
                    let schema = match schema {
                        Value::Array(_) => self.data(schema, &at)?,
                        _ => self.child(schema, reach, &at)?,
                    };
                    kept.insert(name.clone(), schema);
                }
                Ok(Some(Value::Object(kept)))
            }
            (Keyword::PatternProperties, Value::Object(schemas)) => {
                self.pattern_properties(schemas, at).map(Some)
            }
            (Keyword::Pattern, Value::String(pattern)) => {
                if !self.is_usable(pattern) {
                    self.leave_out(&at.pointer, UNUSABLE_PATTERN);
                    return Ok(None);
                }
                self.nodes[at.node].patterns += 1;
                self.data(value, at).map(Some)
            }
            (Keyword::Reference, Value::String(target)) => {
                let target = if self.embedding == 0 {
                    target.clone()
                } else {
                    // What it means depends on a base URI, which nothing here resolves.
                    format!("(within another base URI) {target}")
                };
                self.references.push(Reference {
                    from: at.node,
                    pointer: at.parent().to_owned(),
                    target,
                });
                self.data(value, at).map(Some)
            }
            (Keyword::DynamicReference, _) => {
                self.references.push(Reference {
                    from: at.node,
                    pointer: at.parent().to_owned(),
                    target: "(dynamic)".to_owned(),
                });
                Ok(None)
            }
            (Keyword::Anchor, Value::String(name)) if self.embedding == 0 => {
                self.anchors.insert(name.clone(), at.node);
                self.data(value, at).map(Some)
            }
            (Keyword::Anchor, _) => Ok(None),
            // Where the form is wrong, compiling says so.
            _ => self.data(value, at).map(Some),
        }
    }

    fn child(&mut self, schema: &Value, reach: Reach, at: &Position) -> Result<Value, String> {
        let (kept, child) = self.subschema(schema, &at.pointer, at.depth)?;
        let node = &mut self.nodes[at.node];
        node.steps += 1;
        match reach {
            Reach::InPlace => node.in_place.push(child),
            Reach::Below => node.below.push(child),
            Reach::Nothing => {}
        }
        Ok(kept)
    }

    fn pattern_properties(
        &mut self,
        schemas: &Map<String, Value>,
        at: &Position,
    ) -> Result<Value, String> {
        self.count(1)?;
        let mut kept = Map::new();
        for (pattern, schema) in schemas {
            let at = at.below(pattern);
            if self.is_usable(pattern) {
                let schema = self.child(schema, Reach::Below, &at)?;
                kept.insert(pattern.clone(), schema);
            } else {
                self.leave_out(&at.pointer, UNUSABLE_PATTERN);
                // Any property may be one of these, so none is an additional one.
                kept.entry("").or_insert(json!(true));
            }
            self.nodes[at.node].patterns += 1;
        }
        Ok(Value::Object(kept))
    }

    /// A value that is no schema, as it is.
    fn data(&mut self, value: &Value, at: &Position) -> Result<Value, String> {
        let before = self.values;
        self.count_all(value, 0)?;
        self.nodes[at.node].steps += (self.values - before) as u64;
        Ok(value.clone())
    }

    fn count_all(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DATA_DEPTH {
            return Err(format!(
                "a value in it is nested deeper than {MAX_DATA_DEPTH} levels"
            ));
        }
        match value {
            Value::Array(items) => {
                self.count(1)?;
                items
                    .iter()
                    .try_for_each(|item| self.count_all(item, depth + 1))
            }
            Value::Object(map) => {
                self.count(1)?;
                map.iter().try_for_each(|(name, item)| {
                    self.count(name.len() / BYTES_OF_A_VALUE)?;
                    self.count_all(item, depth + 1)
                })
            }
            Value::String(text) => self.count(1 + text.len() / BYTES_OF_A_VALUE),
            _ => self.count(1),
        }
    }

    fn count(&mut self, values: usize) -> Result<(), String> {
        self.values += values;
        if self.values > MAX_VALUES {
            return Err(format!("it is made of more than {MAX_VALUES} values"));
        }
        Ok(())
    }

    /// Whether the engine takes a pattern: it matches in linear time, and so without lookaround.
    fn is_usable(&mut self, pattern: &str) -> bool {
        if let Some(&usable) = self.patterns.get(pattern) {
            return usable;
        }
        if self.patterns.len() >= MAX_PATTERNS {
            return false;
        }
        let usable = pattern.len() <= MAX_PATTERN_LENGTH
            && jsonschema::options()
                .with_draft(self.draft)
                .with_pattern_options(pattern_options())
                .build(&json!({ "pattern": pattern }))
                .is_ok();
        self.patterns.insert(pattern.to_owned(), usable);
        usable
    }

    /// Adds the references to the graph, and empties the subschemas whose references lead nowhere.
    fn follow_references(&mut self, document: &mut Value) {
        for reference in std::mem::take(&mut self.references) {
            if let Some(target) = self.target(&reference.target) {
                self.nodes[reference.from].in_place.push(target);
                continue;
            }
            let why = format!(
                "it refers to {:?}, which is no subschema within; nothing is fetched",
                super::words::cut(&reference.target)
            );
            self.leave_out(&reference.pointer, &why);
            let subschema = document.pointer_mut(&reference.pointer);
            if let Some(Value::Object(keywords)) = subschema {
                // Beside a reference, drafts differ in what counts.
                keywords.retain(|name, _| matches!(name.as_str(), "$defs" | "definitions"));
            }
        }
    }

    fn target(&self, reference: &str) -> Option<usize> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() {
            return Some(0);
        }
        if fragment.starts_with('/') {
            return self.pointers.get(&percent_decoded(fragment)?).copied();
        }
        self.anchors.get(fragment).copied()
    }

    fn leave_out(&mut self, pointer: &str, why: &str) {
        self.unchecked.push(UncheckedPart {
            pointer: pointer.to_owned(),
            why: why.to_owned(),
        });
    }
}

const UNUSABLE_PATTERN: &str =
    "the pattern is none that can be matched in linear time and little memory";

const NOT_BESIDE_UNCHECKED: &str =
    "another part of the schema is not checked, and without that this might refuse too much";

/// Where a keyword, or a part of one, stands.
struct Position {
    /// The subschema it belongs to.
    node: usize,
    pointer: String,
    /// Of the subschemas in it.
    depth: usize,
}

impl Position {
    fn below(&self, name: &str) -> Self {
        Self {
            node: self.node,
            pointer: join(&self.pointer, name),
            depth: self.depth,
        }
    }

    fn parent(&self) -> &str {
        self.pointer
            .rsplit_once('/')
            .map_or("", |(parent, _)| parent)
    }
}

/// What OpenAPI means by `nullable`, which our types show too: null beside the types and values named.
fn admit_null(keywords: &mut Map<String, Value>) {
    match keywords.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = Value::Array(vec![one.take(), "null".into()]),
        None => {}
    }
    if let Some(Value::Array(types)) = keywords.get_mut("type") {
        let mut seen = HashSet::new();
        types.retain(|name| seen.insert(name.to_string()));
    }
    if let Some(Value::Array(values)) = keywords.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// 2020-12, unless `$schema` names an older draft.
fn draft(schema: &Value) -> Draft {
    let name = schema.get("$schema").and_then(Value::as_str).unwrap_or("");
    let older = [
        ("draft-04", Draft::Draft4),
        ("draft-06", Draft::Draft6),
        ("draft-07", Draft::Draft7),
        ("2019-09", Draft::Draft201909),
    ];
    older
        .into_iter()
        .find_map(|(mark, draft)| name.contains(mark).then_some(draft))
        .unwrap_or(Draft::Draft202012)
}
