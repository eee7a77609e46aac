//! The arguments of `exec` and `wait`: their JSON Schemas, and reading them with words for what is wrong.

use code_mode::CellId;
use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// The largest integer that a JSON number of any client holds exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Whether clients name their session in the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionArgument {
    /// The connection is the session.
    None,
    /// They do: the transport has no connection.
    Accepted,
}

/// What `exec` was given.
#[derive(Debug)]
pub(super) struct ExecArguments {
    pub(super) source: String,
    pub(super) yield_time_ms: Option<u64>,
    pub(super) max_output_tokens: Option<usize>,
    pub(super) session: Option<String>,
}

/// What `wait` was given.
#[derive(Debug)]
pub(super) struct WaitArguments {
    pub(super) cell_id: CellId,
    pub(super) yield_time_ms: Option<u64>,
    pub(super) max_tokens: Option<usize>,
    pub(super) terminate: bool,
    pub(super) session: Option<String>,
}

/// Arguments that do not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArgumentError {
    #[error("{tool} needs the argument {name}: {what}")]
    Missing {
        tool: &'static str,
        name: &'static str,
        what: &'static str,
    },
    #[error("{tool} has no argument {name:?}; it takes {accepted}")]
    Unknown {
        tool: &'static str,
        name: String,
        accepted: String,
    },
    #[error("{tool}: {name} is {found}; it must be {expected}")]
    Wrong {
        tool: &'static str,
        name: &'static str,
        found: String,
        expected: &'static str,
    },
    #[error("{tool}: {0}", tool = "wait")]
    CellId(#[from] code_mode::InvalidCellId),
}

const SOURCE: &str = "the source text of a JavaScript program";
const CELL_ID: &str = "the cell ID that exec answered with, such as \"3\"";
const WHOLE_NUMBER: &str = "an integer from 0 to 2^53-1, or left out";

impl ExecArguments {
    pub(super) fn read(
        arguments: Option<JsonObject>,
        session: SessionArgument,
    ) -> Result<Self, ArgumentError> {
        let mut given = Given::new("exec", arguments);
        let source = given.string("source", SOURCE)?;
        let read = Self {
            yield_time_ms: given.whole_number("yield_time_ms")?,
            max_output_tokens: given.tokens("max_output_tokens")?,
            session: given.session(session)?,
            source: source.ok_or(ArgumentError::Missing {
                tool: "exec",
                name: "source",
                what: SOURCE,
            })?,
        };
        given.nothing_else(&["source", "yield_time_ms", "max_output_tokens"], session)?;
        Ok(read)
    }
}

impl WaitArguments {
    pub(super) fn read(
        arguments: Option<JsonObject>,
        session: SessionArgument,
    ) -> Result<Self, ArgumentError> {
        let mut given = Given::new("wait", arguments);
        let cell_id = given.cell_id()?.ok_or(ArgumentError::Missing {
            tool: "wait",
            name: "cell_id",
            what: CELL_ID,
        })?;
        let read = Self {
            cell_id,
            yield_time_ms: given.whole_number("yield_time_ms")?,
            max_tokens: given.tokens("max_tokens")?,
            terminate: given.boolean("terminate")?,
            session: given.session(session)?,
        };
        let accepted = ["cell_id", "yield_time_ms", "max_tokens", "terminate"];
        given.nothing_else(&accepted, session)?;
        Ok(read)
    }
}

/// Arguments that were not read yet. `null` is the same as left out.
struct Given {
    tool: &'static str,
    arguments: JsonObject,
}

