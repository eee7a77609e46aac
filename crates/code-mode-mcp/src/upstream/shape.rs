//! The shape of JSON values, learned from values that were seen. Pure functions.
//!
//! Shapes are merged value by value, and the order does not matter: merging is commutative,
//! associative, and changes nothing when a value of a known shape is seen again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Levels of arrays and objects that are told apart. Deeper ones are anything.
const DEEPEST: usize = 8;

/// Properties of one object that are told apart. An object seen with more is a dictionary: its names
/// are data.
const MOST_PROPERTIES: usize = 64;

/// Parts of one shape. One that would be larger is anything, and stays so.
const MOST_PARTS: usize = 4_000;

/// Parts of one value that are looked at. Its other parts are taken to be like them.
const MOST_LOOKED_AT: usize = 100_000;

/// What values were seen: a union of one part for each type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Shape {
    /// Anything. All other parts are empty then.
    #[serde(skip_serializing_if = "is_false")]
    any: bool,
    #[serde(skip_serializing_if = "is_false")]
    null: bool,
    #[serde(skip_serializing_if = "is_false")]
    boolean: bool,
    #[serde(skip_serializing_if = "is_false")]
    integer: bool,
    /// A number that is no integer. Integers are numbers: a union of both is this.
    #[serde(skip_serializing_if = "is_false")]
    number: bool,
    #[serde(skip_serializing_if = "is_false")]
    string: bool,
    /// An array of these. Empty if only empty arrays were seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    array: Option<Box<Shape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Object>,
}

