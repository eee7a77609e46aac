//! Schemas nobody would write: they end, within the bytes, on a small stack.

use std::thread;

use code_mode::{OpenObjects, RenderOptions, RenderedType, SchemaUse, render_schema};
use serde_json::{Map, Value, json};

use super::type_file::TypeFile;

/// The stack of the threads that render: a recursion as deep as a bomb overflows it.
const STACK_BYTES: usize = 256 * 1024;
/// Levels of the keywords that schemas nest by, and of others.
const DEPTH: usize = 100_000;
const OTHER_DEPTH: usize = 10_000;
/// Random schemas that are rendered, and those of them that are compiled.
const CASES: u64 = 2_000;
const COMPILED_CASES: u64 = 400;

/// Renders on a small stack, checks the bytes, and takes the schema apart without recursion.
fn survives(what: &str, schema: Value, options: &RenderOptions, max_bytes: usize) -> RenderedType {
    let options = options.clone().max_bytes(max_bytes);
    let render = move || {
        let rendered = render_schema(&schema, &options);
        dismantle(schema);
        rendered
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(render);
    let rendered = thread.expect("a thread").join().expect(what);
    let bytes = rendered.aliases.len() + rendered.text.len();
    assert!(
        bytes <= max_bytes.max("unknown".len()),
        "{what}: {bytes} bytes"
    );
    rendered
}

fn rendered(what: &str, schema: Value) -> RenderedType {
    survives(what, schema, &RenderOptions::default(), 16_000)
}

/// Dropping a deep value recurses, so it is emptied level by level.
fn dismantle(value: Value) {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => waiting.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

fn object(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(Map::from_iter(members))
}

#[test]
fn depth_bombs_of_every_keyword_end() {
    type Wrap = fn(Value) -> Value;
    let one = |keyword: &'static str, inner: Value| object([(keyword.to_owned(), inner)]);
    let list = move |keyword, inner| one(keyword, Value::Array(vec![inner]));
    let named = move |keyword, inner| one(keyword, object([("a".to_owned(), inner)]));
    let single = [
        "items",
        "not",
        "if",
        "then",
        "contains",
        "propertyNames",
        "additionalProperties",
    ];
    let lists = ["allOf", "anyOf", "oneOf", "prefixItems", "enum"];
    let names = [
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "const",
    ];
    let bomb = |depth: usize, wrap: &dyn Fn(Value) -> Value| {
        (0..depth).fold(json!({ "type": "string" }), |inner, _| wrap(inner))
    };
    let depth_of = |keyword| match keyword {
        "allOf" | "anyOf" | "items" | "properties" => DEPTH,
        _ => OTHER_DEPTH,
    };
    for keyword in single {
        rendered(
            keyword,
            bomb(depth_of(keyword), &|inner| one(keyword, inner)),
        );
    }
    for keyword in lists {
        rendered(
            keyword,
            bomb(depth_of(keyword), &|inner| list(keyword, inner)),
        );
    }
    for keyword in names {
        rendered(
            keyword,
            bomb(depth_of(keyword), &|inner| named(keyword, inner)),
        );
    }
    let mixed: [(&str, Wrap); 3] = [
        ("properties beside allOf", |inner| {
            let mut schema = json!({ "properties": { "a": { "type": "string" } } });
            schema["allOf"] = Value::Array(vec![inner]);
            schema
        }),
        ("if, then and else", |inner| {
            let mut schema = json!({ "if": { "required": ["a"] }, "else": { "type": "number" } });
            schema["then"] = inner;
            schema
        }),
        ("two branches", |inner| {
            let mut schema = json!({ "oneOf": [{ "required": ["a"] }] });
            schema["oneOf"].as_array_mut().expect("a list").push(inner);
            schema
        }),
    ];
    for (what, wrap) in mixed {
        rendered(what, bomb(OTHER_DEPTH, &wrap));
    }
}

#[test]
fn each_level_with_a_property_of_its_own_ends() {
    let deep = (0..OTHER_DEPTH).fold(json!({}), |inner, level| {
        let mut schema = json!({ "properties": { (format!("p{level}")): { "type": "string" } } });
        schema["allOf"] = Value::Array(vec![inner]);
        schema
    });
    let rendered = rendered("a property on each level of allOf", deep);
    assert!(rendered.is_cut);
}

#[test]
fn chains_of_references_end() {
    let links = (0..OTHER_DEPTH).map(|link| {
        let next = format!("#/$defs/d{}", link + 1);
        (format!("d{link}"), json!({ "$ref": next }))
    });
    let mut defs = Map::from_iter(links);
    defs.insert(format!("d{OTHER_DEPTH}"), json!({ "type": "boolean" }));
    let pure = rendered("a chain", json!({ "$ref": "#/$defs/d0", "$defs": defs }));
    assert_eq!(pure.text, "boolean");

    let links = (0..OTHER_DEPTH).map(|link| {
        let next = format!("#/$defs/d{}", link + 1);
        let property = format!("p{link}");
        (
            format!("d{link}"),
            json!({ "$ref": next, "properties": { property: true } }),
        )
    });
    let defs = Map::from_iter(links);
    rendered(
        "a chain of additions",
        json!({ "$ref": "#/$defs/d0", "$defs": defs }),
    );
}

#[test]
fn doubling_through_references_ends() {
    for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        let defs = (0..64).map(|level| {
            let next = format!("#/$defs/d{}", level + 1);
            let own = format!("p{level}");
            let schema = json!({ keyword: [
                { "$ref": next, "properties": { (own.clone()): { "type": "string" } } },
                { "$ref": next, "required": [own] },
            ] });
            (format!("d{level}"), schema)
        });
        let schema = json!({ "$ref": "#/$defs/d0", "$defs": Map::from_iter(defs) });
        rendered(keyword, schema);
    }
    let defs = (0..64).map(|level| {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        let schema =
            json!({ "properties": { "left": next, "right": next, "more": { "items": next } } });
        (format!("d{level}"), schema)
    });
    let schema = json!({ "$ref": "#/$defs/d0", "$defs": Map::from_iter(defs) });
    rendered("properties", schema);
    let conditions: Vec<_> = (0..64)
        .map(|number| {
            json!({ "anyOf": [
            { "required": [format!("a{number}")] },
            { "properties": { (format!("b{number}")): { "type": "string" } } },
        ] })
        })
        .collect();
    rendered("a product of unions", json!({ "allOf": conditions }));
}

#[test]
fn references_in_circles_of_every_shape_end() {
    let circles = [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "anyOf": [{ "$ref": "#" }] }),
        json!({ "anyOf": [{ "$ref": "#" }, { "type": "string" }] }),
        json!({ "oneOf": [{ "$ref": "#" }, { "$ref": "#" }] }),
        json!({ "not": { "$ref": "#" } }),
        json!({ "if": { "$ref": "#" }, "then": { "$ref": "#" }, "else": { "$ref": "#" } }),
        json!({ "items": { "$ref": "#" } }),
        json!({ "prefixItems": [{ "$ref": "#" }], "minItems": 1 }),
        json!({ "properties": { "a": { "$ref": "#" } }, "required": ["a"] }),
        json!({ "properties": { "a": { "not": { "$ref": "#" } } } }),
        json!({ "additionalProperties": { "$ref": "#" } }),
        json!({ "additionalProperties": { "allOf": [{ "$ref": "#" }], "type": "object" } }),
        json!({ "contains": { "$ref": "#" } }),
        json!({ "propertyNames": { "$ref": "#" } }),
        json!({ "dependentSchemas": { "a": { "$ref": "#" } } }),
        json!({ "unevaluatedProperties": { "$ref": "#" }, "allOf": [{ "$ref": "#" }] }),
        json!({ "$dynamicAnchor": "a", "anyOf": [{ "$dynamicRef": "#a" }, { "items": { "$dynamicRef": "#a" } }] }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
        json!({ "$ref": "#/$defs/a", "$defs": {
            "a": { "anyOf": [{ "$ref": "#/$defs/b" }, { "type": "string" }] },
            "b": { "anyOf": [{ "$ref": "#/$defs/a" }, { "type": "number" }] },
        } }),
        json!({ "$ref": "#/$defs/a", "$defs": {
            "a": { "properties": { "x": { "allOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/b" }] } } },
            "b": { "properties": { "x": { "allOf": [{ "$ref": "#/$defs/b" }, { "$ref": "#/$defs/a" }] } } },
        } }),
        json!({ "$ref": "#/properties/a", "properties": { "a": { "properties": { "a": { "$ref": "#/properties/a/properties/a" } } } } }),
    ];
    for circle in circles {
        let what = circle.to_string();
        assert!(!rendered(&what, circle).is_cut, "{what}");
    }
}