impl Given {
    fn new(tool: &'static str, arguments: Option<JsonObject>) -> Self {
        Self {
            tool,
            arguments: arguments.unwrap_or_default(),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.arguments.remove(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &'static str, found: &Value, expected: &'static str) -> ArgumentError {
        ArgumentError::Wrong {
            tool: self.tool,
            name,
            found: shown(found),
            expected,
        }
    }

    fn string(
        &mut self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<String>, ArgumentError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, &other, expected)),
        }
    }

    fn whole_number(&mut self, name: &'static str) -> Result<Option<u64>, ArgumentError> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        whole_number(&value)
            .map(Some)
            .ok_or_else(|| self.wrong(name, &value, WHOLE_NUMBER))
    }

    fn tokens(&mut self, name: &'static str) -> Result<Option<usize>, ArgumentError> {
        let number = self.whole_number(name)?;
        Ok(number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }

    fn boolean(&mut self, name: &'static str) -> Result<bool, ArgumentError> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(other) => Err(self.wrong(name, &other, "true or false")),
        }
    }

    /// A model that saw `cell ID 3` may well send the number.
    fn cell_id(&mut self) -> Result<Option<CellId>, ArgumentError> {
        match self.take("cell_id") {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().parse()?)),
            Some(Value::Number(number)) => Ok(Some(number.to_string().parse()?)),
            Some(other) => Err(self.wrong("cell_id", &other, CELL_ID)),
        }
    }

    fn session(&mut self, session: SessionArgument) -> Result<Option<String>, ArgumentError> {
        match session {
            SessionArgument::None => Ok(None),
            SessionArgument::Accepted => {
                self.string("session", "the session that exec answered with")
            }
        }
    }

    fn nothing_else(
        &self,
        accepted: &[&str],
        session: SessionArgument,
    ) -> Result<(), ArgumentError> {
        let Some(name) = self.arguments.keys().next() else {
            return Ok(());
        };
        let session = (session == SessionArgument::Accepted).then_some("session");
        let accepted: Vec<&str> = accepted.iter().copied().chain(session).collect();
        Err(ArgumentError::Unknown {
            tool: self.tool,
            name: name.clone(),
            accepted: accepted.join(", "),
        })
    }
}

/// Clients whose numbers are all floating point send `5000.0`.
fn whole_number(value: &Value) -> Option<u64> {
    let number = match value.as_u64() {
        Some(number) => number,
        None => {
            let number = value.as_f64()?;
            let whole = number >= 0.0 && number.fract() == 0.0 && number <= MAX_SAFE_INTEGER as f64;
            if !whole {
                return None;
            }
            number as u64
        }
    };
    (number <= MAX_SAFE_INTEGER).then_some(number)
}

/// What was found, short.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => super::cell::shortened(&other.to_string(), 100),
    }
}

/// The input schema of `exec`.
pub(super) fn exec_schema(session: SessionArgument) -> JsonObject {
    let properties = json!({
        "source": {
            "type": "string",
            "description": "The JavaScript program: one ES module with top-level await.",
        },
        "yield_time_ms": {
            "type": "integer",
            "minimum": 0,
            "description": "How long to wait for the program before answering with its output so far, in milliseconds.",
        },
        "max_output_tokens": {
            "type": "integer",
            "minimum": 0,
            "description": "How many tokens of output to show.",
        },
    });
    schema(properties, &["source"], session)
}

/// The input schema of `wait`.
pub(super) fn wait_schema(session: SessionArgument) -> JsonObject {
    let properties = json!({
        "cell_id": {
            "type": "string",
            "description": "The cell ID that exec answered with.",
        },
        "yield_time_ms": {
            "type": "integer",
            "minimum": 0,
            "description": "How long to wait at most, in milliseconds. By default as long as the connection allows.",
        },
        "max_tokens": {
            "type": "integer",
            "minimum": 0,
            "description": "How many tokens of output to show.",
        },
        "terminate": {
            "type": "boolean",
            "description": "Stop the program instead of waiting for it.",
        },
    });
    schema(properties, &["cell_id"], session)
}

fn schema(mut properties: Value, required: &[&str], session: SessionArgument) -> JsonObject {
    if session == SessionArgument::Accepted {
        properties["session"] = json!({
            "type": "string",
            "description": "The session that an earlier exec answered with: its stored values and cells. Without one, exec starts a new session.",
        });
    }
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    object(schema)
}

/// The object that a `json!` of ours is.
pub(super) fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
