//! `import` and `export`.

use super::expressions::Colon;
use super::parser::Parser;
use super::statements::Statement;
use super::tokens::Kind;
use super::{Construct, Parsed, Stop};

impl Parser<'_> {
    /// From `import` on, where it is no call and no `import.meta`.
    pub(super) fn import(&mut self) -> Result<Statement, Stop> {
        let start = self.token.start;
        self.advance()?;
        if self.at_word("type") && self.type_begins_clause()? {
            return self.type_only_clause(start);
        }
        while !self.at_source_of_module()? {
            match self.token.kind {
                Kind::Punctuator if self.at("{") => self.specifiers()?,
                Kind::Punctuator if self.at("=") => {
                    return Err(self.unsupported_at(Construct::ImportEquals, start));
                }
                Kind::Word => self.advance()?,
                Kind::Punctuator if self.at("*") || self.at(",") => self.advance()?,
                _ => return Err(Stop::Syntax),
            }
        }
        self.source_of_module()?;
        Ok(Statement::Kept)
    }

    /// From `export` on.
    pub(super) fn export(&mut self) -> Result<Statement, Stop> {
        let start = self.token.start;
        self.advance()?;
        if self.at("=") {
            return Err(self.unsupported_at(Construct::ExportEquals, start));
        }
        if self.at_word("type") && self.type_begins_clause()? && !self.word_follows_here()? {
            return self.type_only_clause(start);
        }
        if self.at("{") {
            self.specifiers()?;
            match self.at_word("from") {
                true => self.source_of_module()?,
                false => self.pass_end()?,
            }
            return Ok(Statement::Kept);
        }
        if self.at("*") {
            while !self.at_word("from") {
                self.advance()?;
                if self.token.kind == Kind::End {
                    return Err(Stop::Syntax);
                }
            }
            self.source_of_module()?;
            return Ok(Statement::Kept);
        }
        if self.at_word("default") {
            self.advance()?;
            if !self.at_declaration()? {
                self.assignment(Colon::Free)?;
                self.pass_end()?;
                return Ok(Statement::Kept);
            }
        }
        let exported = self.statement()?;
        if exported == Statement::Erased {
            self.erase_whole_from(start);
        }
        Ok(exported)
    }

    /// Whether `export default` is followed by a declaration that may be a type.
    fn at_declaration(&mut self) -> Result<bool, Stop> {
        let (next, text) = self.peek()?;
        let here = !next.on_new_line;
        Ok(self.at_word("function")
            || self.at_word("class")
            || self.at_word("async") && here && text == "function"
            || self.at_word("abstract") && here && text == "class"
            || self.at_word("interface") && here && next.kind == Kind::Word)
    }

    /// Whether `type` here says that all of the clause is types.
    fn type_begins_clause(&mut self) -> Result<bool, Stop> {
        let (next, text) = self.peek()?;
        Ok(["{", "*"].contains(&text) || next.kind == Kind::Word && text != "from")
    }

    fn type_only_clause(&mut self, start: usize) -> Result<Statement, Stop> {
        while self.token.kind != Kind::String && self.token.kind != Kind::End && !self.at(";") {
            let list_ends = self.at("}");
            self.advance()?;
            if list_ends && !self.at_word("from") {
                break;
            }
        }
        if self.token.kind == Kind::String {
            self.source_of_module()?;
        } else {
            self.pass_end()?;
        }
        self.erase_whole_from(start);
        Ok(Statement::Erased)
    }

    /// `{ a, type B, c as d }`
    fn specifiers(&mut self) -> Parsed {
        self.expect("{")?;
        while !self.at("}") {
            let start = self.token.start;
            let is_type = self.at_word("type") && {
                let (next, text) = self.peek()?;
                matches!(next.kind, Kind::Word | Kind::String) && text != "as"
            };
            while matches!(self.token.kind, Kind::Word | Kind::String) {
                self.advance()?;
            }
            let last = self.at("}");
            if !last {
                self.expect(",")?;
            }
            if is_type {
                self.erase_from(start);
            }
        }
        self.advance()
    }

    /// Whether `"…"` or `from "…"` is here.
    fn at_source_of_module(&mut self) -> Result<bool, Stop> {
        Ok(self.token.kind == Kind::String
            || self.at_word("from") && self.peek()?.0.kind == Kind::String)
    }

    /// `from "…" with { … }` or `"…"`, and the end.
    fn source_of_module(&mut self) -> Parsed {
        if self.at_word("from") {
            self.advance()?;
        }
        if self.token.kind != Kind::String {
            return Err(Stop::Syntax);
        }
        self.advance()?;
        if self.at_word("with") {
            self.advance()?;
            self.object()?;
        }
        self.pass_end()
    }
}
