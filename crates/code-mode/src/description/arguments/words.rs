//! Says what is wrong with arguments: the property's path in JavaScript notation, what was expected,
//! what came.

use std::fmt::Write;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::{Map, Value};

use crate::description::tool_set::closest;
use crate::description::typescript::is_identifier;

/// How many violations are told, how many of one alternative,
const TOLD: usize = 5;
const TOLD_OF_AN_ALTERNATIVE: usize = 2;
/// and of how many alternatives that are equally close.
const TOLD_ALTERNATIVES: usize = 3;
/// How many errors of an alternative are compared with those of the others.
const COMPARED: usize = 50;
/// How many names or values are listed.
const LISTED: usize = 12;
/// How much of a value or name is shown, in bytes.
const SHOWN: usize = 60;
/// Alternatives inside alternatives are told this deep.
const TOLD_DEPTH: usize = 2;

/// What is wrong with the arguments of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violations {
    told: Vec<String>,
    /// How many there are beside those.
    more: usize,
}

impl Violations {
    /// All of it in one text. `place` says where the call is.
    pub(crate) fn message(&self, tool: &str, place: &str) -> String {
        if let ([only], 0) = (&*self.told, self.more) {
            return format!("{tool}: {only}{place}");
        }
        let mut text = format!("{tool}: the arguments do not fit{place}:");
        for violation in &self.told {
            let _ = write!(text, "\n- {violation}");
        }
        if self.more > 0 {
            let _ = write!(text, "\n- and {} more", self.more);
        }
        text
    }
}

/// Words the errors that `schema` found in `arguments`; none, if there was no room to tell them.
pub(super) fn violations(
    tool: &str,
    schema: &Value,
    arguments: &Value,
    errors: &[ValidationError<'_>],
) -> Violations {
    let words = Words {
        tool,
        schema,
        arguments,
    };
    let total: usize = errors.iter().map(violations_in).sum();
    let mut told = Vec::new();
    for error in errors {
        if told.len() >= TOLD {
            break;
        }
        words.tell(error, 0, &mut told);
    }
    told.truncate(TOLD);
    if told.is_empty() {
        told.push(
            "the arguments do not fit the tool's input schema; there is too much of them to say where"
                .to_owned(),
        );
    }
    Violations {
        more: total.saturating_sub(told.len()),
        told,
    }
}

fn violations_in(error: &ValidationError<'_>) -> usize {
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unexpected.len()
        }
        _ => 1,
    }
}

/// Whether an error is that an object has a property while it may have none.
fn closes_object(error: &ValidationError<'_>) -> bool {
    let path = error.schema_path().as_str();
    path.ends_with("/additionalProperties") || path.ends_with("/unevaluatedProperties")
}

struct Words<'a> {
    tool: &'a str,
    schema: &'a Value,
    arguments: &'a Value,
}

