//! Patterns of property names, as far as TypeScript's template literals can say them.

use super::text;

/// What the regular expression of a pattern means for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamePattern {
    Any,
    Exactly(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    /// Anything else: it may or may not match a name.
    Other,
}

impl NamePattern {
    pub(super) fn parse(pattern: &str) -> Self {
        let (at_start, rest) = match pattern.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let (at_end, rest) = match rest.strip_suffix('$') {
            Some(rest) if !rest.ends_with('\\') => (true, rest),
            _ => (false, rest),
        };
        let rest = if at_end { rest } else { without_open_end(rest) };
        let Some(literal) = literal(rest) else {
            return Self::Other;
        };
        match (at_start, at_end) {
            (true, true) => Self::Exactly(literal),
            _ if literal.is_empty() => Self::Any,
            (true, false) => Self::StartsWith(literal),
            (false, true) => Self::EndsWith(literal),
            (false, false) => Self::Contains(literal),
        }
    }

    /// Whether a name fits, if that can be told.
    pub(super) fn matches(&self, name: &str) -> Option<bool> {
        match self {
            Self::Any => Some(true),
            Self::Exactly(literal) => Some(name == literal),
            Self::StartsWith(literal) => Some(name.starts_with(literal)),
            Self::EndsWith(literal) => Some(name.ends_with(literal)),
            Self::Contains(literal) => Some(name.contains(literal)),
            Self::Other => None,
        }
    }

    /// Whether TypeScript sees that every name this pattern fits, the other fits too.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::StartsWith(inner), Self::StartsWith(outer)) => inner.starts_with(outer),
            (Self::EndsWith(inner), Self::EndsWith(outer)) => inner.ends_with(outer),
            (
                Self::StartsWith(inner) | Self::EndsWith(inner) | Self::Contains(inner),
                Self::Contains(outer),
            ) => inner.contains(outer),
            _ => false,
        }
    }

    /// The type of an index signature's key, if there is one for just these names.
    pub(super) fn key_type(&self) -> Option<String> {
        let part = |literal: &String| text::template_part(literal);
        match self {
            Self::Any => Some("string".to_owned()),
            Self::StartsWith(literal) => Some(format!("`{}${{string}}`", part(literal))),
            Self::EndsWith(literal) => Some(format!("`${{string}}{}`", part(literal))),
            Self::Contains(literal) => Some(format!("`${{string}}{}${{string}}`", part(literal))),
            Self::Exactly(_) | Self::Other => None,
        }
    }
}

/// An expression without what adds nothing at an open end: `.*`, `x*`, `x?`, and the `+` of `x+`.
fn without_open_end(expression: &str) -> &str {
    let Some(quantifier) = expression.chars().next_back() else {
        return expression;
    };
    let before = &expression[..expression.len() - quantifier.len_utf8()];
    let mut characters = before.chars();
    let quantified = characters.next_back();
    let is_plain = quantified.is_some_and(|character| character == '.' || !is_operator(character))
        && !characters.as_str().ends_with('\\');
    match quantifier {
        '*' | '?' if is_plain => characters.as_str(),
        '+' if is_plain && quantified != Some('.') => before,
        _ => expression,
    }
}

fn is_operator(character: char) -> bool {
    "\\.*+?()[]{}|^$".contains(character)
}

/// The text a regular expression matches, if it has no operators.
fn literal(expression: &str) -> Option<String> {
    let mut literal = String::new();
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                escaped if escaped.is_ascii_punctuation() => literal.push(escaped),
                _ => return None,
            },
            operator if is_operator(operator) => return None,
            _ => literal.push(character),
        }
    }
    Some(literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_without_operators_say_how_names_look() {
        let parse = NamePattern::parse;
        assert_eq!(parse("^x-"), NamePattern::StartsWith("x-".into()));
        assert_eq!(parse("^x-.*"), NamePattern::StartsWith("x-".into()));
        assert_eq!(parse("\\.js$"), NamePattern::EndsWith(".js".into()));
        assert_eq!(parse("a b"), NamePattern::Contains("a b".into()));
        assert_eq!(parse("^id$"), NamePattern::Exactly("id".into()));
        assert_eq!(parse("^$"), NamePattern::Exactly(String::new()));
        assert_eq!(parse("aaa*"), NamePattern::Contains("aa".into()));
        assert_eq!(parse("^ab+"), NamePattern::StartsWith("ab".into()));
        assert_eq!(parse("^ab?"), NamePattern::StartsWith("a".into()));
        assert_eq!(parse("a*"), NamePattern::Any);
        assert_eq!(parse(".*"), NamePattern::Any);
        assert_eq!(parse(""), NamePattern::Any);
    }

    #[test]
    fn patterns_with_operators_stay_open() {
        for pattern in [
            "^[a-z]+$", "a|b", "^.*$", "\\d", "^a\\$", "(x)", "a+b", "ab+$", ".+", "\\d*", "(a)*",
            "a{2}?",
        ] {
            let parsed = NamePattern::parse(pattern);
            let expected = if pattern == "^a\\$" {
                NamePattern::StartsWith("a$".into())
            } else {
                NamePattern::Other
            };
            assert_eq!(parsed, expected, "{pattern}");
        }
    }
}
