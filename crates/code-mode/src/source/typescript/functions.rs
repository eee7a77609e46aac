//! Functions: parameters, return types, bodies.

use super::expressions::Colon;
use super::parser::Parser;
use super::tokens::Kind;
use super::{Construct, Parsed, Stop};

/// Words that make a constructor's parameter a property.
const PROPERTY_MODIFIERS: [&str; 5] = ["public", "private", "protected", "readonly", "override"];

/// What a function turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Body {
    Present,
    /// An overload, an abstract method, a declaration: there is only the type.
    Absent,
}

impl<'a> Parser<'a> {
    /// From `function` or `async function` on.
    pub(super) fn function(&mut self) -> Result<Body, Stop> {
        self.function_keyword()?;
        self.function_from_parameters()
    }

    /// `async function* name`; the name.
    pub(super) fn function_keyword(&mut self) -> Result<Option<&'a str>, Stop> {
        if self.at_word("async") {
            self.advance()?;
        }
        self.advance()?;
        self.pass("*")?;
        let name = (self.token.kind == Kind::Word).then(|| self.text());
        if name.is_some() {
            self.advance()?;
        }
        Ok(name)
    }

    /// `<T>(a: A): R { … }`
    pub(super) fn function_from_parameters(&mut self) -> Result<Body, Stop> {
        self.erase_type_parameters()?;
        self.parameters()?;
        self.erase_annotation()?;
        if !self.at("{") {
            return Ok(Body::Absent);
        }
        self.body()?;
        Ok(Body::Present)
    }

    fn parameters(&mut self) -> Parsed {
        self.expect("(")?;
        while !self.at(")") {
            if self.at("@") {
                return Err(self.unsupported(Construct::Decorator));
            }
            if !self.erase_this_parameter()? {
                self.refuse_parameter_property()?;
                self.pass("...")?;
                self.binding()?;
                self.erase_mark("?")?;
                self.erase_annotation()?;
                if self.pass("=")? {
                    self.assignment(Colon::Free)?;
                }
            }
            if !self.at(")") {
                self.expect(",")?;
            }
        }
        self.advance()
    }

    /// `this: T`, with its comma; whether it is there.
    pub(super) fn erase_this_parameter(&mut self) -> Result<bool, Stop> {
        if !self.at_word("this") || self.peek()?.1 != ":" {
            return Ok(false);
        }
        let start = self.token.start;
        self.advance()?;
        self.advance()?;
        self.pass_type()?;
        let comma = self.at(",").then_some(self.token.end);
        self.edits.blank(start, comma.unwrap_or(self.behind));
        Ok(true)
    }

    fn refuse_parameter_property(&mut self) -> Parsed {
        let modifier = self.token.kind == Kind::Word && PROPERTY_MODIFIERS.contains(&self.text());
        if modifier {
            let (next, text) = self.peek()?;
            if next.kind == Kind::Word || ["{", "["].contains(&text) {
                return Err(self.unsupported(Construct::ParameterProperty));
            }
        }
        Ok(())
    }

    /// What a parameter or a variable is called, or the pattern it is taken apart by.
    pub(super) fn binding(&mut self) -> Parsed {
        if self.at("[") {
            self.array()
        } else if self.at("{") {
            self.object()
        } else {
            self.pass_word()
        }
    }

    pub(super) fn body(&mut self) -> Parsed {
        self.expect("{")?;
        self.statements()?;
        self.expect("}")
    }
}
