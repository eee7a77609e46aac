//! Shows a change without what may be secret in it.
//!
//! A client's file holds tokens, and Claude Code's much else of a person; the lines around a change
//! are as private as the change. So every text is hidden but those that say what is going on: the
//! command and the type of a server, and all of our own entry. Comments are hidden too: a server that
//! someone commented out has its token still.

use std::path::Path;

use similar::TextDiff;

use crate::config::is_gateway;
use crate::config::syntax::{self, Node, Syntax, Value, find};

use super::places::STARTUP_GRACE;

/// The difference in the unified form, three lines around each change.
pub(super) fn unified(file: &Path, before: &str, after: &str) -> String {
    let (before, after) = (masked(file, before), masked(file, after));
    let name = file.display().to_string();
    TextDiff::from_lines(&before, &after)
        .unified_diff()
        .header(&name, &name)
        .to_string()
}

/// A text whose values and comments are `…`.
fn masked(file: &Path, text: &str) -> String {
    let syntax = Syntax::of(file, text);
    let Ok(Some(root)) = syntax::parse(text, syntax) else {
        // Only an empty text comes here: no other is ever changed.
        return String::new();
    };
    let mut hidden = Vec::new();
    hide(&root, "", &mut hidden);
    hidden.sort_unstable();
    let mut shown = String::new();
    let mut from = 0;
    for (at, end) in hidden {
        if at < from {
            continue;
        }
        shown.push_str(&without_comments(&text[from..at], syntax));
        shown.push_str("\"…\"");
        from = end;
    }
    shown.push_str(&without_comments(&text[from..], syntax));
    shown
}

/// Gathers the places of the texts to be hidden.
fn hide(node: &Node, key: &str, hidden: &mut Vec<(usize, usize)>) {
    match &node.value {
        // A command of several words has arguments in it.
        Value::Text(text) if matches!(key, "command" | "type") && !text.contains(' ') => {}
        Value::Number(_) if key == STARTUP_GRACE => {}
        Value::Text(_) | Value::Number(_) => hidden.push((node.at, node.end)),
        Value::List(nodes) => nodes.iter().for_each(|node| hide(node, "", hidden)),
        Value::Map(entries) => {
            let command = find(entries, "command").and_then(Node::text);
            let args = match find(entries, "args").map(|node| &node.value) {
                Some(Value::List(args)) => args.as_slice(),
                _ => &[],
            };
            let args = args.iter().filter_map(Node::text);
            let ours = command.is_some_and(|command| is_gateway(command, args));
            for entry in entries {
                let open = matches!(
                    entry.key.as_str(),
                    "command" | "type" | "args" | "timeout" | "tool_timeout_sec"
                );
                // Ours may have blanks in the path of the program.
                if !(ours && open) {
                    hide(&entry.node, &entry.key, hidden);
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// A piece of a text between hidden values, its comments hidden; the lines stay as many.
///
/// The pieces have no texts in them but keys and what is shown, so that quotes are all there is to
/// look out for.
fn without_comments(piece: &str, syntax: Syntax) -> String {
    let mut shown = String::new();
    let mut rest = piece;
    while let Some(letter) = rest.chars().next() {
        let taken = match (letter, syntax) {
            ('"' | '\'', _) => quoted(rest),
            ('#', Syntax::Toml) => {
                shown.push_str("# …");
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            ('/', Syntax::Json) if rest.starts_with("//") => {
                shown.push_str("// …");
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            ('/', Syntax::Json) if rest.starts_with("/*") => {
                let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
                shown.push_str("/* …");
                shown.push_str(&"\n".repeat(rest[..end].matches('\n').count()));
                shown.push_str(" */");
                rest = &rest[end..];
                continue;
            }
            _ => letter.len_utf8(),
        };
        shown.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    shown
}

/// The length of the quoted text that a piece begins with.
fn quoted(piece: &str) -> usize {
    let mut letters = piece.char_indices();
    let Some((_, quote)) = letters.next() else {
        return 0;
    };
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && quote == '"' {
            letters.next();
        } else if letter == quote {
            return at + 1;
        }
    }
    piece.len()
}
