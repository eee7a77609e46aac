//! What JSDoc says of a property or an alias: the description, and what types cannot say.

use serde_json::Value;

use super::text::{comment_text, shortened};

/// How much of the documentation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Full,
    /// The first line of descriptions, and no examples: what is left when space is scarce.
    Short,
}

/// Characters of a description, by detail.
const MAX_DESCRIPTION: usize = 1_000;
const MAX_SHORT_DESCRIPTION: usize = 120;
/// Characters of the value of a tag.
const MAX_TAG: usize = 120;
/// Examples of one property.
const MAX_EXAMPLES: usize = 3;

/// Keywords that become a tag of their name.
const TAGS: &[&str] = &[
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "contentEncoding",
    "contentMediaType",
];

/// The comment that schemas give what has this name: each statement from the first that makes it.
/// Empty, or lines that end with a line break.
pub(super) fn comment(name: &str, schemas: &[&Value], detail: Detail) -> String {
    let first = |keyword: &str| schemas.iter().find_map(|schema| schema.get(keyword));
    let mut lines: Vec<String> = Vec::new();
    let title = first("title").and_then(Value::as_str);
    let title = title.filter(|title| !is_same_name(title, name));
    let description = first("description").and_then(Value::as_str);
    if let Some(description) = description.or(title) {
        lines.extend(description_lines(description, detail));
    }
    let flag = |keyword| first(keyword) == Some(&Value::Bool(true));
    if flag("deprecated") {
        lines.push("@deprecated".to_owned());
    }
    if let Some(default) = first("default") {
        lines.push(tag("default", default));
    }
    for keyword in TAGS {
        match first(keyword) {
            None | Some(Value::Bool(false) | Value::Object(_) | Value::Array(_)) => {}
            Some(Value::Bool(true)) => lines.push(format!("@{keyword}")),
            Some(value) => lines.push(tag(keyword, value)),
        }
    }
    if detail == Detail::Full {
        let examples = first("examples").and_then(Value::as_array);
        let examples = examples.into_iter().flatten().chain(first("example"));
        lines.extend(
            examples
                .take(MAX_EXAMPLES)
                .map(|example| tag("example", example)),
        );
    }
    wrapped(&lines)
}

/// A text as a comment. Empty, or lines that end with a line break.
pub(in crate::description) fn text_comment(text: &str) -> String {
    let safe = comment_text(text.trim());
    wrapped(&trimmed_lines(&safe))
}

/// Whether a title only repeats a name, as generators of schemas make them.
fn is_same_name(title: &str, name: &str) -> bool {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    letters(title) == letters(name)
}

fn description_lines(description: &str, detail: Detail) -> Vec<String> {
    let safe = comment_text(description.trim());
    let bounded = match detail {
        Detail::Full => shortened(&safe, MAX_DESCRIPTION),
        Detail::Short => shortened(safe.lines().next().unwrap_or(""), MAX_SHORT_DESCRIPTION),
    };
    trimmed_lines(&bounded)
}

fn trimmed_lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_end().to_owned());
    lines.collect()
}

fn tag(name: &str, value: &Value) -> String {
    /// Values deeper than this are not written out: serializing recurses.
    const MAX_DEPTH: usize = 8;
    if is_deeper_than(value, MAX_DEPTH) {
        return format!("@{name} …");
    }
    let text = match value {
        Value::String(text) if matches!(name, "format" | "pattern") => text.clone(),
        value => value.to_string(),
    };
    let one_line = comment_text(&shortened(&text, MAX_TAG)).replace('\n', " ");
    format!("@{name} {one_line}")
}

fn is_deeper_than(value: &Value, depth: usize) -> bool {
    let mut waiting = vec![(value, 0)];
    while let Some((value, level)) = waiting.pop() {
        if level > depth {
            return true;
        }
        match value {
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(members) => {
                waiting.extend(members.values().map(|member| (member, level + 1)));
            }
            _ => {}
        }
    }
    false
}

fn wrapped(lines: &[String]) -> String {
    match lines {
        [] => String::new(),
        [line] => format!("/** {line} */\n"),
        lines => {
            let mut comment = String::from("/**\n");
            for line in lines {
                comment.push_str(if line.is_empty() { " *" } else { " * " });
                comment.push_str(line);
                comment.push('\n');
            }
            comment.push_str(" */\n");
            comment
        }
    }
}
