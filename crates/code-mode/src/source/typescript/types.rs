//! How far a type goes. What is in it does not matter: it is blanked.

use super::parser::Parser;
use super::tokens::Kind;
use super::{Parsed, Stop};

/// Words that go before a type.
const PREFIXES: [&str; 8] = [
    "keyof", "unique", "readonly", "infer", "asserts", "abstract", "new", "typeof",
];

/// Punctuators that may stand inside the brackets of a type.
const IN_TYPES: [&str; 17] = [
    "|", "&", ",", ".", "?", ":", "=>", "-", "=", "...", "(", ")", "[", "]", "{", "}", "<",
];

impl Parser<'_> {
    /// Passes over a type. Iterative: a type nests only in brackets, which are passed over whole.
    pub(super) fn pass_type(&mut self) -> Parsed {
        let mut open_conditions = 0_usize;
        let mut open_branches = 0_usize;
        loop {
            self.pass_type_operand()?;
            self.pass_type_suffixes()?;
            if self.at("|") || self.at("&") || self.at_word_here("is") {
                // Another operand follows.
            } else if self.at_word("extends") {
                open_conditions += 1;
            } else if self.at("?") && open_conditions > 0 {
                open_conditions -= 1;
                open_branches += 1;
            } else if self.at(":") && open_branches > 0 {
                open_branches -= 1;
            } else {
                return Ok(());
            }
            self.advance()?;
        }
    }

    fn pass_type_operand(&mut self) -> Parsed {
        loop {
            match self.token.kind {
                Kind::String | Kind::Number => return self.advance(),
                Kind::Template => return self.advance(),
                Kind::TemplateHead => return self.pass_brackets(),
                Kind::Word => {
                    let word = self.text();
                    self.advance()?;
                    let prefix =
                        PREFIXES.contains(&word) && !self.token.on_new_line && self.at_type_start();
                    if prefix {
                        continue;
                    }
                    if word == "import" && self.at("(") {
                        return self.pass_brackets();
                    }
                    return Ok(());
                }
                Kind::Punctuator => match self.text() {
                    "|" | "&" | "-" => self.advance()?,
                    "{" | "[" => return self.pass_brackets(),
                    "(" => {
                        let are_parameters = self.at_parameters()?;
                        self.pass_brackets()?;
                        if !are_parameters || !self.at("=>") {
                            return Ok(());
                        }
                        self.advance()?;
                    }
                    "<" => {
                        self.pass_brackets()?;
                        if !self.at("(") {
                            return Err(Stop::Syntax);
                        }
                    }
                    _ => return Err(Stop::Syntax),
                },
                _ => return Err(Stop::Syntax),
            }
        }
    }

    /// Whether the `(` here may begin the parameters of a function type, decided as TypeScript does. The
    /// arrow behind `(A | B)` is not the type's: `(x): (A | B) => x`.
    fn at_parameters(&mut self) -> Result<bool, Stop> {
        let mark = self.mark();
        self.advance()?;
        let are_parameters = match self.token.kind {
            Kind::Word => {
                self.advance()?;
                self.at_parameter_end()?
            }
            Kind::Punctuator => match self.text() {
                ")" | "..." => true,
                "[" | "{" => {
                    self.pass_brackets()?;
                    self.at_parameter_end()?
                }
                _ => false,
            },
            _ => false,
        };
        self.go_back(&mark);
        Ok(are_parameters)
    }

    /// Whether what follows can follow the name of a parameter.
    fn at_parameter_end(&mut self) -> Result<bool, Stop> {
        if self.at(")") {
            return Ok(self.peek()?.1 == "=>");
        }
        Ok(self.at_any(&[":", ",", "?", "="]))
    }

    fn at_type_start(&self) -> bool {
        match self.token.kind {
            Kind::Word => !self.at_word("is") && !self.at_word("extends"),
            Kind::Punctuator => ["{", "[", "(", "<", "-"].contains(&self.text()),
            Kind::String | Kind::Number | Kind::Template | Kind::TemplateHead => true,
            _ => false,
        }
    }

    fn pass_type_suffixes(&mut self) -> Parsed {
        loop {
            if self.at(".") {
                self.advance()?;
                self.pass_word()?;
            } else if !self.token.on_new_line && (self.at("[") || self.at_angle()) {
                self.pass_brackets()?;
            } else {
                return Ok(());
            }
        }
    }

    /// `<A, B>`, as it may follow an expression: a list of types and nothing else.
    pub(super) fn pass_type_arguments(&mut self) -> Parsed {
        self.split_angle();
        self.expect("<")?;
        loop {
            self.pass_type()?;
            if !self.at(",") {
                break;
            }
            self.advance()?;
        }
        // Not the first half of `>=` or `>>`: that is an operator.
        self.expect(">")
    }

    /// `<` or `<<`, whose first half opens a list.
    pub(super) fn at_angle(&self) -> bool {
        self.at("<") || self.at("<<")
    }

    /// From an opening bracket of any kind, or a template's beginning, to behind its counterpart.
    ///
    /// Fails on what no type has in it.
    pub(super) fn pass_brackets(&mut self) -> Parsed {
        let mut open: Vec<Bracket> = Vec::new();
        loop {
            self.split_angle();
            match (self.token.kind, self.text()) {
                (Kind::TemplateHead, _) => open.push(Bracket::Template),
                (Kind::Punctuator, "(") => open.push(Bracket::Round),
                (Kind::Punctuator, "[") => open.push(Bracket::Square),
                (Kind::Punctuator, "{") => open.push(Bracket::Curly),
                (Kind::Punctuator, "<") => open.push(Bracket::Angle),
                (Kind::Punctuator, ")") => close(&mut open, Bracket::Round)?,
                (Kind::Punctuator, "]") => close(&mut open, Bracket::Square)?,
                (Kind::Punctuator, ">") => close(&mut open, Bracket::Angle)?,
                (Kind::Punctuator, "}") if open.last() == Some(&Bracket::Template) => {
                    self.continue_template()?;
                    if self.token.kind == Kind::Template {
                        open.pop();
                    }
                }
                (Kind::Punctuator, "}") => close(&mut open, Bracket::Curly)?,
                (Kind::Punctuator, ";" | "+") if open.last() == Some(&Bracket::Curly) => {}
                (Kind::Punctuator, other) if !IN_TYPES.contains(&other) => {
                    return Err(Stop::Syntax);
                }
                (Kind::End, _) => return Err(Stop::Syntax),
                _ => {}
            }
            self.advance()?;
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// Makes of `>>`, `>=`, `<<` and their like the one bracket they begin with.
    fn split_angle(&mut self) {
        if self.token.kind == Kind::Punctuator && self.text().starts_with(['<', '>']) {
            self.shorten_token_to(1);
        }
    }
}

#[derive(PartialEq)]
enum Bracket {
    Round,
    Square,
    Curly,
    Angle,
    Template,
}

fn close(open: &mut Vec<Bracket>, bracket: Bracket) -> Parsed {
    if open.pop() == Some(bracket) {
        Ok(())
    } else {
        Err(Stop::Syntax)
    }
}