impl Words<'_> {
    /// Words an error, as one violation or more.
    fn tell(&self, error: &ValidationError<'_>, depth: usize, told: &mut Vec<String>) {
        self.tell_of(self.path(error), error, depth, told);
    }

    fn tell_of(
        &self,
        path: String,
        error: &ValidationError<'_>,
        depth: usize,
        told: &mut Vec<String>,
    ) {
        let instance = error.instance();
        let text = match error.kind() {
            Kind::Type { .. } | Kind::Enum { .. } | Kind::Constant { .. } => {
                let mut expected = Expected::default();
                expected.add(error);
                must_be(&path, &expected, instance)
            }
            Kind::Required { property } => self.missing(error, &path, property),
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let names = unexpected.iter().take(TOLD);
                told.extend(names.map(|name| self.unknown(error, &path, name)));
                return;
            }
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                self.tell_alternatives(error, depth, told);
                return;
            }
            Kind::OneOfMultipleValid { context } => format!(
                "{path} must fit exactly one of its {} alternatives, and fits several",
                context.len()
            ),
            // What comes of an object that may have no property at all: its first one.
            Kind::FalseSchema if closes_object(error) => {
                let object = self.arguments.pointer(error.instance_path().as_str());
                let first = object
                    .and_then(Value::as_object)
                    .and_then(|all| all.keys().next());
                told.extend(first.map(|name| self.unknown(error, &path, name)));
                return;
            }
            Kind::FalseSchema => format!("{path} must not be given"),
            Kind::Not { schema } => {
                format!(
                    "{path} must not fit {}, got {}",
                    shown(schema),
                    came(instance)
                )
            }
            Kind::Minimum { limit } => bound(&path, "at least", limit, instance),
            Kind::Maximum { limit } => bound(&path, "at most", limit, instance),
            Kind::ExclusiveMinimum { limit } => bound(&path, "more than", limit, instance),
            Kind::ExclusiveMaximum { limit } => bound(&path, "less than", limit, instance),
            Kind::MultipleOf { multiple_of } => format!(
                "{path} must be a multiple of {multiple_of}, got {}",
                came(instance)
            ),
            Kind::MinLength { limit } => sized(&path, "at least", *limit, "character", instance),
            Kind::MaxLength { limit } => sized(&path, "at most", *limit, "character", instance),
            Kind::MinItems { limit } => sized(&path, "at least", *limit, "item", instance),
            Kind::MaxItems { limit } => sized(&path, "at most", *limit, "item", instance),
            Kind::MinProperties { limit } => sized(&path, "at least", *limit, "propert", instance),
            Kind::MaxProperties { limit } => sized(&path, "at most", *limit, "propert", instance),
            Kind::AdditionalItems { limit } => {
                sized(&path, "at most", *limit as u64, "item", instance)
            }
            Kind::UnevaluatedItems { unexpected } => format!(
                "{path} has {} too many",
                counted(unexpected.len() as u64, "item")
            ),
            Kind::UniqueItems => {
                format!("{path} must not have an item twice, got {}", came(instance))
            }
            Kind::Contains => self.contains(error, &path),
            Kind::Pattern { pattern } => format!(
                "{path} must match the pattern {}, got {}",
                cut(pattern),
                came(instance)
            ),
            Kind::PropertyNames { error: of_name } => {
                let name = of_name.instance().as_str().unwrap_or_default();
                let path = format!("the name of {path}{}", step(name));
                self.tell_of(path, of_name, depth, told);
                return;
            }
            _ => format!("{path} does not fit: {}", error.masked_with("it")),
        };
        told.push(text);
    }

    fn missing(&self, error: &ValidationError<'_>, path: &str, property: &Value) -> String {
        let missing = property.as_str().unwrap_or_default();
        let mut text = format!("{path}{} is required", step(missing));
        // Where unknown properties are refused, that is told of them.
        let subschema = self.subschema(error);
        let is_closed = subschema.is_some_and(|keywords| {
            ["additionalProperties", "unevaluatedProperties"]
                .iter()
                .any(|name| keywords.get(*name) == Some(&Value::Bool(false)))
        });
        if let (false, Value::Object(given)) = (is_closed, &**error.instance()) {
            let known = subschema.and_then(properties);
            let unknown = given
                .keys()
                .filter(|name| !known.is_some_and(|known| known.contains_key(*name)))
                .map(String::as_str);
            if let Some(near) = near(missing, unknown) {
                let _ = write!(text, "; did you mean it by {path}{}?", step(near));
            }
        }
        text
    }

    fn unknown(&self, error: &ValidationError<'_>, path: &str, name: &str) -> String {
        let owner = if path == "args" { self.tool } else { path };
        let mut text = format!("{path}{} is not a property of {owner}", step(name));
        let subschema = self.subschema(error);
        let none = Map::new();
        let known = subschema.and_then(properties).unwrap_or(&none);
        // What else it takes may stand in other subschemas.
        let are_all_known = !error
            .schema_path()
            .as_str()
            .ends_with("/unevaluatedProperties");
        match near(name, known.keys().map(String::as_str)) {
            Some(near) => {
                let _ = write!(text, "; did you mean {path}{}?", step(near));
            }
            None if are_all_known => text.push('.'),
            None => {}
        }
        if !are_all_known {
            return text;
        }
        let required = subschema
            .and_then(|keywords| keywords.get("required"))
            .and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let names = known.keys().map(|name| {
            let mark = if is_required(name) { "" } else { "?" };
            format!("{}{mark}", cut(name))
        });
        if known.is_empty() {
            text.push_str(" It takes none");
        } else {
            let _ = write!(text, " It takes {}", listed(names));
        }
        text
    }

    fn contains(&self, error: &ValidationError<'_>, path: &str) -> String {
        let keyword = |name: &str| self.subschema(error)?.get(name);
        let least = keyword("minContains").and_then(Value::as_u64).unwrap_or(1);
        let wanted = match keyword("maxContains").and_then(Value::as_u64) {
            Some(most) => format!("from {least} to {}", counted(most, "item")),
            None => format!("at least {}", counted(least, "item")),
        };
        let fitting = keyword("contains").map_or_else(String::new, shown);
        format!(
            "{path} must have {wanted} fitting {fitting}, got {}",
            came(error.instance())
        )
    }

    /// Words why none of some alternatives fits: what they ask for at one place, if that is what
    /// tells them apart; else what is wrong with the closest of them.
    fn tell_alternatives(&self, error: &ValidationError<'_>, depth: usize, told: &mut Vec<String>) {
        let mut alternatives = Vec::new();
        add_alternatives(error, &mut alternatives);
        if let Some(text) = self.told_apart(&alternatives) {
            told.push(text);
            return;
        }
        let of_the_kind = |errors: &&[_]| !is_of_another_kind(error, errors);
        let mut candidates: Vec<_> = alternatives.iter().copied().filter(of_the_kind).collect();
        if let [only] = &*candidates {
            for error in only.iter().take(TOLD) {
                self.tell(error, depth, told);
            }
            return;
        }
        let path = self.path(error);
        let none_fits = format!(
            "{path} fits none of its {} alternatives",
            alternatives.len()
        );
        if depth == TOLD_DEPTH || candidates.is_empty() {
            told.push(format!("{none_fits}, got {}", came(error.instance())));
            return;
        }
        candidates.sort_by_cached_key(|errors| distance(errors));
        let least = distance(candidates[0]);
        candidates.retain(|errors| distance(errors) == least);
        let mut reasons: Vec<String> = Vec::new();
        for errors in candidates.iter().take(TOLD_ALTERNATIVES) {
            let mut of_it = Vec::new();
            for error in errors.iter().take(TOLD_OF_AN_ALTERNATIVE) {
                self.tell(error, depth + 1, &mut of_it);
            }
            of_it.truncate(TOLD_OF_AN_ALTERNATIVE);
            reasons.push(of_it.join(" and "));
        }
        reasons.dedup();
        told.push(format!(
            "{none_fits}; of the closest: {}",
            reasons.join(", or ")
        ));
    }

    fn told_apart(&self, alternatives: &[&[ValidationError<'_>]]) -> Option<String> {
        let [first, others @ ..] = alternatives else {
            return None;
        };
        first.iter().take(COMPARED).find_map(|error| {
            let place = error.instance_path();
            let mut expected = Expected::default();
            expected.add(error).then_some(())?;
            for errors in others {
                errors
                    .iter()
                    .take(COMPARED)
                    .filter(|other| other.instance_path() == place)
                    .any(|other| expected.add(other))
                    .then_some(())?;
            }
            Some(must_be(&self.path(error), &expected, error.instance()))
        })
    }

    /// The subschema that a failed keyword is in.
    fn subschema(&self, error: &ValidationError<'_>) -> Option<&Map<String, Value>> {
        let (subschema, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(subschema)?.as_object()
    }

    /// Where an error is, as JavaScript would write it.
    fn path(&self, error: &ValidationError<'_>) -> String {
        let mut path = "args".to_owned();
        let mut at = Some(self.arguments);
        for escaped in error.instance_path().as_str().split('/').skip(1) {
            let name = escaped.replace("~1", "/").replace("~0", "~");
            let (text, next) = match at {
                Some(Value::Array(items)) => {
                    let index = name.parse().ok();
                    let item = index.and_then(|index: usize| items.get(index));
                    (format!("[{name}]"), item)
                }
                at => (step(&name), at.and_then(|object| object.get(&name))),
            };
            path.push_str(&text);
            at = next;
        }
        path
    }
}

/// What a value may be.
#[derive(Default)]
struct Expected {
    types: Vec<String>,
    values: Vec<Value>,
}

impl Expected {
    /// Takes over what an error says; false if that is nothing of the kind.
    fn add(&mut self, error: &ValidationError<'_>) -> bool {
        match error.kind() {
            Kind::Type { kind } => match kind {
                TypeKind::Single(one) => self.add_type(*one),
                TypeKind::Multiple(several) => several.iter().for_each(|one| self.add_type(one)),
            },
            Kind::Enum { options } => {
                let options = options.as_array().map_or(&[][..], Vec::as_slice);
                options.iter().for_each(|option| self.add_value(option));
            }
            Kind::Constant { expected_value } => self.add_value(expected_value),
            _ => return false,
        }
        true
    }

    fn add_type(&mut self, one: JsonType) {
        let text = match one {
            JsonType::Null => "null".to_owned(),
            JsonType::Integer | JsonType::Array | JsonType::Object => format!("an {one}"),
            _ => format!("a {one}"),
        };
        if !self.types.contains(&text) {
            self.types.push(text);
        }
    }

    fn add_value(&mut self, value: &Value) {
        // Those beyond are only counted.
        if self.values.len() > LISTED || !self.values.contains(value) {
            self.values.push(value.clone());
        }
    }
}

fn must_be(path: &str, expected: &Expected, instance: &Value) -> String {
    let mut parts = expected.types.clone();
    match &*expected.values {
        [] => {}
        [only] => parts.push(shown(only)),
        several => parts.push(format!("one of {}", listed(several.iter().map(shown)))),
    }
    let mut text = format!(
        "{path} must be {}, got {}",
        parts.join(" or "),
        came(instance)
    );
    if let Value::String(given) = instance {
        let options = expected.values.iter().filter_map(Value::as_str);
        if let Some(near) = near(given, options) {
            let _ = write!(text, "; did you mean {}?", shown(&Value::from(near)));
        }
    }
    text
}

/// The errors of each alternative, those of alternatives inside alternatives beside them.
fn add_alternatives<'e>(
    error: &'e ValidationError<'_>,
    alternatives: &mut Vec<&'e [ValidationError<'static>]>,
) {
    let (Kind::AnyOf { context } | Kind::OneOfNotValid { context }) = error.kind() else {
        return;
    };
    for errors in context {
        match &**errors {
            [inner]
                if matches!(
                    inner.kind(),
                    Kind::AnyOf { .. } | Kind::OneOfNotValid { .. }
                ) && inner.instance_path() == error.instance_path() =>
            {
                add_alternatives(inner, alternatives);
            }
            errors => alternatives.push(errors),
        }
    }
}

