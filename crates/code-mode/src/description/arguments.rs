//! Checks the arguments of nested calls against the input schema of their tool, before the host is
//! called. Knows no V8, and fetches nothing.
//!
//! Schemas come from whoever offers the tool, arguments from scripts, and neither is trusted: what
//! cannot be checked within known bounds of time and stack is not checked, and the host gets the
//! call. [`schema`] reads of a schema what can be checked, [`cost`] bounds what that takes, and
//! [`words`] says what is wrong with arguments. In between works the `jsonschema` crate.

mod cost;
mod schema;
#[cfg(test)]
mod tests;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use jsonschema::{PatternOptions, Regex, ValidationError, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

use cost::{Costs, Size, Telling};
pub(crate) use words::Violations;

/// Whether nested calls are checked against the input schema of their tool before they leave.
///
/// ```
/// use code_mode::{ArgumentValidation, FunctionHost, Session};
///
/// let session = Session::builder()
///     .argument_validation(ArgumentValidation::Off)
///     .build(FunctionHost::new());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArgumentValidation {
    /// A call whose arguments do not fit rejects with a `TypeError` that says why; the host does
    /// not hear of it.
    #[default]
    On,
    /// Every call reaches the host.
    Off,
}

/// A part of an input schema that calls are not checked against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer:?} of the schema is not checked: {why}")]
#[non_exhaustive]
pub struct UncheckedPart {
    /// Where in the schema, as a JSON Pointer; the empty one is all of it.
    pub pointer: String,
    /// Why.
    pub why: String,
}

/// The check of one tool's input, compiled when it is first needed.
#[derive(Debug, Default)]
pub(super) struct InputCheck(OnceLock<Compiled>);

/// The definition beside a clone may be changed, so a clone compiles for itself.
impl Clone for InputCheck {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// All that tells two checks apart is the definition beside them.
impl PartialEq for InputCheck {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl InputCheck {
    /// The parts of `schema` that are not checked.
    pub(super) fn unchecked(&self, schema: Option<&Value>) -> &[UncheckedPart] {
        schema.map_or(&[], |schema| &self.compiled(schema).unchecked)
    }

    /// What is wrong with `arguments`; `None` too where that cannot be said.
    pub(super) fn violations(
        &self,
        schema: Option<&Value>,
        tool: &str,
        arguments: &RawValue,
    ) -> Option<Violations> {
        let check = self.compiled(schema?).check.as_ref()?;
        // The crate is not ours, and a fault of its must not be one of the cell.
        catch_unwind(AssertUnwindSafe(|| check.violations(tool, arguments.get()))).unwrap_or(None)
    }

    fn compiled(&self, schema: &Value) -> &Compiled {
        self.0.get_or_init(|| Compiled::new(schema))
    }
}

/// What came of compiling a schema.
#[derive(Debug)]
struct Compiled {
    /// `None` if nothing of it can be checked.
    check: Option<Check>,
    unchecked: Vec<UncheckedPart>,
}

#[derive(Debug)]
struct Check {
    validator: Validator,
    /// What was compiled: the part of the host's schema that is checked.
    schema: Value,
    costs: Costs,
}

impl Compiled {
    fn new(schema: &Value) -> Self {
        catch_unwind(AssertUnwindSafe(|| Self::try_new(schema)))
            .unwrap_or_else(|_| Err("it could not be compiled".to_owned()))
            .unwrap_or_else(|why| Self {
                check: None,
                unchecked: vec![UncheckedPart {
                    pointer: String::new(),
                    why,
                }],
            })
    }

    fn try_new(schema: &Value) -> Result<Self, String> {
        let schema = schema::read(schema)?;
        let costs = Costs::of(&schema)?;
        let validator = jsonschema::options()
            .with_draft(schema.draft)
            .with_pattern_options(pattern_options())
            .offline()
            .build(&schema.document)
            .map_err(|error| not_a_schema(&error))?;
        Ok(Self {
            check: Some(Check {
                validator,
                schema: schema.document,
                costs,
            }),
            unchecked: schema.unchecked,
        })
    }
}

/// Says where a schema is no schema, without repeating what may be megabytes of it.
fn not_a_schema(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().as_str();
    format!(
        "it is no valid schema: at {:?}, {}",
        words::cut(place),
        error.masked_with("this value")
    )
}

/// Patterns are matched in linear time, with programs small enough for the slowest way of doing it.
fn pattern_options() -> PatternOptions<Regex> {
    const PROGRAM_BYTES: usize = 64 * 1024;
    const CACHE_BYTES: usize = 256 * 1024;
    PatternOptions::regex()
        .size_limit(PROGRAM_BYTES)
        .dfa_size_limit(CACHE_BYTES)
}

impl Check {
    fn violations(&self, tool: &str, arguments: &str) -> Option<Violations> {
        // Deeper arguments than serde_json reads are not checked.
        let value: Value = serde_json::from_str(arguments).ok()?;
        let size = Size::of(&value, arguments.len());
        if !self.costs.allow_check(&size) || self.validator.is_valid(&value) {
            return None;
        }
        let errors: Vec<_> = match self.costs.telling(&size) {
            Telling::Everything => self.validator.iter_errors(&value).collect(),
            Telling::TheFirstError => self.validator.validate(&value).err().into_iter().collect(),
            Telling::Nothing => Vec::new(),
        };
        Some(words::violations(tool, &self.schema, &value, &errors))
    }
}
