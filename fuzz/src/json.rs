//! JSON values and JSON Schemas made of bytes.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Map, Number, Value, json};

/// How deep values go.
const DEPTH: usize = 6;

/// Names that properties have: common ones, those that JavaScript treats in ways of its own, and those
/// that are no identifiers.
const NAMES: [&str; 24] = [
    "a",
    "b",
    "c",
    "d",
    "id",
    "",
    "0",
    "7",
    "01",
    "-1",
    "4294967295",
    "__proto__",
    "constructor",
    "toString",
    "toJSON",
    "then",
    "length",
    "a b",
    "a-b",
    "a\"b",
    "a*/b",
    "é",
    "😀",
    "\u{2028}",
];

/// Any JSON value.
pub fn value(u: &mut Unstructured<'_>) -> Result<Value> {
    value_within(u, DEPTH)
}

fn value_within(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let kinds = if depth == 0 { 6 } else { 8 };
    Ok(match u.int_in_range(0..=kinds - 1)? {
        0 => Value::Null,
        1 => Value::Bool(u.arbitrary()?),
        2 => Value::from(u.arbitrary::<i64>()?),
        3 => Number::from_f64(u.arbitrary()?).map_or(json!(0.5), Value::Number),
        4 => Value::from(u.arbitrary::<i8>()?),
        5 => Value::from(u.arbitrary::<&str>()?),
        6 => Value::Array(several(u, |u| value_within(u, depth - 1))?),
        _ => members(u, |u| value_within(u, depth - 1))?,
    })
}

/// The name of a property.
pub fn name(u: &mut Unstructured<'_>) -> Result<String> {
    match u.ratio(7, 8)? {
        true => Ok((*u.choose(&NAMES)?).to_owned()),
        false => Ok(u.arbitrary::<&str>()?.to_owned()),
    }
}

/// A value that is a JSON Schema, or nearly one.
pub fn schema(u: &mut Unstructured<'_>) -> Result<Value> {
    schema_within(u, DEPTH)
}

fn schema_within(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    if u.is_empty() || u.ratio(1, 16)? {
        return Ok(Value::Bool(u.arbitrary()?));
    }
    let mut schema = Map::new();
    for _ in 0..u.int_in_range(1..=4)? {
        let (keyword, value) = keyword(u, depth)?;
        schema.insert(keyword.to_owned(), value);
    }
    Ok(Value::Object(schema))
}

fn keyword(u: &mut Unstructured<'_>, depth: usize) -> Result<(&'static str, Value)> {
    const TYPES: [&str; 8] = [
        "null", "boolean", "number", "integer", "string", "array", "object", "nothing",
    ];
    const REFERENCES: [&str; 12] = [
        "#",
        "#/$defs/a",
        "#/$defs/b",
        "#/properties/a",
        "#/items",
        "#a",
        "a",
        "#/$defs/a%20b",
        "x:y",
        "#/allOf/0",
        "#/$defs/c/not",
        "",
    ];
    const PATTERNS: [&str; 8] = ["", "^a", "b$", "^[a-z]+$", "^(a|b)$", "^x-", ".*", "("];
    let simple = 16;
    let all = if depth == 0 { simple } else { simple + 23 };
    let inner = depth.saturating_sub(1);
    let one = |u: &mut Unstructured<'_>| schema_within(u, inner);
    let list = |u: &mut Unstructured<'_>| several(u, one).map(Value::Array);
    let named = |u: &mut Unstructured<'_>| members(u, one);
    Ok(match u.int_in_range(0..=all - 1)? {
        0 => ("type", Value::from(*u.choose(&TYPES)?)),
        1 => (
            "type",
            several(u, |u| Ok(Value::from(*u.choose(&TYPES)?)))?.into(),
        ),
        2 => ("enum", several(u, |u| value_within(u, 2))?.into()),
        3 => ("const", value_within(u, 2)?),
        4 => ("required", several(u, |u| name(u).map(Value::from))?.into()),
        5 => ("$ref", Value::from(*u.choose(&REFERENCES)?)),
        6 => ("$dynamicRef", Value::from(*u.choose(&REFERENCES)?)),
        7 => ("$anchor", json!("a")),
        8 => ("$id", Value::from(*u.choose(&["a", "x:y", "#", ""])?)),
        9 => ("description", Value::from(u.arbitrary::<&str>()?)),
        10 => ("default", value_within(u, 2)?),
        11 => ("format", Value::from(u.arbitrary::<&str>()?)),
        12 => ("pattern", Value::from(*u.choose(&PATTERNS)?)),
        13 => (
            *u.choose(&[
                "minItems",
                "maxItems",
                "minLength",
                "maxLength",
                "minProperties",
                "maxProperties",
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "multipleOf",
                "minContains",
            ])?,
            value_within(u, 0)?,
        ),
        14 => (
            *u.choose(&[
                "readOnly",
                "writeOnly",
                "deprecated",
                "nullable",
                "uniqueItems",
            ])?,
            Value::Bool(u.arbitrary()?),
        ),
        15 => ("additionalProperties", Value::Bool(u.arbitrary()?)),
        16 | 17 => ("properties", named(u)?),
        18 => ("patternProperties", patterns(u, &PATTERNS, inner)?),
        19 => ("additionalProperties", one(u)?),
        20 => ("propertyNames", one(u)?),
        21 => ("unevaluatedProperties", one(u)?),
        22 => ("dependentSchemas", named(u)?),
        23 => ("dependentRequired", json!({ "a": ["b"] })),
        24 => ("items", one(u)?),
        25 => ("items", list(u)?),
        26 => ("prefixItems", list(u)?),
        27 => ("additionalItems", one(u)?),
        28 => ("unevaluatedItems", one(u)?),
        29 => ("contains", one(u)?),
        30 => ("allOf", list(u)?),
        31 => ("anyOf", list(u)?),
        32 => ("oneOf", list(u)?),
        33 => ("not", one(u)?),
        34 => ("if", one(u)?),
        35 => ("then", one(u)?),
        36 => ("else", one(u)?),
        37 => ("$defs", named(u)?),
        _ => ("description", value_within(u, 2)?),
    })
}

fn patterns(u: &mut Unstructured<'_>, patterns: &[&str], depth: usize) -> Result<Value> {
    let one = |u: &mut Unstructured<'_>| {
        Ok(((*u.choose(patterns)?).to_owned(), schema_within(u, depth)?))
    };
    Ok(Value::Object(several(u, one)?.into_iter().collect()))
}

fn members(
    u: &mut Unstructured<'_>,
    mut one: impl FnMut(&mut Unstructured<'_>) -> Result<Value>,
) -> Result<Value> {
    let members = several(u, |u| Ok((name(u)?, one(u)?)))?;
    Ok(Value::Object(members.into_iter().collect()))
}

/// Up to four of what `one` makes.
fn several<T>(
    u: &mut Unstructured<'_>,
    mut one: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..u.int_in_range(0..=4)?).map(|_| one(u)).collect()
}
