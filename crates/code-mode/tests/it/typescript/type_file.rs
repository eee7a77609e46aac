//! A TypeScript file of rendered types and values assigned to them, which knows what is on its lines.

use code_mode::RenderedType;
use serde_json::Value;

use crate::tooling::Diagnostic;

/// What a range of lines is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The declaration of a type.
    Type(String),
    /// A value assigned to a type.
    Value(String),
}

/// A module that grows by types and values.
pub struct TypeFile {
    pub name: String,
    text: String,
    lines: Vec<Content>,
}

impl TypeFile {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: String::new(),
            lines: Vec::new(),
        }
    }

    /// Declares a type under a name.
    pub fn declare(&mut self, name: &str, rendered: &RenderedType, what: &str) {
        let declaration = format!(
            "{}export type {name} = {};\n",
            rendered.aliases, rendered.text
        );
        self.push(&declaration, &Content::Type(what.to_owned()));
    }

    /// Assigns a literal to a type.
    pub fn assign(&mut self, name: &str, value: &Value, what: &str) {
        let number = self.lines.len();
        let statement = format!("export const v{number}: {name} = {};\n", literal(value));
        self.push(&statement, &Content::Value(what.to_owned()));
    }

    /// Adds declarations as they are.
    pub fn text(&mut self, text: &str, what: &str) {
        self.push(text, &Content::Type(what.to_owned()));
    }

    fn push(&mut self, text: &str, content: &Content) {
        self.text.push_str(text);
        let count = text.matches('\n').count();
        self.lines.extend(vec![content.clone(); count]);
    }

    pub fn source(&self) -> (String, String) {
        (self.name.clone(), self.text.clone())
    }

    /// What is on the line of a diagnostic of this file.
    pub fn content(&self, diagnostic: &Diagnostic) -> &Content {
        &self.lines[diagnostic.line - 1]
    }
}

/// A value as an expression on one line: JSON in ASCII.
fn literal(value: &Value) -> String {
    let json = value.to_string();
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}
