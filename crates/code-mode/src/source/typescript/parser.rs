//! Where a parser stands, and the small steps it goes in.

use super::edits::Edits;
use super::tokens::{Kind, Lexer, Token};
use super::{Parsed, Stop};
use crate::source::lines::is_line_break;

/// How deep statements and expressions may be inside one another: a parser's frames of that depth
/// take a fraction of a cell's stack.
const MAX_DEPTH: usize = 400;

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    pub(super) token: Token,
    /// Where the token before ended.
    pub(super) behind: usize,
    pub(super) edits: Edits,
    depth: usize,
}

/// A place to come back to.
pub(super) struct Mark {
    token: Token,
    behind: usize,
    edits: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a str) -> Result<Self, Stop> {
        let mut lexer = Lexer::new(source);
        let token = lexer.next()?;
        Ok(Self {
            lexer,
            token,
            behind: 0,
            edits: Edits::default(),
            depth: 0,
        })
    }

    /// The text of the token.
    pub(super) fn text(&self) -> &'a str {
        self.lexer.text(self.token)
    }

    pub(super) fn at(&self, punctuator: &str) -> bool {
        self.token.kind == Kind::Punctuator && self.text() == punctuator
    }

    pub(super) fn at_any(&self, punctuators: &[&str]) -> bool {
        self.token.kind == Kind::Punctuator && punctuators.contains(&self.text())
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        self.token.kind == Kind::Word && self.text() == word
    }

    /// As [`Self::at_word`], on the line of the token before.
    pub(super) fn at_word_here(&self, word: &str) -> bool {
        !self.token.on_new_line && self.at_word(word)
    }

    pub(super) fn at_template(&self) -> bool {
        matches!(self.token.kind, Kind::Template | Kind::TemplateHead)
    }

    pub(super) fn advance(&mut self) -> Parsed {
        self.behind = self.token.end;
        self.token = self.lexer.next()?;
        Ok(())
    }

    pub(super) fn expect(&mut self, punctuator: &str) -> Parsed {
        match self.at(punctuator) {
            true => self.advance(),
            false => Err(Stop::Syntax),
        }
    }

    /// Passes over `punctuator` if it is there; whether it was.
    pub(super) fn pass(&mut self, punctuator: &str) -> Result<bool, Stop> {
        let there = self.at(punctuator);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    pub(super) fn pass_word(&mut self) -> Parsed {
        match self.token.kind {
            Kind::Word | Kind::PrivateName => self.advance(),
            _ => Err(Stop::Syntax),
        }
    }

    /// The next token and its text.
    pub(super) fn peek(&mut self) -> Result<(Token, &'a str), Stop> {
        let token = self.lexer.peek()?;
        Ok((token, self.lexer.text(token)))
    }

    /// Whether a word follows on the same line.
    pub(super) fn word_follows_here(&mut self) -> Result<bool, Stop> {
        let (next, _) = self.peek()?;
        Ok(next.kind == Kind::Word && !next.on_new_line)
    }

    /// Keeps the first `length` bytes of the token; the rest begins the next.
    pub(super) fn shorten_token_to(&mut self, length: usize) {
        self.token.end = self.token.start + length;
        self.lexer.go_to(self.token.end);
    }

    /// The `/` here begins a regular expression.
    pub(super) fn take_as_regex(&mut self) -> Parsed {
        self.token = self.lexer.regex(self.token)?;
        Ok(())
    }

    /// The `}` here ends a substitution; the token becomes the piece of the template after it.
    pub(super) fn continue_template(&mut self) -> Parsed {
        self.token = self.lexer.template_rest(self.token)?;
        Ok(())
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            token: self.token,
            behind: self.behind,
            edits: self.edits.len(),
        }
    }

    pub(super) fn go_back(&mut self, mark: &Mark) {
        self.token = mark.token;
        self.behind = mark.behind;
        self.edits.truncate(mark.edits);
        self.lexer.go_to(mark.token.end);
    }

    /// Tries `piece`; if it is not what stands here, nothing has happened. Whether it was.
    pub(super) fn attempt(
        &mut self,
        piece: impl FnOnce(&mut Self) -> Parsed,
    ) -> Result<bool, Stop> {
        let mark = self.mark();
        match piece(self) {
            Ok(()) => Ok(true),
            Err(Stop::Syntax) => {
                self.go_back(&mark);
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Runs `piece` one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        piece: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::TooMuch);
        }
        self.depth += 1;
        let parsed = piece(self);
        self.depth -= 1;
        parsed
    }

    /// Whether there is a line break between two places.
    pub(super) fn has_line_break(&self, start: usize, end: usize) -> bool {
        self.lexer.source()[start..end].contains(is_line_break)
    }

    /// Where the last character of the token before begins.
    pub(super) fn start_of_last_character(&self) -> usize {
        self.lexer.source().floor_char_boundary(self.behind - 1)
    }

    /// Blanks from `start` to behind the last token.
    pub(super) fn erase_from(&mut self, start: usize) {
        self.edits.blank(start, self.behind);
    }

    /// Blanks a whole statement or class member. A `;` stays, so that the lines before and after it
    /// do not become one.
    pub(super) fn erase_whole_from(&mut self, start: usize) {
        self.edits.blank_behind(';', start, self.behind);
    }

    /// `: T`, if it is there.
    pub(super) fn erase_annotation(&mut self) -> Parsed {
        if !self.at(":") {
            return Ok(());
        }
        let start = self.token.start;
        self.advance()?;
        self.pass_type()?;
        self.erase_from(start);
        Ok(())
    }

    /// `<T>`, if it is there.
    pub(super) fn erase_type_parameters(&mut self) -> Parsed {
        if !self.at("<") {
            return Ok(());
        }
        let start = self.token.start;
        self.pass_brackets()?;
        self.erase_from(start);
        Ok(())
    }

    /// The token, if it is there.
    pub(super) fn erase_mark(&mut self, punctuator: &str) -> Parsed {
        let start = self.token.start;
        if self.pass(punctuator)? {
            self.erase_from(start);
        }
        Ok(())
    }

    /// `;`, or what stands for it.
    pub(super) fn pass_end(&mut self) -> Parsed {
        if self.pass(";")? {
            return Ok(());
        }
        if self.token.on_new_line {
            self.edits.end_statement_at(self.behind);
            return Ok(());
        }
        match self.at("}") || self.token.kind == Kind::End {
            true => Ok(()),
            false => Err(Stop::Syntax),
        }
    }
}
