//! The pragma: an optional first line in which a script says how it wants to be run.

use serde_json::{Map, Number, Value};

use super::fence;

/// How a pragma line begins, to the letter.
const PREFIX: &str = "// @exec:";
/// The largest integer that a JavaScript number holds exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A script and what its pragma asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSource {
    /// The text to run: all of it, the pragma too. It is a comment, and counts as a line.
    pub source: String,
    /// How long to wait for the first answer, in milliseconds; `None`: not given.
    pub yield_time_ms: Option<u64>,
    /// How many tokens of output to show; `None`: not given.
    pub max_output_tokens: Option<u64>,
}

/// What [`parse_exec_source`] refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecSourceError {
    /// There is nothing but white space.
    #[error("there is no script: exec takes the source text of a JavaScript program")]
    Blank,
    /// There is a pragma and no script.
    #[error(
        "there is no script after the line `{PREFIX} …`; write the program on the lines below it"
    )]
    NothingAfterPragma,
    /// What follows the prefix cannot be read.
    #[error("the line `{PREFIX} …` does not hold JSON ({why}); {ACCEPTED}")]
    NotJson {
        /// What is wrong with it.
        why: String,
    },
    /// What follows the prefix is JSON of another kind.
    #[error("the line `{PREFIX} …` holds {found}, not an object; {ACCEPTED}")]
    NotAnObject {
        /// What it holds, such as "an array".
        found: &'static str,
    },
    /// A field that means nothing.
    #[error("the line `{PREFIX} …` has an unknown field {field:?}; {ACCEPTED}")]
    UnknownField {
        /// Its name.
        field: String,
    },
    /// A field whose value is no number.
    #[error("{field} is {found}; it must be an integer from 0 to 2^53-1, or null")]
    NotANumber {
        /// The field.
        field: &'static str,
        /// What it is, such as "a string".
        found: &'static str,
    },
    /// A field whose value is below 0.
    #[error(
        "{field} is {value}, a negative number; it must be an integer from 0 to 2^53-1, or null"
    )]
    Negative {
        /// The field.
        field: &'static str,
        /// Its value.
        value: Number,
    },
    /// A field whose value is no whole number.
    #[error(
        "{field} is {value}, not a whole number; it must be an integer from 0 to 2^53-1, or null"
    )]
    Fractional {
        /// The field.
        field: &'static str,
        /// Its value.
        value: Number,
    },
    /// A field whose value is beyond 2^53-1.
    #[error("{field} is {value}, too large; it must be an integer from 0 to 2^53-1, or null")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// Its value.
        value: Number,
    },
}

const ACCEPTED: &str = "what is accepted is an object with yield_time_ms and max_output_tokens, \
                        each an integer from 0 to 2^53-1, or null, or left out";

/// Reads the pragma of a script, if it has one.
///
/// A pragma is a first line `// @exec: {"yield_time_ms": 5000, "max_output_tokens": 2000}`. Both
/// fields may be left out; `null` is the same as left out. In a script that is one Markdown code
/// fence, the first line inside counts as first too. Anywhere else, or where the line begins in any
/// other way, it is an ordinary comment.
///
/// # Errors
///
/// [`ExecSourceError`], one kind for each thing that can be wrong: a blank script, a pragma with no
/// script after it, and a pragma that says something else than the above.
///
/// ```
/// use code_mode::{ExecuteRequest, parse_exec_source};
///
/// let parsed = parse_exec_source("// @exec: {\"yield_time_ms\": 500}\ntext('hi')")?;
/// assert_eq!(parsed.yield_time_ms, Some(500));
/// assert_eq!(parsed.max_output_tokens, None);
///
/// let mut request = ExecuteRequest::new(parsed.source);
/// if let Some(milliseconds) = parsed.yield_time_ms {
///     request = request.yield_time_ms(milliseconds);
/// }
/// # Ok::<(), code_mode::ExecSourceError>(())
/// ```
pub fn parse_exec_source(text: &str) -> Result<ExecSource, ExecSourceError> {
    let fenced = fence::inside(text).map(|inside| &text[inside]);
    if fenced.unwrap_or(text).trim().is_empty() {
        return Err(ExecSourceError::Blank);
    }
    let mut parsed = ExecSource {
        source: text.to_owned(),
        yield_time_ms: None,
        max_output_tokens: None,
    };
    let Some(first) = [Some(text), fenced]
        .into_iter()
        .flatten()
        .find(|text| text.starts_with(PREFIX))
    else {
        return Ok(parsed);
    };
    let (line, script) = first.split_once('\n').unwrap_or((first, ""));
    if script.trim().is_empty() {
        return Err(ExecSourceError::NothingAfterPragma);
    }
    for (name, value) in fields(&line[PREFIX.len()..])? {
        match name.as_str() {
            "yield_time_ms" => parsed.yield_time_ms = integer("yield_time_ms", value)?,
            "max_output_tokens" => parsed.max_output_tokens = integer("max_output_tokens", value)?,
            _ => return Err(ExecSourceError::UnknownField { field: name }),
        }
    }
    Ok(parsed)
}

/// What follows a pragma line, if `text` begins with one.
pub(super) fn after_pragma(text: &str) -> Option<&str> {
    if !text.starts_with(PREFIX) {
        return None;
    }
    Some(text.split_once('\n').map_or("", |(_, after)| after))
}

fn fields(json: &str) -> Result<Map<String, Value>, ExecSourceError> {
    match serde_json::from_str(json) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(ExecSourceError::NotAnObject {
            found: kind(&other),
        }),
        Err(error) => Err(ExecSourceError::NotJson {
            why: error.to_string(),
        }),
    }
}

