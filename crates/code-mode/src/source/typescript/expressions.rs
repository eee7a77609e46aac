//! Expressions: operands and operators in turn, without precedence, which no type depends on.
//!
//! What is in parentheses may turn out to be parameters, so annotations are taken there at once, and
//! are an error only if no arrow follows.

use super::parser::Parser;
use super::tokens::Kind;
use super::{Construct, Parsed, Stop};

/// Operators between two operands, assignments too.
const INFIX: [&str; 38] = [
    "+", "-", "*", "/", "%", "**", "<", ">", "<=", ">=", "==", "!=", "===", "!==", "<<", ">>",
    ">>>", "&", "|", "^", "&&", "||", "??", "=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=",
    ">>>=", "&=", "|=", "^=", "&&=", "||=",
];

/// Whose a `:` after `(…)` is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Colon {
    /// Nobody else's: it begins a return type.
    Free,
    /// A conditional's or a case's, unless what follows cannot be understood otherwise.
    Awaited,
}

/// What an operand was.
pub(super) enum Operand {
    /// Something that may go on: `.name`, `(…)`, `+ 1`.
    Value,
    /// An arrow function, a bare `yield`: nothing more belongs to it.
    Whole,
}

impl Parser<'_> {
    /// `a, b`
    pub(super) fn expression(&mut self, colon: Colon) -> Parsed {
        loop {
            self.assignment(colon)?;
            if !self.pass(",")? {
                return Ok(());
            }
        }
    }

    /// An expression without commas.
    pub(super) fn assignment(&mut self, colon: Colon) -> Parsed {
        self.deeper(|parser| parser.operands_and_operators(colon))
    }

    fn operands_and_operators(&mut self, colon: Colon) -> Parsed {
        loop {
            if matches!(self.operand(colon)?, Operand::Whole) {
                return Ok(());
            }
            self.suffixes()?;
            self.erase_assertions()?;
            if self.at("=>") && !self.token.on_new_line {
                self.advance()?;
                return self.arrow_body(colon);
            }
            if self.at("?") {
                let (_, next) = self.peek()?;
                if [":", ",", ")", "="].contains(&next) {
                    // The mark of an optional parameter.
                    return Ok(());
                }
                self.advance()?;
                self.assignment(Colon::Awaited)?;
                self.expect(":")?;
            } else if self.at_any(&INFIX)
                || self.at("??=")
                || self.at_word("in")
                || self.at_word("instanceof")
            {
                self.advance()?;
            } else {
                return Ok(());
            }
        }
    }

    /// An operand and what stands before it.
    pub(super) fn operand(&mut self, colon: Colon) -> Result<Operand, Stop> {
        loop {
            match self.token.kind {
                Kind::Number | Kind::String | Kind::PrivateName => {
                    self.advance()?;
                    return Ok(Operand::Value);
                }
                Kind::Template | Kind::TemplateHead => {
                    self.template()?;
                    return Ok(Operand::Value);
                }
                Kind::Word => {
                    if let Some(operand) = self.word_operand(colon)? {
                        return Ok(operand);
                    }
                }
                Kind::Punctuator => match self.text() {
                    "!" | "~" | "+" | "-" | "++" | "--" => self.advance()?,
                    "<" | "<<" => self.erase_angles_before_operand()?,
                    "(" => return self.parenthesized(colon),
                    "[" => {
                        self.array()?;
                        return Ok(Operand::Value);
                    }
                    "{" => {
                        self.object()?;
                        return Ok(Operand::Value);
                    }
                    "/" | "/=" => {
                        self.take_as_regex()?;
                        self.advance()?;
                        return Ok(Operand::Value);
                    }
                    "@" => return Err(self.unsupported(Construct::Decorator)),
                    _ => return Err(Stop::Syntax),
                },
                Kind::Regex | Kind::End => return Err(Stop::Syntax),
            }
        }
    }

    /// An operand that begins with a word; `None` after a prefix, where the operand is still to come.
    fn word_operand(&mut self, colon: Colon) -> Result<Option<Operand>, Stop> {
        match self.text() {
            "function" => {
                self.function()?;
            }
            "class" => self.class()?,
            "async" => return self.async_operand(colon).map(Some),
            "typeof" | "void" | "delete" | "await" => {
                self.advance()?;
                return Ok(None);
            }
            "new" => {
                self.advance()?;
                if !self.pass(".")? {
                    return Ok(None);
                }
                self.pass_word()?;
            }
            "yield" => {
                self.advance()?;
                self.pass("*")?;
                let ends = self.token.on_new_line
                    || self.token.kind == Kind::End
                    || self.at_any(&[")", "]", "}", ",", ";", ":"]);
                return Ok(ends.then_some(Operand::Whole));
            }
            _ => self.advance()?,
        }
        Ok(Some(Operand::Value))
    }

    /// `async function`, `async (…) =>`, `async x =>`, or something named `async`.
    fn async_operand(&mut self, colon: Colon) -> Result<Operand, Stop> {
        self.advance()?;
        if self.token.on_new_line {
            return Ok(Operand::Value);
        }
        if self.at("<") {
            self.erase_angles_before_operand()?;
        }
        if self.at_word("function") {
            self.function()?;
        } else if self.at("(") {
            return self.parenthesized(colon);
        } else if self.token.kind == Kind::Word && self.peek()?.1 == "=>" {
            self.advance()?;
        }
        Ok(Operand::Value)
    }

    /// `<T>` before an operand: type parameters of an arrow function, or an assertion.
    ///
    /// If it goes over a line break and a parenthesis follows, that is moved up: `async` and `return`
    /// must have what belongs to them on their line.
    fn erase_angles_before_operand(&mut self) -> Parsed {
        let start = self.token.start;
        self.pass_brackets()?;
        if self.at("(") && self.has_line_break(start, self.token.start) {
            self.edits.blank_behind('(', start, self.token.end);
        } else {
            self.erase_from(start);
        }
        Ok(())
    }

    /// `(…)`, with the arrow and body that may follow.
    fn parenthesized(&mut self, colon: Colon) -> Result<Operand, Stop> {
        self.expect("(")?;
        let mut annotated = false;
        while !self.at(")") {
            if self.erase_this_parameter()? {
                annotated = true;
            } else {
                self.pass("...")?;
                self.assignment(Colon::Free)?;
                annotated |= self.at("?") || self.at(":");
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
        let parenthesis = self.token.start;
        self.advance()?;
        if self.arrow_after(parenthesis, colon, annotated)? {
            return Ok(Operand::Whole);
        }
        match annotated {
            true => Err(Stop::Syntax),
            false => Ok(Operand::Value),
        }
    }

    /// `=> body` or `: T => body` after `)`; whether it is there.
    fn arrow_after(
        &mut self,
        parenthesis: usize,
        colon: Colon,
        annotated: bool,
    ) -> Result<bool, Stop> {
        if self.at("=>") && !self.token.on_new_line {
            self.advance()?;
            self.arrow_body(colon)?;
            return Ok(true);
        }
        if !self.at(":") {
            return Ok(false);
        }
        if colon == Colon::Free || annotated {
            let typed = self.attempt(|parser| parser.return_type_of_arrow(parenthesis))?;
            if typed {
                self.arrow_body(colon)?;
            }
            return Ok(typed);
        }
        // `a ? (b) : c => d` is JavaScript; with another `:` behind, the first was a return type.
        self.attempt(|parser| {
            parser.return_type_of_arrow(parenthesis)?;
            parser.arrow_body(colon)?;
            match parser.at(":") {
                true => Ok(()),
                false => Err(Stop::Syntax),
            }
        })
    }

    /// `: T =>`. If that goes over a line break, the parenthesis before it is moved down: an arrow must
    /// be on its line.
    fn return_type_of_arrow(&mut self, parenthesis: usize) -> Parsed {
        let start = self.token.start;
        self.advance()?;
        self.pass_type()?;
        if !self.at("=>") || self.token.on_new_line {
            return Err(Stop::Syntax);
        }
        if self.has_line_break(parenthesis, self.behind) {
            let last = self.start_of_last_character();
            self.edits.blank(parenthesis, last);
            self.edits.blank_behind(')', last, self.behind);
        } else {
            self.erase_from(start);
        }
        self.advance()
    }

    pub(super) fn arrow_body(&mut self, colon: Colon) -> Parsed {
        match self.at("{") {
            true => self.body(),
            false => self.assignment(colon),
        }
    }

    /// What may follow an operand: members, calls, `!`, `++`, type arguments.
    pub(super) fn suffixes(&mut self) -> Parsed {
        loop {
            if self.at_template() {
                self.template()?;
                continue;
            }
            if self.token.kind != Kind::Punctuator {
                return Ok(());
            }
            match self.text() {
                "." => {
                    self.advance()?;
                    self.pass_word()?;
                }
                "?." => {
                    self.advance()?;
                    if matches!(self.token.kind, Kind::Word | Kind::PrivateName) {
                        self.advance()?;
                    }
                }
                "[" => {
                    self.advance()?;
                    self.expression(Colon::Free)?;
                    self.expect("]")?;
                }
                "(" => self.arguments()?,
                "!" if !self.token.on_new_line => self.erase_mark("!")?,
                "++" | "--" if !self.token.on_new_line => self.advance()?,
                "<" | "<<" => {
                    let typed = self.attempt(|parser| parser.erase_type_arguments())?;
                    if !typed {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// `<T>` after an operand, told from two comparisons by what follows, as TypeScript does.
    fn erase_type_arguments(&mut self) -> Parsed {
        let start = self.token.start;
        self.pass_type_arguments()?;
        let called = self.at("(") || self.at_template();
        let compared = self.at_any(&["<", ">", "+", "-"]);
        if called || !compared && (self.token.on_new_line || !self.at_operand()) {
            self.erase_from(start);
            return Ok(());
        }
        Err(Stop::Syntax)
    }

    /// Whether an operand begins here. `{` is left out: after type arguments it is the body of a class.
    fn at_operand(&self) -> bool {
        match self.token.kind {
            Kind::Word => {
                !["in", "instanceof", "as", "satisfies", "implements", "of"].contains(&self.text())
            }
            Kind::Punctuator => self.at_any(&["[", "!", "~", "++", "--", "/", "/=", "@"]),
            Kind::End => false,
            _ => true,
        }
    }

    /// `as T`, `satisfies T`, any number of them.
    fn erase_assertions(&mut self) -> Parsed {
        while self.at_word_here("as") || self.at_word_here("satisfies") {
            let start = self.token.start;
            self.advance()?;
            self.pass_type()?;
            self.erase_from(start);
        }
        Ok(())
    }

    fn arguments(&mut self) -> Parsed {
        self.expect("(")?;
        while !self.at(")") {
            self.pass("...")?;
            self.assignment(Colon::Free)?;
            if !self.at(")") {
                self.expect(",")?;
            }
        }
        self.advance()
    }

    pub(super) fn array(&mut self) -> Parsed {
        self.expect("[")?;
        while !self.at("]") {
            if self.pass(",")? {
                continue;
            }
            self.pass("...")?;
            self.assignment(Colon::Free)?;
            if !self.at("]") {
                self.expect(",")?;
            }
        }
        self.advance()
    }

    /// `{ a: 1, b, c() {} }`, a pattern too: `{ a = 1 }`.
    pub(super) fn object(&mut self) -> Parsed {
        self.expect("{")?;
        while !self.at("}") {
            if self.pass("...")? {
                self.assignment(Colon::Free)?;
            } else {
                self.object_member()?;
            }
            if !self.at("}") {
                self.expect(",")?;
            }
        }
        self.advance()
    }

    fn object_member(&mut self) -> Parsed {
        while ["get", "set", "async"]
            .iter()
            .any(|word| self.at_word(word))
        {
            let (_, next) = self.peek()?;
            if ["(", ",", ":", "}", "=", "<"].contains(&next) {
                break;
            }
            self.advance()?;
        }
        self.pass("*")?;
        self.key()?;
        if self.at("(") || self.at("<") {
            self.function_from_parameters()?;
        } else if self.pass(":")? || self.pass("=")? {
            self.assignment(Colon::Free)?;
        }
        Ok(())
    }

    /// The name of a property: a word, a string, a number, `#x`, `[…]`.
    pub(super) fn key(&mut self) -> Parsed {
        match self.token.kind {
            Kind::Word | Kind::PrivateName | Kind::String | Kind::Number => self.advance(),
            _ => {
                self.expect("[")?;
                self.assignment(Colon::Free)?;
                self.expect("]")
            }
        }
    }

    fn template(&mut self) -> Parsed {
        while self.token.kind == Kind::TemplateHead {
            self.advance()?;
            self.expression(Colon::Free)?;
            if !self.at("}") {
                return Err(Stop::Syntax);
            }
            self.continue_template()?;
        }
        self.advance()
    }
}
