//! Statements and declarations.

use super::expressions::Colon;
use super::functions::Body;
use super::parser::Parser;
use super::tokens::Kind;
use super::{Construct, Parsed, Stop, Unsupported};

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statement {
    Kept,
    /// It was a type, and is blank.
    Erased,
}

/// Words that may follow `declare`.
const DECLARABLE: [&str; 12] = [
    "const",
    "let",
    "var",
    "function",
    "async",
    "class",
    "abstract",
    "enum",
    "namespace",
    "module",
    "global",
    "interface",
];

impl Parser<'_> {
    pub(super) fn pass_program(&mut self) -> Parsed {
        self.statements()?;
        match self.token.kind {
            Kind::End => Ok(()),
            _ => Err(Stop::Syntax),
        }
    }

    /// Statements up to a `}` or the end.
    pub(super) fn statements(&mut self) -> Parsed {
        while self.token.kind != Kind::End && !self.at("}") {
            self.statement()?;
        }
        Ok(())
    }

    pub(super) fn statement(&mut self) -> Result<Statement, Stop> {
        self.deeper(Self::statement_of_any_kind)
    }

    fn statement_of_any_kind(&mut self) -> Result<Statement, Stop> {
        match self.token.kind {
            Kind::Word => return self.statement_from_word(),
            Kind::Punctuator if self.at("{") => self.body()?,
            Kind::Punctuator if self.at(";") => self.advance()?,
            Kind::Punctuator if self.at("@") => return Err(self.unsupported(Construct::Decorator)),
            _ => self.expression_statement()?,
        }
        Ok(Statement::Kept)
    }

    fn statement_from_word(&mut self) -> Result<Statement, Stop> {
        if let Some(statement) = self.type_statement()? {
            return Ok(statement);
        }
        match self.text() {
            "import" if !["(", "."].contains(&self.peek()?.1) => return self.import(),
            "export" => return self.export(),
            "function" => return self.function_declaration(),
            "async" if self.async_function_follows()? => return self.function_declaration(),
            "class" => self.class()?,
            "var" | "const" => self.variable_statement()?,
            "let" | "using" if self.variable_follows()? => self.variable_statement()?,
            "await" if self.peek()?.1 == "using" => {
                self.advance()?;
                self.variable_statement()?;
            }
            "if" => self.if_statement()?,
            "for" => self.for_statement()?,
            "while" | "with" => {
                self.advance()?;
                self.condition()?;
                self.statement()?;
            }
            "do" => {
                self.advance()?;
                self.statement()?;
                if !self.at_word("while") {
                    return Err(Stop::Syntax);
                }
                self.advance()?;
                self.condition()?;
                self.pass(";")?;
            }
            "return" | "throw" => {
                self.advance()?;
                let ends = self.token.on_new_line
                    || self.token.kind == Kind::End
                    || self.at_any(&[";", "}"]);
                if !ends {
                    self.expression(Colon::Free)?;
                }
                self.pass_end()?;
            }
            "break" | "continue" | "debugger" => {
                self.advance()?;
                if self.token.kind == Kind::Word && !self.token.on_new_line {
                    self.advance()?;
                }
                self.pass_end()?;
            }
            "switch" => self.switch_statement()?,
            "try" => self.try_statement()?,
            _ if self.peek()?.1 == ":" => {
                self.advance()?;
                self.advance()?;
                return self.statement();
            }
            _ => self.expression_statement()?,
        }
        Ok(Statement::Kept)
    }

    fn expression_statement(&mut self) -> Parsed {
        self.expression(Colon::Free)?;
        self.pass_end()
    }

    fn condition(&mut self) -> Parsed {
        self.expect("(")?;
        self.expression(Colon::Free)?;
        self.expect(")")
    }

    fn function_declaration(&mut self) -> Result<Statement, Stop> {
        let start = self.token.start;
        if self.function()? == Body::Present {
            return Ok(Statement::Kept);
        }
        self.pass_end()?;
        self.erase_whole_from(start);
        Ok(Statement::Erased)
    }

    pub(super) fn async_function_follows(&mut self) -> Result<bool, Stop> {
        let (next, text) = self.peek()?;
        Ok(text == "function" && !next.on_new_line)
    }

    fn variable_follows(&mut self) -> Result<bool, Stop> {
        let (next, text) = self.peek()?;
        let using = self.at_word("using");
        Ok(match next.kind {
            Kind::Word if using && next.on_new_line => false,
            Kind::Word => !["in", "instanceof"].contains(&text),
            _ => !using && ["[", "{"].contains(&text),
        })
    }

    fn variable_statement(&mut self) -> Parsed {
        if self.at_word("const") && self.peek()?.1 == "enum" {
            return Err(self.unsupported(Construct::Enum));
        }
        self.variables()?;
        self.pass_end()
    }

    /// `const a: A = 1, b!: B`
    fn variables(&mut self) -> Parsed {
        loop {
            self.advance()?;
            self.binding()?;
            self.erase_mark("!")?;
            self.erase_annotation()?;
            if self.pass("=")? {
                self.assignment(Colon::Free)?;
            }
            if !self.at(",") {
                return Ok(());
            }
        }
    }

    fn if_statement(&mut self) -> Parsed {
        loop {
            self.advance()?;
            self.condition()?;
            self.statement()?;
            if !self.at_word("else") {
                return Ok(());
            }
            self.advance()?;
            if !self.at_word("if") {
                self.statement()?;
                return Ok(());
            }
        }
    }

    fn for_statement(&mut self) -> Parsed {
        self.advance()?;
        if self.at_word("await") {
            self.advance()?;
        }
        self.expect("(")?;
        if self.at_word("await") && self.peek()?.1 == "using" {
            self.advance()?;
        }
        let declares = self.at_word("var")
            || self.at_word("const")
            || (self.at_word("let") || self.at_word("using")) && self.variable_follows()?;
        if declares {
            self.variables()?;
        } else if !self.at(";") {
            self.expression(Colon::Free)?;
        }
        if self.at_word("of") || self.at_word("in") {
            self.advance()?;
            self.expression(Colon::Free)?;
        } else if !self.at(")") {
            for end in [";", ")"] {
                self.expect(";")?;
                if !self.at(end) {
                    self.expression(Colon::Free)?;
                }
            }
        }
        self.expect(")")?;
        self.statement()?;
        Ok(())
    }

    fn switch_statement(&mut self) -> Parsed {
        self.advance()?;
        self.condition()?;
        self.expect("{")?;
        while !self.at("}") {
            if self.at_word("case") {
                self.advance()?;
                self.expression(Colon::Awaited)?;
                self.expect(":")?;
            } else if self.at_word("default") {
                self.advance()?;
                self.expect(":")?;
            } else if self.token.kind == Kind::End {
                return Err(Stop::Syntax);
            } else {
                self.statement()?;
            }
        }
        self.advance()
    }

    fn try_statement(&mut self) -> Parsed {
        self.advance()?;
        self.body()?;
        if self.at_word("catch") {
            self.advance()?;
            if self.pass("(")? {
                self.binding()?;
                self.erase_annotation()?;
                self.expect(")")?;
            }
            self.body()?;
        }
        if self.at_word("finally") {
            self.advance()?;
            self.body()?;
        }
        Ok(())
    }

    /// A statement only TypeScript has, if one begins at the word here.
    pub(super) fn type_statement(&mut self) -> Result<Option<Statement>, Stop> {
        let start = self.token.start;
        match self.text() {
            "type" | "interface" | "namespace" | "module" | "declare" | "abstract" | "enum" => {}
            _ => return Ok(None),
        }
        let (next, following) = self.peek()?;
        let named = next.kind == Kind::Word && !next.on_new_line;
        match self.text() {
            "enum" if named => return Err(self.unsupported(Construct::Enum)),
            "abstract" if named && following == "class" => {
                self.advance()?;
                self.erase_from(start);
                self.class()?;
                return Ok(Some(Statement::Kept));
            }
            "type" if named && self.attempt(Self::pass_type_alias)? => {}
            "interface" if named => self.pass_interface()?,
            "declare" if named && (DECLARABLE.contains(&following) || following == "type") => {
                self.advance()?;
                self.pass_declared()?;
            }
            "namespace" | "module" if named || next.kind == Kind::String && !next.on_new_line => {
                if self.namespace()? == Statement::Kept {
                    return Err(self.unsupported_at(Construct::Namespace, start));
                }
            }
            _ => return Ok(None),
        }
        self.erase_whole_from(start);
        Ok(Some(Statement::Erased))
    }

    fn pass_type_alias(&mut self) -> Parsed {
        self.advance()?;
        self.advance()?;
        if self.at("<") {
            self.pass_brackets()?;
        }
        self.expect("=")?;
        self.pass_type()?;
        self.pass_end()
    }

    fn pass_interface(&mut self) -> Parsed {
        self.advance()?;
        self.advance()?;
        if self.at("<") {
            self.pass_brackets()?;
        }
        if self.at_word("extends") {
            self.pass_types_after_keyword()?;
        }
        match self.at("{") {
            true => self.pass_brackets(),
            false => Err(Stop::Syntax),
        }
    }

    /// What follows `declare`. All of it is blanked by the caller.
    fn pass_declared(&mut self) -> Parsed {
        if self.at_word("const") && self.peek()?.1 == "enum" {
            self.advance()?;
        }
        if ["enum", "namespace", "module", "global"]
            .iter()
            .any(|word| self.at_word(word))
        {
            self.advance()?;
            while !self.token.on_new_line && !self.at("{") && !self.at(";") {
                self.advance()?;
            }
            return match self.at("{") {
                true => self.pass_ambient_block(),
                false => self.pass_end(),
            };
        }
        self.statement()?;
        Ok(())
    }

    /// `{ … }` of a declaration: it holds types, initial values of enums, and nothing that runs.
    fn pass_ambient_block(&mut self) -> Parsed {
        let mut depth = 0_usize;
        loop {
            if self.token.kind == Kind::TemplateHead {
                self.pass_brackets()?;
                continue;
            }
            if self.at("{") {
                depth += 1;
            } else if self.at("}") {
                depth -= 1;
            } else if self.token.kind == Kind::End {
                return Err(Stop::Syntax);
            }
            self.advance()?;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// `namespace A.B { … }`; erased if all that is in it is.
    fn namespace(&mut self) -> Result<Statement, Stop> {
        self.advance()?;
        self.advance()?;
        while self.pass(".")? {
            self.pass_word()?;
        }
        self.expect("{")?;
        let mut all = Statement::Erased;
        while !self.at("}") {
            if self.statement()? == Statement::Kept {
                all = Statement::Kept;
            }
        }
        self.advance()?;
        Ok(all)
    }

    /// The refusal of what begins at the token.
    pub(super) fn unsupported(&self, construct: Construct) -> Stop {
        self.unsupported_at(construct, self.token.start)
    }

    pub(super) fn unsupported_at(&self, construct: Construct, offset: usize) -> Stop {
        Stop::Unsupported(Unsupported { construct, offset })
    }
}
