//! Schemas and arguments that mean harm, and what is not checked of them. What is said of arguments
//! that do not fit is in the integration tests.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::InputCheck;

/// What is left of a cell's stack at its deepest script is about 3 MiB; checks may take two thirds.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Runs on a stack of that size; an overflow ends the test's process.
fn on_a_small_stack<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, body)
            .unwrap()
            .join()
            .unwrap()
    })
}

/// What is said of arguments; `None` if nothing is.
fn said(schema: &Value, arguments: &str) -> Option<String> {
    on_a_small_stack(|| {
        let arguments: Box<RawValue> = serde_json::from_str(arguments).unwrap();
        InputCheck::default()
            .violations(Some(schema), "tool", &arguments)
            .map(|violations| violations.message("tool", ""))
    })
}

/// The parts of a schema that are not checked, as `pointer: why`.
fn unchecked(schema: &Value) -> Vec<String> {
    on_a_small_stack(|| {
        let check = InputCheck::default();
        let parts = check.unchecked(Some(schema)).iter();
        parts
            .map(|part| format!("{}: {}", part.pointer, part.why))
            .collect()
    })
}

#[track_caller]
fn assert_says(schema: &Value, arguments: &str, expected: &str) {
    let said = said(schema, arguments);
    assert_eq!(said.as_deref(), Some(expected));
}

