//! Our own extension of the files: `policy` and `expose`, of a whole file and of one server.

use crate::policy::{Action, InvalidPattern, Rule, ToolPattern};

use super::finding::Report;
use super::keys::nearest;
use super::syntax::{Node, Value};

/// Where a policy stands, which tells what its patterns are matched with.
#[derive(Clone, Copy)]
pub(super) enum Of<'s> {
    /// Patterns are `SERVER/TOOL`.
    File,
    /// Patterns are those of the tools of this server.
    Server(&'s str),
}

impl Of<'_> {
    fn pattern(self, text: &str) -> Result<ToolPattern, InvalidPattern> {
        match self {
            Of::File => text.parse(),
            Of::Server(server) => ToolPattern::of_server(server, text),
        }
    }

    fn everything(self) -> ToolPattern {
        match self {
            Of::File => ToolPattern::everything(),
            Of::Server(server) => ToolPattern::all_but(server, [""; 0]),
        }
    }

    fn example(self) -> &'static str {
        match self {
            Of::File => "{ \"ask\": \"git/git_commit\" }",
            Of::Server(_) => "{ \"ask\": \"git_commit\" }",
        }
    }
}

/// A rule, and the byte it was read at.
pub(super) struct PlacedRule {
    pub at: usize,
    pub pattern: String,
    pub rule: Rule,
}

/// Reads the rules of a policy.
///
/// A rule that cannot be read is an error, and becomes one that denies everything: whoever wrote it
/// wanted to forbid something, and nobody knows what.
pub(super) fn policy(node: &Node, of: Of<'_>, report: &mut Report<'_>) -> Vec<PlacedRule> {
    let Value::List(lines) = &node.value else {
        report.error(
            node.at,
            format!("policy is {}; it must be an array of rules", node.kind()),
            format!("write \"policy\": [{}]", of.example()),
        );
        return vec![denial(node.at, of)];
    };
    let mut rules = Vec::new();
    for line in lines {
        match rules_of_line(line, of) {
            Ok(read) => rules.extend(read),
            Err((at, message, todo)) => {
                report.error(
                    at,
                    format!("{message}; every tool that no rule before allows is denied"),
                    todo,
                );
                rules.push(denial(line.at, of));
            }
        }
    }
    rules
}

fn denial(at: usize, of: Of<'_>) -> PlacedRule {
    PlacedRule {
        at,
        pattern: "*".to_owned(),
        rule: Rule {
            action: Action::Deny,
            tools: of.everything(),
        },
    }
}

/// Place, message, what to do.
type Refusal = (usize, String, String);

fn rules_of_line(line: &Node, of: Of<'_>) -> Result<Vec<PlacedRule>, Refusal> {
    let write = || format!("write {}, with allow, ask or deny", of.example());
    let Some([entry]) = line.map() else {
        return Err((
            line.at,
            "this is no rule: a rule has one key, allow, ask or deny".to_owned(),
            write(),
        ));
    };
    let action = match entry.key.as_str() {
        "allow" => Action::Allow,
        "ask" => Action::Ask,
        "deny" => Action::Deny,
        other => {
            let todo = match nearest(other, ["allow", "ask", "deny"]) {
                Some(near) => format!("did you mean {near}?"),
                None => write(),
            };
            return Err((entry.key_at, format!("{other:?} is no action"), todo));
        }
    };
    let patterns = match &entry.node.value {
        Value::Text(_) => std::slice::from_ref(&entry.node),
        Value::List(patterns) => patterns,
        _ => &[],
    };
    if patterns.is_empty() {
        return Err((entry.node.at, "this is no pattern".to_owned(), write()));
    }
    patterns
        .iter()
        .map(|node| {
            let text = node.text().ok_or_else(|| {
                let message = format!("{} is no pattern", node.kind());
                (node.at, message, write())
            })?;
            let tools = of
                .pattern(text)
                .map_err(|error| (node.at, error.to_string(), write()))?;
            Ok(PlacedRule {
                at: node.at,
                pattern: text.to_owned(),
                rule: Rule { action, tools },
            })
        })
        .collect()
}

/// Reads the patterns of `expose`. One that cannot be read is an error and exposes nothing.
pub(super) fn exposed(node: &Node, report: &mut Report<'_>) -> Vec<(usize, String, ToolPattern)> {
    let nodes = match &node.value {
        Value::Text(_) => std::slice::from_ref(node),
        Value::List(nodes) => nodes,
        _ => {
            report.error(
                node.at,
                format!("expose is {}; it must be an array of patterns", node.kind()),
                "write \"expose\": [\"time/*\"]",
            );
            return Vec::new();
        }
    };
    let mut patterns = Vec::new();
    for node in nodes {
        match node.text().map(|text| (text, text.parse())) {
            Some((text, Ok(pattern))) => patterns.push((node.at, text.to_owned(), pattern)),
            Some((_, Err(error))) => {
                let error: InvalidPattern = error;
                report.error(node.at, error.to_string(), "write \"SERVER/TOOL\"");
            }
            None => report.error(
                node.at,
                format!("{} is no pattern", node.kind()),
                "write \"SERVER/TOOL\"",
            ),
        }
    }
    patterns
}