#[test]
fn schemas_of_ten_megabytes_end() {
    const COUNT: usize = 10_000;
    let name = |number: usize| format!("a_rather_long_name_{number:0981}");
    let names = || (0..COUNT).map(name);
    let listed = || names().map(Value::String).collect::<Vec<_>>();
    let refs = || {
        names()
            .map(|name| json!({ "$ref": format!("#/$defs/{name}") }))
            .collect()
    };
    let defs =
        || object(names().map(|name| (name, json!({ "properties": { "a": { "$ref": "#" } } }))));
    let strings = || object(names().map(|name| (name, json!({ "type": "string" }))));
    let wide = [
        ("a wide enum", json!({ "enum": listed() })),
        (
            "a wide enum twice",
            json!({ "enum": listed(), "allOf": [{ "enum": listed() }] }),
        ),
        (
            "many properties",
            json!({ "properties": strings(), "required": listed() }),
        ),
        (
            "many definitions",
            json!({ "$defs": defs(), "anyOf": Value::Array(refs()) }),
        ),
        (
            "many parts",
            json!({ "$defs": defs(), "allOf": Value::Array(refs()) }),
        ),
        (
            "many items",
            json!({ "$defs": defs(), "prefixItems": Value::Array(refs()) }),
        ),
        (
            "many patterns",
            json!({ "patternProperties": object(names().take(3_000).map(|name| (name, json!({ "type": "string" })))) }),
        ),
        ("a wide literal", json!({ "const": listed() })),
        (
            "a long description",
            json!({ "properties": { "a": { "description": "x".repeat(10_000_000) } } }),
        ),
        ("a long literal", json!({ "const": "x".repeat(10_000_000) })),
    ];
    for (what, schema) in wide {
        rendered(what, schema);
    }
}

