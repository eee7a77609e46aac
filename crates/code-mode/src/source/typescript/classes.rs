//! Classes and their members.

use super::expressions::Colon;
use super::functions::Body;
use super::parser::Parser;
use super::tokens::Kind;
use super::{Construct, Parsed, Stop};

/// Words before a member that JavaScript has too.
const JAVASCRIPT_MODIFIERS: [&str; 5] = ["static", "async", "get", "set", "accessor"];
/// Words before a member that are types.
const TYPE_MODIFIERS: [&str; 5] = ["public", "private", "protected", "readonly", "override"];
/// Words before a member that make all of it a type.
const TYPE_ONLY_MODIFIERS: [&str; 2] = ["abstract", "declare"];

impl Parser<'_> {
    /// From `class` on.
    pub(super) fn class(&mut self) -> Parsed {
        self.advance()?;
        let is_name = self.token.kind == Kind::Word
            && !self.at_word("extends")
            && !(self.at_word("implements") && self.word_follows_here()?);
        if is_name {
            self.advance()?;
        }
        self.erase_type_parameters()?;
        if self.at_word("extends") {
            self.advance()?;
            self.assignment(Colon::Free)?;
        }
        if self.at_word("implements") {
            let start = self.token.start;
            self.pass_types_after_keyword()?;
            self.erase_from(start);
        }
        self.expect("{")?;
        while !self.at("}") {
            if !self.pass(";")? {
                self.deeper(Self::member)?;
            }
        }
        self.advance()
    }

    /// `extends A, B` of an interface, `implements A, B` of a class.
    pub(super) fn pass_types_after_keyword(&mut self) -> Parsed {
        loop {
            self.advance()?;
            self.pass_type()?;
            if !self.at(",") {
                return Ok(());
            }
        }
    }

    fn member(&mut self) -> Parsed {
        if self.at("@") {
            return Err(self.unsupported(Construct::Decorator));
        }
        let start = self.token.start;
        if self.at_word("static") && self.peek()?.1 == "{" {
            self.advance()?;
            return self.body();
        }
        let mut is_type = self.modifiers()?;
        if self.at("[") && self.attempt(Self::pass_index_signature)? {
            self.pass_end()?;
            self.erase_whole_from(start);
            return Ok(());
        }
        self.pass("*")?;
        self.key()?;
        self.erase_mark("?")?;
        self.erase_mark("!")?;
        if self.at("(") || self.at("<") {
            if self.function_from_parameters()? == Body::Present {
                return Ok(());
            }
            is_type = true;
        } else {
            self.erase_annotation()?;
            if self.pass("=")? {
                self.assignment(Colon::Free)?;
            }
        }
        self.pass_end()?;
        if is_type {
            self.erase_whole_from(start);
        }
        Ok(())
    }

    /// The words before a member's name; whether they make all of it a type.
    fn modifiers(&mut self) -> Result<bool, Stop> {
        let mut is_type = false;
        let mut kept_one = false;
        while self.at_modifier()? {
            let start = self.token.start;
            let word = self.text();
            self.advance()?;
            is_type |= TYPE_ONLY_MODIFIERS.contains(&word);
            if JAVASCRIPT_MODIFIERS.contains(&word) {
                kept_one = true;
            } else if !kept_one && (self.at("*") || self.at("[")) {
                // Without the word, the line before would go on here.
                self.edits.blank_behind(';', start, self.behind);
            } else {
                self.erase_from(start);
            }
        }
        Ok(is_type)
    }

    /// Whether the word here is a modifier and not itself the name of the member.
    fn at_modifier(&mut self) -> Result<bool, Stop> {
        if self.token.kind != Kind::Word {
            return Ok(false);
        }
        let word = self.text();
        let known = [
            &JAVASCRIPT_MODIFIERS[..],
            &TYPE_MODIFIERS,
            &TYPE_ONLY_MODIFIERS,
        ]
        .iter()
        .any(|words| words.contains(&word));
        if !known {
            return Ok(false);
        }
        let (next, text) = self.peek()?;
        let begins_name = match next.kind {
            Kind::Word | Kind::PrivateName | Kind::String | Kind::Number => true,
            _ => ["[", "*"].contains(&text),
        };
        Ok(begins_name && (!next.on_new_line || word == "static"))
    }

    /// `[key: string]: T`
    fn pass_index_signature(&mut self) -> Parsed {
        self.advance()?;
        self.pass_word()?;
        self.expect(":")?;
        self.pass_type()?;
        self.expect("]")?;
        self.expect(":")?;
        self.pass_type()
    }
}
