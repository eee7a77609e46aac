//! From the text of a file to a tree of values that know where they stand. JSON with comments and
//! TOML give the same tree, so that everything after this is written once.

use std::path::Path;

use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{ParseOptions, ast};
use toml_edit::{Document, Item, TableLike};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// JSON, with comments and trailing commas.
    Json,
    /// TOML.
    Toml,
}

impl Syntax {
    /// By content first: only JSON begins with a brace. Names decide where that says nothing.
    pub(crate) fn of(file: &Path, text: &str) -> Self {
        let named_json = file
            .extension()
            .is_some_and(|extension| extension == "json" || extension == "jsonc");
        let begin = without_comments(text);
        if begin.starts_with('{') || (named_json && !begin.starts_with("[mcp_servers")) {
            Self::Json
        } else {
            Self::Toml
        }
    }
}

/// The text after white space and JSON's comments.
fn without_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        text = if let Some(comment) = text.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = text.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return text;
        };
    }
}

/// A value, the byte it begins at and the one after its last.
///
/// Of a TOML table that is spread over the file, the two are those of a piece of it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: usize,
    pub end: usize,
    pub value: Value,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: usize,
    pub node: Node,
}

impl Node {
    /// What it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "an array",
            Value::Map(_) => "an object",
        }
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        find(self.map()?, key)
    }
}

/// The value under a key; the first, if there are several.
pub(crate) fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries
        .iter()
        .find(|entry| entry.key == key)
        .map(|entry| &entry.node)
}

/// A text that is neither JSON nor TOML.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub at: usize,
    pub message: String,
    pub todo: &'static str,
}

/// What is tolerated in JSON: comments and trailing commas, as the owners of the files do.
pub(crate) fn json_options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// The tree of a text; nothing if there is nothing but white space and comments.
pub(crate) fn parse(text: &str, syntax: Syntax) -> Result<Option<Node>, SyntaxError> {
    // A byte order mark is blanked, so that all places stay where they are.
    let unmarked;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            unmarked = format!("   {rest}");
            &unmarked
        }
        None => text,
    };
    match syntax {
        Syntax::Json => json(text),
        Syntax::Toml => toml(text),
    }
}

fn json(text: &str) -> Result<Option<Node>, SyntaxError> {
    let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &json_options());
    let parsed = parsed.map_err(|error| SyntaxError {
        at: error.range().start,
        message: format!(
            "this is no valid JSON: {}",
            lower(&error.kind().to_string())
        ),
        todo: json_todo(error.kind()),
    })?;
    Ok(parsed.value.as_ref().map(json_node))
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

fn json_todo(kind: &ParseErrorKind) -> &'static str {
    use ParseErrorKind as Kind;
    match kind {
        Kind::ExpectedComma => "put a comma here, between the two values",
        Kind::ExpectedColonAfterObjectKey => "put a colon between the key and its value",
        Kind::ExpectedObjectValue => "give the key a value",
        Kind::UnterminatedArray => "close the array that begins here with ]",
        Kind::UnterminatedObject => "close the object that begins here with }",
        Kind::UnterminatedCommentBlock => "close the comment that begins here with */",
        Kind::MultipleRootJsonValues => "put all servers into one object { … }",
        Kind::ExpectedStringObjectProperty
        | Kind::UnexpectedTokenInObject
        | Kind::SingleQuotedStringsNotAllowed
        | Kind::UnexpectedWord => "write keys and texts in double quotes",
        Kind::String(_) => {
            "close the text with a double quote, and write \\\\ for a backslash in it"
        }
        Kind::UnexpectedCloseBrace | Kind::UnexpectedCloseBracket => {
            "take the bracket away, or open its partner before"
        }
        Kind::UnexpectedComma => "take the comma away",
        _ => "repair the JSON here; an editor that knows JSON shows the place",
    }
}

fn json_node(node: &ast::Value<'_>) -> Node {
    let value = match node {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::NumberLit(number) => Value::Number(number.value.to_owned()),
        ast::Value::StringLit(text) => Value::Text(text.value.to_string()),
        ast::Value::Array(array) => Value::List(array.elements.iter().map(json_node).collect()),
        ast::Value::Object(object) => {
            let entry = |property: &ast::ObjectProp<'_>| Entry {
                key: property.name.as_str().to_owned(),
                key_at: property.start(),
                node: json_node(&property.value),
            };
            Value::Map(object.properties.iter().map(entry).collect())
        }
    };
    Node {
        at: node.start(),
        end: node.end(),
        value,
    }
}

fn toml(text: &str) -> Result<Option<Node>, SyntaxError> {
    let document = Document::parse(text).map_err(|error| SyntaxError {
        at: error.span().map_or(0, |span| span.start),
        message: format!(
            "this is no valid TOML: {}",
            error.message().lines().collect::<Vec<_>>().join(", ")
        ),
        todo: "repair the TOML here: [mcp_servers.NAME], then lines of key = \"value\"",
    })?;
    if document.as_table().is_empty() {
        return Ok(None);
    }
    Ok(Some(Node {
        at: 0,
        end: text.len(),
        value: toml_map(document.as_table()),
    }))
}

fn toml_map(table: &dyn TableLike) -> Value {
    let entry = |(key, item): (&str, &Item)| {
        let span = table.key(key).and_then(toml_edit::Key::span);
        let key_at = span.map_or(0, |span| span.start);
        Some(Entry {
            key: key.to_owned(),
            key_at,
            node: toml_node(item, key_at)?,
        })
    };
    Value::Map(table.iter().filter_map(entry).collect())
}

/// Tables that only dotted keys or headers of their children mention have no place of their own: they
/// take that of their key.
fn toml_node(item: &Item, key_at: usize) -> Option<Node> {
    let span = item.span().unwrap_or(key_at..key_at);
    let at = span.start;
    let value = match item {
        Item::None => return None,
        Item::Table(table) => toml_map(table),
        Item::ArrayOfTables(tables) => Value::List(
            tables
                .iter()
                .map(|table| {
                    let span = table.span().unwrap_or(key_at..key_at);
                    Node {
                        at: span.start,
                        end: span.end,
                        value: toml_map(table),
                    }
                })
                .collect(),
        ),
        Item::Value(value) => toml_value(value, at),
    };
    Some(Node {
        at,
        end: span.end,
        value,
    })
}

fn toml_value(value: &toml_edit::Value, at: usize) -> Value {
    use toml_edit::Value as Toml;
    match value {
        Toml::String(text) => Value::Text(text.value().clone()),
        Toml::Integer(number) => Value::Number(number.value().to_string()),
        Toml::Float(number) => Value::Number(number.value().to_string()),
        Toml::Boolean(value) => Value::Bool(*value.value()),
        Toml::Datetime(date) => Value::Text(date.value().to_string()),
        Toml::Array(array) => Value::List(
            array
                .iter()
                .map(|value| {
                    let span = value.span().unwrap_or(at..at);
                    Node {
                        at: span.start,
                        end: span.end,
                        value: toml_value(value, span.start),
                    }
                })
                .collect(),
        ),
        Toml::InlineTable(table) => toml_map(table),
    }
}