#[test]
fn a_reference_to_something_wide_from_many_places_ends() {
    let wide = object((0..5_000).map(|number| (format!("p{number}"), json!({ "type": "string" }))));
    let uses = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|number| json!({ "$ref": "#/$defs/wide", "required": [format!("q{number}")] }))
            .collect()
    };
    let defs = json!({ "wide": { "properties": wide } });
    rendered("branches", json!({ "$defs": defs, "anyOf": uses(2_000) }));
    let named = uses(2_000).into_iter().enumerate();
    let properties = object(named.map(|(number, schema)| (format!("u{number}"), schema)));
    rendered(
        "properties",
        json!({ "$defs": defs, "properties": properties }),
    );
}

#[test]
fn arbitrary_json_as_schema_ends_within_any_number_of_bytes() {
    for seed in 0..CASES {
        let schema = Generator::new(seed).schema();
        let max_bytes = [16_000, 1_000, 200, 40, 0][(seed % 5) as usize];
        let options = options(seed);
        let once = survives(&format!("seed {seed}"), schema.clone(), &options, max_bytes);
        let again = render_schema(&schema, &options.max_bytes(max_bytes));
        assert_eq!(once, again, "seed {seed} renders the same every time");
    }
}

/// A sample of the random schemas, for the compiler.
pub fn type_file() -> TypeFile {
    let mut file = TypeFile::new("fuzz.ts");
    for seed in 0..COMPILED_CASES {
        let schema = Generator::new(seed).schema();
        let name = format!("Fuzz{seed}");
        let max_bytes = [16_000, 1_000, 200][(seed % 3) as usize];
        let options = options(seed)
            .alias_prefix(format!("{name}_"))
            .max_bytes(max_bytes);
        file.declare(
            &name,
            &render_schema(&schema, &options),
            &format!("seed {seed}: {schema}"),
        );
    }
    file
}

fn options(seed: u64) -> RenderOptions {
    let options = RenderOptions::default();
    let options = if seed.is_multiple_of(2) {
        options.schema_use(SchemaUse::Output)
    } else {
        options.arguments()
    };
    if seed.is_multiple_of(3) {
        options.open_objects(OpenObjects::Explicit)
    } else {
        options
    }
}