#[track_caller]
fn assert_nothing_is_checked(schema: &Value, why: &str) {
    assert_eq!(unchecked(schema), [format!(": {why}")]);
    assert_eq!(said(schema, r#"{"a":{"a":[1]}}"#), None);
}

/// A schema inside another, `times` times.
fn nested(times: usize, innermost: Value, around: fn(Value) -> Value) -> Value {
    (0..times).fold(innermost, |inner, _| around(inner))
}

/// Subschemas that refer to each other in a row, each from `depth` levels inside.
fn row(length: usize, depth: usize, last: Value, around: fn(Value) -> Value) -> Value {
    let mut definitions = Map::new();
    for index in 0..length {
        let next = json!({ "$ref": format!("#/$defs/{}", index + 1) });
        definitions.insert(index.to_string(), nested(depth, next, around));
    }
    definitions.insert(length.to_string(), last);
    json!({ "$ref": "#/$defs/0", "$defs": definitions })
}

/// `{"a":{"a":…}}`
fn deep_object(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

type Around = fn(Value) -> Value;

#[test]
fn schemas_as_deep_as_they_may_be_fit_the_stack_of_a_cell() {
    let all: [Around; 17] = [
        |inner| json!({ "not": inner }),
        |inner| json!({ "propertyNames": inner }),
        |inner| json!({ "items": inner }),
        |inner| json!({ "contains": inner }),
        |inner| json!({ "additionalProperties": inner }),
        |inner| json!({ "additionalProperties": inner, "properties": { "b": true } }),
        |inner| json!({ "additionalProperties": inner, "patternProperties": { "b": true } }),
        |inner| json!({ "if": inner, "then": true, "else": false }),
        |inner| json!({ "allOf": [inner] }),
        |inner| json!({ "allOf": [true, inner] }),
        |inner| json!({ "anyOf": [inner, false] }),
        |inner| json!({ "oneOf": [inner, false] }),
        |inner| json!({ "prefixItems": [inner] }),
        |inner| json!({ "properties": { "a": inner } }),
        |inner| json!({ "patternProperties": { "a": inner } }),
        |inner| json!({ "patternProperties": { "a": inner, "b": true }, "additionalProperties": false }),
        |inner| json!({ "dependentSchemas": { "a": inner } }),
    ];
    let depth = 18;
    for (number, around) in all.into_iter().enumerate() {
        let last = json!({ "required": ["b"] });
        // As many as may be applied to one value; and more, where each is applied to a part of it.
        for length in [10, 14, 50] {
            let schema = row(length, depth, last.clone(), around);
            let unchecked = on_a_small_stack(|| {
                let check = InputCheck::default();
                for deep in [
                    deep_object(120),
                    format!("{}{}", "[".repeat(120), "]".repeat(120)),
                ] {
                    let arguments: Box<RawValue> = serde_json::from_str(&deep).unwrap();
                    check.violations(Some(&schema), "tool", &arguments);
                }
                check.unchecked(Some(&schema)).to_vec()
            });
            assert!(
                unchecked.is_empty() || length == 50,
                "{number}, {length}: {unchecked:?}"
            );
        }
    }
}

#[test]
fn what_is_nullable_takes_null_as_its_type_says() {
    let schema = json!({ "type": "object", "properties": {
        "a": { "type": "string", "nullable": true },
        "b": { "type": ["string", "null"], "enum": ["x"], "nullable": true },
    } });
    assert_eq!(said(&schema, r#"{"a":null,"b":null}"#), None);
    assert!(said(&schema, r#"{"a":5}"#).is_some());
    assert!(said(&schema, r#"{"b":"y"}"#).is_some());
}

#[test]
fn a_schema_that_is_deeper_is_not_checked() {
    let schema = nested(1_000, json!({}), |inner| json!({ "items": inner }));
    assert_nothing_is_checked(&schema, "its subschemas are nested deeper than 20 levels");
    let schema = json!({ "const": nested(1_000, json!(1), |inner| json!([inner])) });
    assert_nothing_is_checked(&schema, "a value in it is nested deeper than 64 levels");
}

#[test]
fn a_schema_that_applies_itself_to_the_same_value_is_not_checked() {
    let why = "it applies itself to the same value again";
    assert_nothing_is_checked(&json!({ "$ref": "#" }), why);
    assert_nothing_is_checked(&json!({ "allOf": [{ "not": { "$ref": "#" } }] }), why);
    let pair = json!({
        "properties": { "a": { "$ref": "#/$defs/x" } },
        "$defs": { "x": { "$ref": "#/$defs/y" }, "y": { "anyOf": [{ "$ref": "#/$defs/x" }] } },
    });
    assert_nothing_is_checked(&pair, why);
}

#[test]
fn a_schema_that_applies_itself_to_parts_is_checked() {
    let tree = json!({
        "type": "object",
        "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } },
        "additionalProperties": false,
    });
    assert!(unchecked(&tree).is_empty());
    assert_eq!(said(&tree, r#"{"left":{"left":{}}}"#), None);
    assert_says(
        &tree,
        r#"{"left":{"right":{"left":5}}}"#,
        "tool: args.left.right.left must be an object, got number 5",
    );
}

#[test]
fn subschemas_that_double_at_each_reference_are_not_checked() {
    let schema = row(40, 0, json!({ "type": "object" }), |inner| inner);
    assert!(unchecked(&schema).is_empty());
    let mut definitions = Map::new();
    for index in 0..40 {
        let next = json!({ "$ref": format!("#/$defs/{}", index + 1) });
        definitions.insert(index.to_string(), json!({ "allOf": [next.clone(), next] }));
    }
    definitions.insert("40".to_owned(), json!({ "type": "object" }));
    let schema = json!({ "$ref": "#/$defs/0", "$defs": definitions });
    assert_nothing_is_checked(&schema, "it takes too long to check");
}

#[test]
fn subschemas_that_double_at_each_level_of_the_value_are_checked_as_deep_as_is_quick() {
    let schema = json!({
        "required": ["a"],
        "allOf": [
            { "properties": { "a": { "$ref": "#" } } },
            { "properties": { "a": { "$ref": "#" } } },
        ],
    });
    let said_of = |depth| {
        let innermost = "{".to_owned() + "}";
        said(&schema, &deep_object(depth).replace('1', &innermost)).is_some()
    };
    assert!(said_of(1) && said_of(5));
    assert!(!said_of(60));
}

#[test]
fn ten_megabytes_of_schema_are_checked_if_they_are_words_and_not_if_they_are_structure() {
    const MIB: usize = 1024 * 1024;
    let words = "word ".repeat(2 * MIB);
    let schema = json!({ "description": words, "properties": { "a": { "type": "string", "title": words } } });
    assert!(unchecked(&schema).is_empty());
    assert_says(
        &schema,
        r#"{"a":1}"#,
        "tool: args.a must be a string, got number 1",
    );

    let too_many = "it is made of more than 20000 values";
    let many: Map<_, _> = (0..200_000)
        .map(|index| (index.to_string(), json!({ "type": "string" })))
        .collect();
    assert_nothing_is_checked(&json!({ "properties": many }), too_many);
    assert_nothing_is_checked(&json!({ "enum": [words] }), too_many);
    let long_name = json!({ "properties": { words: { "type": "string" } } });
    assert_nothing_is_checked(
        &long_name,
        "its names are too long: the path of a subschema takes more than 1000 bytes",
    );
}

#[test]
fn what_is_no_schema_is_not_checked() {
    for (schema, why) in [
        (
            json!(5),
            "it is no valid schema: neither an object nor a boolean is at \"\"",
        ),
        (
            json!({ "items": 5 }),
            "it is no valid schema: neither an object nor a boolean is at \"/items\"",
        ),
        (
            json!({ "type": 5 }),
            "it is no valid schema: at \"/type\", this value is not valid under any of the schemas listed in the 'anyOf' keyword",
        ),
        (
            json!({ "properties": 5 }),
            "it is no valid schema: at \"/properties\", this value is not of type \"object\"",
        ),
        (
            json!({ "properties": { "a": { "required": "yes" } } }),
            "it is no valid schema: at \"/properties/a/required\", this value is not of type \"array\"",
        ),
    ] {
        assert_nothing_is_checked(&schema, why);
    }
}

#[test]
fn references_to_elsewhere_are_not_followed_and_the_rest_is_checked() {
    let schema = json!({
        "properties": {
            "a": { "$ref": "https://example.com/a.json" },
            "b": { "$ref": "#/$defs/none", "type": "string" },
            "c": { "type": "string" },
            "d": { "$dynamicRef": "#node" },
            "e": { "$id": "https://example.com/e", "properties": { "f": { "$ref": "#/$defs/c" } } },
        },
        "$defs": { "c": { "type": "string" } },
    });
    let pointers: Vec<_> = unchecked(&schema)
        .into_iter()
        .map(|part| part.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        pointers,
        [
            "/properties/a",
            "/properties/b",
            "/properties/d",
            "/properties/e/properties/f"
        ]
    );
    assert_eq!(
        said(&schema, r#"{"a":1,"b":1,"c":"x","d":1,"e":{"f":1}}"#),
        None
    );
    assert_says(
        &schema,
        r#"{"a":1,"c":1}"#,
        "tool: args.c must be a string, got number 1",
    );
}

#[test]
fn references_within_are_followed_by_pointer_and_by_anchor() {
    let schema = json!({
        "$id": "https://example.com/tool.json",
        "properties": {
            "a": { "$ref": "#/$defs/a~1b%20c" },
            "b": { "$ref": "#named" },
            "c": { "$ref": "#/properties/a" },
        },
        "$defs": { "a/b c": { "type": "string" }, "d": { "$anchor": "named", "type": "null" } },
    });
    assert!(unchecked(&schema).is_empty());
    assert_says(
        &schema,
        r#"{"a":1,"b":1,"c":1}"#,
        "tool: the arguments do not fit:\n- args.a must be a string, got number 1\n\
         - args.b must be null, got number 1\n- args.c must be a string, got number 1",
    );
}

#[test]
fn a_part_that_is_not_checked_never_makes_another_refuse() {
    let unknown = json!({ "$ref": "https://example.com/a.json" });
    let lookahead = json!({ "pattern": "(?=a)" });
    for part in [unknown, lookahead] {
        for schema in [
            json!({ "properties": { "a": { "not": part } } }),
            json!({ "properties": { "a": { "oneOf": [part, { "type": "string" }] } } }),
            json!({ "properties": { "a": { "if": part, "then": false } } }),
            json!({ "properties": { "a": { "if": part, "else": false } } }),
            json!({ "properties": { "b": { "contains": part, "maxContains": 1 } } }),
            json!({ "allOf": [part], "unevaluatedProperties": false }),
            json!({ "properties": { "a": { "not": { "$ref": "#/$defs/x" } } }, "$defs": { "x": part } }),
        ] {
            assert!(!unchecked(&schema).is_empty(), "{schema}");
            assert_eq!(
                said(&schema, r#"{"a":"text","b":[1,2,3]}"#),
                None,
                "{schema}"
            );
        }
    }
}

#[test]
fn patterns_are_matched_in_linear_time_or_not_at_all() {
    let slow = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    let text = "a".repeat(100_000);
    assert_eq!(said(&slow, &format!(r#"{{"a":"{text}"}}"#)), None);
    assert!(said(&slow, &format!(r#"{{"a":"{text}!"}}"#)).is_some());

    let why = "the pattern is none that can be matched in linear time and little memory";
    for pattern in [
        "(?=a)b".to_owned(),
        "(?P=a)".to_owned(),
        "(?<!a)b".to_owned(),
        r"(a)\1".to_owned(),
        "((a{100}){100}){100}".to_owned(),
        "[".to_owned(),
        "a".repeat(2_000),
    ] {
        let schema = json!({ "properties": {
            "a": { "pattern": pattern, "type": "string" },
            "b": { "patternProperties": { &pattern: false, "^x$": { "type": "null" } }, "additionalProperties": false },
        }});
        let unchecked = unchecked(&schema);
        assert_eq!(unchecked.len(), 2, "{unchecked:?}");
        assert_eq!(unchecked[0], format!("/properties/a/pattern: {why}"));
        assert_eq!(said(&schema, r#"{"a":"z","b":{"y":1}}"#), None);
        assert_says(
            &schema,
            r#"{"a":1,"b":{"x":1}}"#,
            "tool: the arguments do not fit:\n- args.a must be a string, got number 1\n\
             - args.b.x must be null, got number 1",
        );
    }
}

#[test]
fn patterns_that_people_write_are_matched() {
    for (pattern, fits) in [
        (r"^[a-zA-Z0-9_-]{1,128}$", "a-b_c"),
        (r"^\d{4}-\d{2}-\d{2}$", "2024-01-31"),
        (
            r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$",
            "2024-01-31T10:00:00Z",
        ),
        (
            r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
            "123e4567-e89b-12d3-a456-426614174000",
        ),
        (r"^https?://[^\s/$.?#].[^\s]*$", "https://example.com/a"),
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "a@example.com"),
        (
            r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?$",
            "1.2.3-a.1",
        ),
        (r"^.{1,255}$", "name"),
        (r"^\p{L}+$", "näme"),
        (r"\S", "x"),
        (r"^#[0-9A-Fa-f]{6}$", "#aabbcc"),
        (r"^(\w+\/)*\w+\.(js|ts)$", "a/b/c.ts"),
    ] {
        let schema = json!({ "properties": { "a": { "pattern": pattern } } });
        assert_eq!(unchecked(&schema), [""; 0], "{pattern}");
        assert_eq!(
            said(&schema, &json!({ "a": fits }).to_string()),
            None,
            "{pattern}"
        );
        assert!(said(&schema, r#"{"a":""}"#).is_some(), "{pattern}");
    }
}

#[test]
fn arguments_too_big_for_their_schema_are_not_checked_and_others_are() {
    let schema = json!({ "properties": { "rows": { "items": {
        "type": "object",
        "properties": { "id": { "type": "integer" }, "name": { "type": "string" } },
        "required": ["id"],
        "additionalProperties": false,
    } } } });
    let rows = |count: usize, last: &str| {
        let row = r#"{"id":1,"name":"a name as names are"},"#;
        format!(r#"{{"rows":[{}{last}]}}"#, row.repeat(count))
    };
    let megabyte = 27_000;
    assert_eq!(said(&schema, &rows(megabyte, r#"{"id":2}"#)), None);
    assert_says(
        &schema,
        &rows(megabyte, r#"{"name":"x"}"#),
        "tool: args.rows[27000].id is required",
    );

    let pattern = json!({ "properties": { "a": { "pattern": "^a*$" }, "b": { "type": "null" } } });
    let arguments = |length| format!(r#"{{"a":"{}","b":1}}"#, "a".repeat(length));
    assert!(said(&pattern, &arguments(2_000_000)).is_some());
    assert!(said(&pattern, &arguments(3_000_000)).is_none());
}

#[test]
fn where_all_errors_would_take_too_much_memory_the_first_is_told() {
    let schema = json!({ "additionalProperties": { "items": { "type": "string" } } });
    let name = "n".repeat(100_000);
    let arguments = format!(r#"{{"{name}":[{}1]}}"#, "1,".repeat(20_000));
    let expected = format!(
        "tool: args.{}…[0] must be a string, got number 1",
        "n".repeat(60)
    );
    assert_says(&schema, &arguments, &expected);

    let schema =
        json!({ "additionalProperties": { "items": { "anyOf": [{ "type": "string" }, false] } } });
    assert_says(
        &schema,
        &arguments,
        "tool: the arguments do not fit the tool's input schema; there is too much of them to say where",
    );
}

#[test]
fn long_names_and_many_alternatives_are_told_without_comparing_all_of_them() {
    let schema = json!({ "required": ["path"], "properties": { "path": true } });
    let name = "n".repeat(1_000_000);
    let arguments = format!(r#"{{"{name}":1,"pth":1}}"#);
    assert_says(
        &schema,
        &arguments,
        "tool: args.path is required; did you mean it by args.pth?",
    );
    let schema = json!({ "additionalProperties": false, "properties": { "path": true } });
    let said = said(&schema, &format!(r#"{{"{name}":1}}"#)).unwrap();
    assert_eq!(
        said,
        format!(
            "tool: args.{}… is not a property of tool. It takes path?",
            "n".repeat(60)
        )
    );

    let schema = json!({ "properties": { "a": { "anyOf": [
        { "items": { "type": "string" } },
        { "items": { "minimum": 5 } },
    ] } } });
    assert_says(
        &schema,
        &format!(r#"{{"a":[{}1]}}"#, "1,".repeat(10_000)),
        "tool: args.a fits none of its 2 alternatives; of the closest: args.a[0] must be a string, \
         got number 1 and args.a[1] must be a string, got number 1, or args.a[0] must be at least 5, \
         got number 1 and args.a[1] must be at least 5, got number 1",
    );
}

#[test]
fn arguments_deeper_than_json_is_read_are_not_checked() {
    let schema = json!({ "properties": { "a": { "type": "string" } } });
    assert!(said(&schema, &deep_object(127)).is_some());
    assert!(said(&schema, &deep_object(10_000)).is_none());
}

#[test]
fn older_drafts_are_checked_as_they_say() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": "#/definitions/input",
        "required": ["ignored beside a reference"],
        "definitions": { "input": {
            "properties": { "a": { "items": [{ "type": "string" }], "additionalItems": false } },
            "dependencies": { "a": ["b"] },
        } },
    });
    assert!(unchecked(&schema).is_empty());
    assert_says(
        &schema,
        r#"{"a":[1,2]}"#,
        "tool: the arguments do not fit:\n- args.a[0] must be a string, got number 1\n\
         - args.a must have at most 1 item, got 2\n- args.b is required",
    );
    let schema = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": { "a": { "minimum": 1, "exclusiveMinimum": true } },
    });
    assert_says(
        &schema,
        r#"{"a":1}"#,
        "tool: args.a must be more than 1, got number 1",
    );
}

#[test]
fn formats_and_content_are_annotations_in_every_draft() {
    for draft in ["draft-07", "draft-04", "2020-12"] {
        let schema = json!({
            "$schema": format!("http://json-schema.org/{draft}/schema#"),
            "properties": {
                "a": { "format": "email" },
                "b": { "contentMediaType": "application/json", "contentEncoding": "base64" },
            },
        });
        assert!(unchecked(&schema).is_empty());
        assert_eq!(said(&schema, r#"{"a":"no address","b":"{"}"#), None);
    }
}

#[test]
fn a_clone_and_an_equal_tool_are_checked_by_their_own_definition() {
    use crate::description::{ToolDefinition, ToolSet};
    let tools = ToolSet::new([ToolDefinition::function("a", "").input_schema(json!({}))]);
    let tool = tools.get("a").unwrap();
    assert!(tool.unchecked_input().is_empty());
    let mut changed = (**tool).clone();
    assert_eq!(&changed, &**tool);
    changed.definition.input_schema = Some(json!(5));
    assert_eq!(changed.unchecked_input().len(), 1);
}
