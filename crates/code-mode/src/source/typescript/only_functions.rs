//! Programs that define functions and do nothing else.

use super::expressions::{Colon, Operand};
use super::parser::Parser;
use super::tokens::Kind;
use super::{Parsed, Stop};

/// A function that a program defines.
#[derive(Debug, PartialEq)]
pub(crate) struct Definition<'a> {
    /// `None`: nobody can call it.
    pub(crate) name: Option<&'a str>,
    /// Where it begins, in bytes of the source.
    pub(crate) offset: usize,
}

/// The last function of a program that consists of functions alone: declared, assigned to a variable,
/// or just standing there. Imports, types and comments beside them do not count.
///
/// `None` for every program in which anything else stands at the top level: whatever it is, it may
/// call one.
pub(crate) fn only_functions(source: &str) -> Option<Definition<'_>> {
    let mut parser = Parser::new(source).ok()?;
    let mut last = None;
    while parser.token.kind != Kind::End {
        if let Some(definition) = parser.inert_statement().ok()? {
            last = Some(definition);
        }
    }
    last
}

impl<'a> Parser<'a> {
    /// A statement that runs nothing; the function in it. Fails on any other.
    fn inert_statement(&mut self) -> Result<Option<Definition<'a>>, Stop> {
        if self.pass(";")? || self.token.kind == Kind::Word && self.type_statement()?.is_some() {
            return Ok(None);
        }
        if self.token.kind == Kind::String {
            self.advance()?;
            self.pass_end()?;
            return Ok(None);
        }
        if self.at_word("import") {
            self.import()?;
            return Ok(None);
        }
        if self.at_word("export") {
            self.advance()?;
            if self.at_word("default") {
                self.advance()?;
            }
        }
        let offset = self.token.start;
        let name = self.inert_definition()?;
        Ok(Some(Definition { name, offset }))
    }

    /// A function, or a variable that is one; its name.
    fn inert_definition(&mut self) -> Result<Option<&'a str>, Stop> {
        if self.at_function()? {
            let name = self.function_keyword()?;
            self.function_from_parameters()?;
            return Ok(name);
        }
        let mut name = None;
        if ["const", "let", "var"]
            .iter()
            .any(|word| self.at_word(word))
        {
            self.advance()?;
            name = Some(self.text());
            self.pass_word()?;
            self.erase_annotation()?;
            self.expect("=")?;
        }
        self.function_value()?;
        self.pass_end()?;
        Ok(name)
    }

    /// A function or an arrow function, in parentheses or not.
    fn function_value(&mut self) -> Parsed {
        if self.at_function()? {
            self.function_keyword()?;
            self.function_from_parameters()?;
            return Ok(());
        }
        if self.attempt(Self::arrow_function)? {
            return Ok(());
        }
        self.expect("(")?;
        self.deeper(Self::function_value)?;
        self.expect(")")
    }

    fn arrow_function(&mut self) -> Parsed {
        if matches!(self.operand(Colon::Free)?, Operand::Whole) {
            return Ok(());
        }
        self.expect("=>")?;
        self.arrow_body(Colon::Free)
    }

    fn at_function(&mut self) -> Result<bool, Stop> {
        Ok(self.at_word("function") || self.at_word("async") && self.async_function_follows()?)
    }
}