/// Makes schemas from a seed, the same on every machine.
struct Generator {
    state: u64,
    left: usize,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            left: 60,
        }
    }

    /// A number below a bound.
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % bound as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn schema(&mut self) -> Value {
        let mut root = self.inner();
        if let Value::Object(keywords) = &mut root {
            let defs = (0..3).map(|number| (format!("d{number}"), self.inner()));
            keywords.insert("$defs".to_owned(), object(defs.collect::<Vec<_>>()));
        }
        root
    }

    fn inner(&mut self) -> Value {
        if self.left == 0 || self.below(12) == 0 {
            return [
                json!(true),
                json!(false),
                json!({}),
                json!({ "type": "string" }),
            ][self.below(4)]
            .clone();
        }
        self.left -= 1;
        let count = 1 + self.below(4);
        let mut keywords = Map::new();
        for _ in 0..count {
            let (keyword, value) = self.keyword();
            keywords.insert(keyword.to_owned(), value);
        }
        Value::Object(keywords)
    }

    fn keyword(&mut self) -> (&'static str, Value) {
        const SINGLE: &[&str] = &[
            "items",
            "not",
            "if",
            "then",
            "else",
            "contains",
            "additionalProperties",
            "unevaluatedProperties",
            "unevaluatedItems",
            "propertyNames",
            "additionalItems",
        ];
        const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems", "items"];
        const NAMED: &[&str] = &[
            "properties",
            "properties",
            "patternProperties",
            "dependentSchemas",
            "dependencies",
        ];
        const COUNTS: &[&str] = &[
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "minLength",
            "maxLength",
            "minimum",
            "maximum",
            "minContains",
            "maxContains",
            "multipleOf",
        ];
        const FLAGS: &[&str] = &[
            "nullable",
            "readOnly",
            "writeOnly",
            "deprecated",
            "uniqueItems",
        ];
        match self.below(12) {
            0 | 1 => ("type", self.types()),
            2 => (self.pick(SINGLE), self.inner()),
            3 | 4 => {
                let many = (0..1 + self.below(3)).map(|_| self.inner()).collect();
                (self.pick(LISTS), Value::Array(many))
            }
            5 | 6 => {
                let named = (0..1 + self.below(3)).map(|_| (self.name(), self.inner()));
                let named = object(named.collect::<Vec<_>>());
                (self.pick(NAMED), named)
            }
            7 => {
                let names = (0..1 + self.below(2)).map(|_| Value::String(self.name()));
                ("required", Value::Array(names.collect()))
            }
            8 => (
                "$ref",
                json!(self.pick(&[
                    "#",
                    "#/$defs/d0",
                    "#/$defs/d1",
                    "#/$defs/d2",
                    "#/$defs/none",
                    "else.json"
                ])),
            ),
            9 => {
                let literals = (0..1 + self.below(3)).map(|_| self.literal(2)).collect();
                ("enum", Value::Array(literals))
            }
            10 => (self.pick(COUNTS), json!(self.below(5))),
            _ => match self.below(4) {
                0 => ("const", self.literal(3)),
                1 => ("description", json!(self.text())),
                2 => (self.pick(FLAGS), json!(true)),
                // Keywords whose value is none of theirs.
                _ => (
                    self.pick(&["type", "properties", "items", "required", "$ref", "enum"]),
                    self.literal(2),
                ),
            },
        }
    }

    fn types(&mut self) -> Value {
        const TYPES: &[&str] = &[
            "object", "object", "array", "string", "number", "integer", "boolean", "null", "any",
        ];
        if self.below(3) > 0 {
            return json!(self.pick(TYPES));
        }
        json!([self.pick(TYPES), self.pick(TYPES)])
    }

    fn name(&mut self) -> String {
        self.pick(&[
            "a",
            "b",
            "c",
            "__proto__",
            "constructor",
            "toString",
            "1",
            "",
            "a-b",
            "new",
            "*/",
            "\u{202e}x",
            "^a",
            "b$",
            "\"",
            "$ref",
            "`${x}`",
            "\n",
        ])
        .to_owned()
    }

    fn text(&mut self) -> String {
        self.pick(&[
            "Plain.",
            "Ends */ early",
            "two\nlines",
            "\u{0}\u{202e}\u{2028}",
            "/** x */",
            "*\u{200b}/",
            "@default 1",
        ])
        .to_owned()
    }

    fn literal(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(5)),
            3 => json!([-1.5, 1e300, 1e-7, -0.0, 9_007_199_254_740_993.0][self.below(5)]),
            4 | 5 => json!(self.name()),
            6 => Value::Array(
                (0..self.below(3))
                    .map(|_| self.literal(depth - 1))
                    .collect(),
            ),
            _ => {
                let members = (0..self.below(3)).map(|_| (self.name(), self.literal(depth - 1)));
                object(members.collect::<Vec<_>>())
            }
        }
    }
}