fn integer(field: &'static str, value: Value) -> Result<Option<u64>, ExecSourceError> {
    let value = match value {
        Value::Null => return Ok(None),
        Value::Number(value) => value,
        other => {
            let found = kind(&other);
            return Err(ExecSourceError::NotANumber { field, found });
        }
    };
    // 1.0 and 1e3 are integers too.
    let number = value.as_f64().unwrap_or(f64::INFINITY);
    if number < 0.0 {
        return Err(ExecSourceError::Negative { field, value });
    }
    if number > MAX_SAFE_INTEGER as f64 {
        return Err(ExecSourceError::TooLarge { field, value });
    }
    if number.fract() != 0.0 {
        return Err(ExecSourceError::Fractional { field, value });
    }
    Ok(Some(number as u64))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> (Option<u64>, Option<u64>) {
        let parsed = parse_exec_source(text).expect(text);
        assert_eq!(parsed.source, text);
        (parsed.yield_time_ms, parsed.max_output_tokens)
    }

    #[test]
    fn a_first_line_with_the_prefix_is_the_pragma() {
        for (pragma, expected) in [
            ("{}", (None, None)),
            ("{\"yield_time_ms\": 0}", (Some(0), None)),
            ("{\"max_output_tokens\":7}", (None, Some(7))),
            (
                "{\"yield_time_ms\":1.0,\"max_output_tokens\":1e3}",
                (Some(1), Some(1000)),
            ),
            (
                "{\"yield_time_ms\":null,\"max_output_tokens\":9007199254740991}",
                (None, Some(9007199254740991)),
            ),
        ] {
            for line in [
                format!("// @exec: {pragma}"),
                format!("// @exec:{pragma} \r"),
            ] {
                assert_eq!(asked(&format!("{line}\ntext(1)")), expected);
                assert_eq!(asked(&format!("```js\n{line}\ntext(1)\n```")), expected);
            }
        }
        let both =
            "// @exec: {\"yield_time_ms\":1}\n```js\n// @exec: {\"yield_time_ms\":2}\ntext(1)\n```";
        assert_eq!(asked(both), (Some(1), None));
    }

    #[test]
    fn anything_else_is_a_comment() {
        for text in [
            "text(1)",
            "\n// @exec: {\"yield_time_ms\":1}\ntext(1)",
            " // @exec: {\"yield_time_ms\":1}\ntext(1)",
            "//@exec: {\"yield_time_ms\":1}\ntext(1)",
            "// @exec {\"yield_time_ms\":1}\ntext(1)",
            "// @Exec: {\"yield_time_ms\":1}\ntext(1)",
            "text(1)\n// @exec: nonsense",
        ] {
            assert_eq!(asked(text), (None, None));
        }
    }

    #[test]
    fn each_refusal_says_what_is_wrong_and_what_is_accepted() {
        let object = "what is accepted is an object with yield_time_ms and max_output_tokens, each an integer from 0 to 2^53-1, or null, or left out";
        let number = "it must be an integer from 0 to 2^53-1, or null";
        for (text, expected) in [
            ("", "there is no script: exec takes the source text of a JavaScript program".to_owned()),
            (" \n\t", "there is no script: exec takes the source text of a JavaScript program".to_owned()),
            ("```js\n\n```", "there is no script: exec takes the source text of a JavaScript program".to_owned()),
            ("// @exec: {}", "there is no script after the line `// @exec: …`; write the program on the lines below it".to_owned()),
            ("// @exec: {}\n \n", "there is no script after the line `// @exec: …`; write the program on the lines below it".to_owned()),
            ("```\n// @exec: {}\n```", "there is no script after the line `// @exec: …`; write the program on the lines below it".to_owned()),
            ("// @exec:\n1", format!("the line `// @exec: …` does not hold JSON (EOF while parsing a value at line 1 column 0); {object}")),
            ("// @exec: yield\n1", format!("the line `// @exec: …` does not hold JSON (expected value at line 1 column 2); {object}")),
            ("// @exec: {} {}\n1", format!("the line `// @exec: …` does not hold JSON (trailing characters at line 1 column 5); {object}")),
            ("// @exec: [1]\n1", format!("the line `// @exec: …` holds an array, not an object; {object}")),
            ("// @exec: 5\n1", format!("the line `// @exec: …` holds a number, not an object; {object}")),
            ("// @exec: {\"yield_time\": 1}\n1", format!("the line `// @exec: …` has an unknown field \"yield_time\"; {object}")),
            ("// @exec: {\"yield_time_ms\": -1}\n1", format!("yield_time_ms is -1, a negative number; {number}")),
            ("// @exec: {\"yield_time_ms\": 1.5}\n1", format!("yield_time_ms is 1.5, not a whole number; {number}")),
            ("// @exec: {\"max_output_tokens\": \"5\"}\n1", format!("max_output_tokens is a string; {number}")),
            ("// @exec: {\"max_output_tokens\": true}\n1", format!("max_output_tokens is a boolean; {number}")),
            ("// @exec: {\"max_output_tokens\": 9007199254740992}\n1", format!("max_output_tokens is 9007199254740992, too large; {number}")),
            ("// @exec: {\"max_output_tokens\": 1e300}\n1", format!("max_output_tokens is 1e+300, too large; {number}")),
        ] {
            assert_eq!(parse_exec_source(text).expect_err(text).to_string(), expected);
        }
    }
}