fn is_of_another_kind(whole: &ValidationError<'_>, errors: &[ValidationError<'_>]) -> bool {
    errors.iter().any(|error| {
        matches!(error.kind(), Kind::Type { .. } | Kind::FalseSchema)
            && error.instance_path() == whole.instance_path()
    })
}

/// How far a value is from an alternative: how often it is marked as another, how much is wrong.
fn distance(errors: &[ValidationError<'_>]) -> (usize, usize) {
    let marks = errors
        .iter()
        .filter(|error| matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. }))
        .count();
    (marks, errors.len())
}

fn bound(path: &str, relation: &str, limit: &Value, instance: &Value) -> String {
    format!("{path} must be {relation} {limit}, got {}", came(instance))
}

fn sized(path: &str, relation: &str, limit: u64, unit: &str, instance: &Value) -> String {
    let size = match instance {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    format!(
        "{path} must have {relation} {}, got {size}",
        counted(limit, unit)
    )
}

/// A number of things; of `propert`, properties.
fn counted(number: u64, unit: &str) -> String {
    let ending = match (unit, number) {
        ("propert", 1) => "y",
        ("propert", _) => "ies",
        (_, 1) => "",
        _ => "s",
    };
    format!("{number} {unit}{ending}")
}

fn properties(keywords: &Map<String, Value>) -> Option<&Map<String, Value>> {
    keywords.get("properties")?.as_object()
}

/// The first of many, and how many more there are.
fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(LISTED);
    let first: Vec<_> = all.take(LISTED).collect();
    let mut text = first.join(", ");
    if more > 0 {
        let _ = write!(text, ", … ({more} more)");
    }
    text
}

/// What may have been meant by `name`.
fn near<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LOOKED_AT: usize = 200;
    closest(name, candidates.take(LOOKED_AT)).first().copied()
}

/// A property access in JavaScript: `.name`, or `["a name"]`.
fn step(name: &str) -> String {
    if is_identifier(name) {
        format!(".{}", cut(name))
    } else {
        format!("[{}]", shown(&Value::from(cut(name))))
    }
}

/// A value that came, with what it is.
fn came(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("{kind} {}", shown(value))
}

/// A value as JSON, cut where it is long.
fn shown(value: &Value) -> String {
    let mut start = Start(Vec::new());
    // The error is that there is more.
    let is_whole = serde_json::to_writer(&mut start, value).is_ok();
    let text = String::from_utf8_lossy(&start.0);
    if is_whole && text.len() <= SHOWN {
        return text.into_owned();
    }
    cut(&text)
}

/// The start of a text.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN)])
}

/// Keeps a little more than is shown, and takes no more.
struct Start(Vec<u8>);

impl std::io::Write for Start {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = (SHOWN + 4).saturating_sub(self.0.len());
        if room == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