/// Objects that were seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Object {
    /// By property.
    Properties(BTreeMap<String, Property>),
    /// With any names, and values of this shape.
    Dictionary(Box<Shape>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Property {
    /// Whether every object had it.
    required: bool,
    shape: Shape,
}

impl Shape {
    /// The shape of one value.
    pub(super) fn of(value: &Value) -> Self {
        let mut left = MOST_LOOKED_AT;
        Self::within(value, DEEPEST, &mut left).bounded()
    }

    fn within(value: &Value, depth: usize, left: &mut usize) -> Self {
        let mut shape = Self::default();
        *left = left.saturating_sub(1);
        match value {
            Value::Null => shape.null = true,
            Value::Bool(_) => shape.boolean = true,
            Value::String(_) => shape.string = true,
            Value::Number(number) if number.is_f64() => shape.number = true,
            Value::Number(_) => shape.integer = true,
            Value::Array(_) | Value::Object(_) if depth == 0 => return Self::any(),
            Value::Array(items) => {
                let mut item = Self::default();
                for value in items {
                    if *left == 0 {
                        break;
                    }
                    item.merge(Self::within(value, depth - 1, left));
                }
                shape.array = Some(Box::new(item));
            }
            Value::Object(properties) => {
                let properties = properties.iter().map(|(name, value)| {
                    let property = Property {
                        required: true,
                        shape: Self::within(value, depth - 1, left),
                    };
                    (name.clone(), property)
                });
                shape.object = Some(Object::Properties(properties.collect()).bounded());
            }
        }
        shape
    }

    fn any() -> Self {
        Self {
            any: true,
            ..Self::default()
        }
    }

    /// Sees that a value may have the other shape too.
    pub(super) fn merge_with(&mut self, other: Self) {
        self.merge(other);
        let merged = std::mem::take(self);
        *self = merged.bounded();
    }

    fn merge(&mut self, other: Self) {
        if self.any || other.any {
            *self = Self::any();
            return;
        }
        self.null |= other.null;
        self.boolean |= other.boolean;
        self.string |= other.string;
        self.number |= other.number;
        self.integer = (self.integer || other.integer) && !self.number;
        match (&mut self.array, other.array) {
            (Some(array), Some(other)) => array.merge(*other),
            (array @ None, other) => *array = other,
            (Some(_), None) => {}
        }
        self.object = match (self.object.take(), other.object) {
            (Some(object), Some(other)) => Some(object.merged(other)),
            (object, other) => object.or(other),
        };
    }

    fn bounded(self) -> Self {
        match self.parts() > MOST_PARTS {
            true => Self::any(),
            false => self,
        }
    }

    fn parts(&self) -> usize {
        let items = self.array.as_ref().map_or(0, |items| items.parts());
        let properties = match &self.object {
            None => 0,
            Some(Object::Dictionary(values)) => values.parts(),
            Some(Object::Properties(properties)) => properties
                .values()
                .map(|property| property.shape.parts())
                .sum(),
        };
        1 + items + properties
    }

    /// The shape as a JSON Schema. `None` if it says nothing.
    pub(super) fn to_schema(&self) -> Option<Value> {
        if self.any || *self == Self::default() {
            return None;
        }
        let mut types = Vec::new();
        let mut schema = Map::new();
        for (seen, name) in [
            (self.string, "string"),
            (self.number, "number"),
            (self.integer, "integer"),
            (self.boolean, "boolean"),
        ] {
            if seen {
                types.push(name);
            }
        }
        if let Some(items) = &self.array {
            types.push("array");
            if let Some(items) = items.to_schema() {
                schema.insert("items".to_owned(), items);
            }
        }
        if let Some(object) = &self.object {
            types.push("object");
            object.describe(&mut schema);
        }
        if self.null {
            types.push("null");
        }
        let types = match types.as_slice() {
            [only] => json!(only),
            several => json!(several),
        };
        let mut whole = Map::new();
        whole.insert("type".to_owned(), types);
        whole.extend(schema);
        Some(Value::Object(whole))
    }
}

impl Object {
    fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::Properties(mut properties), Self::Properties(others)) => {
                for (name, property) in &mut properties {
                    property.required &= others.contains_key(name);
                }
                for (name, other) in others {
                    match properties.get_mut(&name) {
                        Some(property) => {
                            property.required &= other.required;
                            property.shape.merge(other.shape);
                        }
                        None => {
                            let property = Property {
                                required: false,
                                shape: other.shape,
                            };
                            properties.insert(name, property);
                        }
                    }
                }
                Self::Properties(properties).bounded()
            }
            (a, b) => {
                let mut values = a.values();
                values.merge(b.values());
                Self::Dictionary(Box::new(values))
            }
        }
    }

    fn bounded(self) -> Self {
        match &self {
            Self::Properties(properties) if properties.len() > MOST_PROPERTIES => {
                Self::Dictionary(Box::new(self.values()))
            }
            _ => self,
        }
    }

    /// The shape of all values together.
    fn values(self) -> Shape {
        match self {
            Self::Dictionary(values) => *values,
            Self::Properties(properties) => {
                let mut values = Shape::default();
                for property in properties.into_values() {
                    values.merge(property.shape);
                }
                values
            }
        }
    }

    fn describe(&self, schema: &mut Map<String, Value>) {
        match self {
            Self::Dictionary(values) => {
                if let Some(values) = values.to_schema() {
                    schema.insert("additionalProperties".to_owned(), values);
                }
            }
            Self::Properties(properties) => {
                let described: Map<String, Value> = properties
                    .iter()
                    .map(|(name, property)| {
                        let schema = property.shape.to_schema();
                        (name.clone(), schema.unwrap_or_else(|| json!({})))
                    })
                    .collect();
                let required: Vec<&String> = properties
                    .iter()
                    .filter(|(_, property)| property.required)
                    .map(|(name, _)| name)
                    .collect();
                if !required.is_empty() {
                    schema.insert("required".to_owned(), json!(required));
                }
                schema.insert("properties".to_owned(), Value::Object(described));
            }
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: &[Value]) -> Shape {
        let mut shape = Shape::default();
        for value in values {
            shape.merge_with(Shape::of(value));
        }
        shape
    }

    fn schema(values: &[Value]) -> Value {
        seen(values).to_schema().unwrap_or_else(|| json!({}))
    }

    #[test]
    fn values_become_schemas() {
        let cases = [
            (vec![json!("a"), json!("b")], json!({ "type": "string" })),
            (vec![json!(1), json!(2.5)], json!({ "type": "number" })),
            (vec![json!(1), json!(-2)], json!({ "type": "integer" })),
            (
                vec![json!(null), json!(true), json!("x")],
                json!({ "type": ["string", "boolean", "null"] }),
            ),
            (vec![json!([])], json!({ "type": "array" })),
            (
                vec![json!([]), json!([1, "a"])],
                json!({ "type": "array", "items": { "type": ["string", "integer"] } }),
            ),
            (
                vec![json!({ "b": 1, "a": "x" }), json!({ "b": null })],
                json!({
                    "type": "object",
                    "required": ["b"],
                    "properties": {
                        "a": { "type": "string" },
                        "b": { "type": ["integer", "null"] },
                    },
                }),
            ),
            (
                vec![json!([{ "a": 1 }, { "a": 2, "b": 3 }])],
                json!({
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["a"],
                        "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } },
                    },
                }),
            ),
            (
                vec![json!({ "a": [] }), json!("none")],
                json!({
                    "type": ["string", "object"],
                    "required": ["a"],
                    "properties": { "a": { "type": "array" } },
                }),
            ),
            (vec![], json!({})),
        ];
        for (values, expected) in cases {
            assert_eq!(schema(&values), expected, "{values:?}");
        }
    }

    #[test]
    fn an_object_with_very_many_names_is_a_dictionary() {
        let many = |count: usize| -> Value {
            let entries = (0..count).map(|n| (format!("key{n}"), json!(n)));
            Value::Object(entries.collect())
        };
        let expected = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
        assert_eq!(schema(&[many(65)]), expected);
        assert_eq!(schema(&[many(65), json!({ "other": 1 })]), expected);
        assert_ne!(schema(&[many(64)]), expected);
    }

    #[test]
    fn what_is_too_deep_or_too_large_is_anything() {
        let mut deep = json!("end");
        for _ in 0..500 {
            deep = Value::Array(vec![deep]);
        }
        let mut level = schema(&[deep]);
        for _ in 0..DEEPEST - 1 {
            level = level["items"].take();
        }
        assert_eq!(level, json!({ "type": "array" }));

        let wide = |value: Value| -> Value {
            Value::Object((0..60).map(|n| (n.to_string(), value.clone())).collect())
        };
        assert_eq!(schema(&[wide(wide(wide(json!(1))))]), json!({}));
    }

    /// Pseudo-random values, the same in every run.
    struct Values(u64);

    impl Values {
        fn next(&mut self, below: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % below
        }

        fn value(&mut self, depth: u64) -> Value {
            match self.next(if depth == 0 { 5 } else { 8 }) {
                0 => json!(null),
                1 => json!(true),
                2 => json!("text"),
                3 => json!(7),
                4 => json!(7.5),
                5 => {
                    let items = self.next(4);
                    (0..items).map(|_| self.value(depth - 1)).collect()
                }
                _ => {
                    // Sometimes more than an object may have.
                    let names = if self.next(8) == 0 { 90 } else { 6 };
                    let count = self.next(names);
                    let entries = (0..count).map(|_| {
                        let name = format!("p{}", self.next(names));
                        (name, self.value(depth - 1))
                    });
                    Value::Object(entries.collect())
                }
            }
        }
    }

    #[test]
    fn merging_is_commutative_and_associative_and_converges() {
        let mut values = Values(1);
        let merged = |a: &Shape, b: &Shape| {
            let mut a = a.clone();
            a.merge(b.clone());
            a
        };
        for _ in 0..3_000 {
            let [a, b, c] = std::array::from_fn(|_| {
                let mut left = MOST_LOOKED_AT;
                Shape::within(&values.value(3), DEEPEST, &mut left)
            });
            assert_eq!(merged(&a, &b), merged(&b, &a));
            assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            let all = merged(&merged(&a, &b), &c);
            assert_eq!(merged(&all, &b), all);
            assert_eq!(merged(&all, &all), all);
        }
    }

    #[test]
    fn a_shape_is_kept_as_json() {
        let shape = seen(&[json!({ "a": [1, null] }), json!("x"), json!([true])]);
        let text = serde_json::to_string(&shape).unwrap();
        assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape);
    }
}
