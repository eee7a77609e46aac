//! The tokens of JavaScript and TypeScript, found one at a time.
//!
//! What a `/` begins, and where a template goes on, only a parser knows: it asks for
//! [`Lexer::regex`] and [`Lexer::template_rest`]. Bytes looked at are counted against a budget, so
//! that a parser that tries things twice still comes to an end.

use super::Stop;
use crate::source::lines::is_line_break;

/// How many times a source may be looked at from end to end.
const LOOKS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    /// `#name`
    PrivateName,
    Number,
    String,
    Regex,
    /// The end of a template, or a whole one.
    Template,
    /// The beginning or middle of a template, up to and with `${`.
    TemplateHead,
    Punctuator,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a line break is between this token and the one before.
    pub(super) on_new_line: bool,
}

/// Of several characters, longest first.
const LONG_PUNCTUATORS: [&str; 33] = [
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=",
    "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
    "<<", ">>", "**",
];

pub(super) struct Lexer<'a> {
    source: &'a str,
    at: usize,
    budget: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let hashbang = match source.starts_with("#!") {
            true => source.find('\n').unwrap_or(source.len()),
            false => 0,
        };
        Self {
            source,
            at: hashbang,
            budget: source.len().saturating_mul(LOOKS) + 1024,
        }
    }

    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    pub(super) fn text(&self, token: Token) -> &'a str {
        &self.source[token.start..token.end]
    }

    /// Goes on from `at`, which a token ended at or began at.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Looks at the next token without taking it.
    pub(super) fn peek(&mut self) -> Result<Token, Stop> {
        let at = self.at;
        let token = self.next();
        self.at = at;
        token
    }

    pub(super) fn next(&mut self) -> Result<Token, Stop> {
        let before = self.at;
        let on_new_line = self.skip_trivia()?;
        let start = self.at;
        let kind = self.kind_at(start)?;
        self.spend(self.at - before + 1)?;
        Ok(Token {
            kind,
            start,
            end: self.at,
            on_new_line,
        })
    }

    fn kind_at(&mut self, start: usize) -> Result<Kind, Stop> {
        let rest = &self.source[start..];
        let mut characters = rest.chars();
        let Some(first) = characters.next() else {
            return Ok(Kind::End);
        };
        let second = characters.next().unwrap_or(' ');
        if is_name_start(first) {
            self.name();
            return Ok(Kind::Word);
        }
        if first == '#' && is_name_start(second) {
            self.at += 1;
            self.name();
            return Ok(Kind::PrivateName);
        }
        if first.is_ascii_digit() || first == '.' && second.is_ascii_digit() {
            self.number();
            return Ok(Kind::Number);
        }
        match first {
            '"' | '\'' => self.string(first),
            '`' => {
                self.at += 1;
                self.template_piece()
            }
            _ => self.punctuator(rest),
        }
    }

    fn punctuator(&mut self, rest: &str) -> Result<Kind, Stop> {
        self.at += match rest.as_bytes()[0] {
            b'{' | b'}' | b'(' | b')' | b'[' | b']' | b';' | b',' | b':' | b'~' | b'@' => 1,
            b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'!' | b'?'
            | b'=' | b'.' => {
                let long = LONG_PUNCTUATORS
                    .iter()
                    .find(|&&punctuator| rest.starts_with(punctuator));
                match long {
                    // `a?.5:b` is a conditional.
                    Some(&"?.") if rest[2..].starts_with(|next: char| next.is_ascii_digit()) => 1,
                    Some(long) => long.len(),
                    None => 1,
                }
            }
            _ => return Err(Stop::Syntax),
        };
        Ok(Kind::Punctuator)
    }

    /// The regular expression whose first `/` is at `start`.
    pub(super) fn regex(&mut self, slash: Token) -> Result<Token, Stop> {
        let mut in_class = false;
        let mut escaped = false;
        self.at = slash.start + 1;
        loop {
            let next = self.peek_char().filter(|&next| !is_line_break(next));
            let next = next.ok_or(Stop::Syntax)?;
            self.at += next.len_utf8();
            match next {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => break,
                _ => {}
            }
        }
        self.name();
        self.spend(self.at - slash.start)?;
        Ok(Token {
            kind: Kind::Regex,
            end: self.at,
            ..slash
        })
    }

    /// The piece of a template that goes on after `brace`, the `}` of a substitution.
    pub(super) fn template_rest(&mut self, brace: Token) -> Result<Token, Stop> {
        self.at = brace.end;
        let kind = self.template_piece()?;
        self.spend(self.at - brace.start)?;
        Ok(Token {
            kind,
            end: self.at,
            ..brace
        })
    }

    fn template_piece(&mut self) -> Result<Kind, Stop> {
        loop {
            let rest = &self.source[self.at..];
            let special = rest.find(['`', '\\', '$']).ok_or(Stop::Syntax)?;
            self.at += special;
            let rest = &rest[special..];
            if rest.starts_with('`') {
                self.at += 1;
                return Ok(Kind::Template);
            }
            if rest.starts_with("${") {
                self.at += 2;
                return Ok(Kind::TemplateHead);
            }
            let escaped = rest.starts_with('\\');
            self.at += 1;
            if escaped {
                self.at += self.peek_char().ok_or(Stop::Syntax)?.len_utf8();
            }
        }
    }

    fn string(&mut self, quote: char) -> Result<Kind, Stop> {
        self.at += 1;
        loop {
            let next = self.peek_char().ok_or(Stop::Syntax)?;
            self.at += next.len_utf8();
            match next {
                '\n' | '\r' => return Err(Stop::Syntax),
                '\\' => self.at += self.peek_char().ok_or(Stop::Syntax)?.len_utf8(),
                _ if next == quote => return Ok(Kind::String),
                _ => {}
            }
        }
    }

    fn number(&mut self) {
        let bytes = &self.source.as_bytes()[self.at..];
        let mut length = 0;
        let mut seen_point = false;
        let has_prefix = bytes[0] == b'0' && bytes.get(1).is_some_and(u8::is_ascii_alphabetic);
        while let Some(&byte) = bytes.get(length) {
            let exponent_sign = matches!(byte, b'+' | b'-')
                && !has_prefix
                && length > 0
                && matches!(bytes[length - 1], b'e' | b'E');
            let point = byte == b'.' && !seen_point && !has_prefix;
            if !(byte.is_ascii_alphanumeric() || byte == b'_' || exponent_sign || point) {
                break;
            }
            seen_point |= point;
            length += 1;
        }
        self.at += length;
    }

    /// The characters of a name, escapes (`\u0061`, `\u{61}`) too.
    fn name(&mut self) {
        while let Some(next) = self.peek_char() {
            if next == '\\' {
                let rest = &self.source[self.at..];
                let braced = rest.starts_with("\\u{");
                self.at += match rest.find('}') {
                    Some(end) if braced => end + 1,
                    _ => 1,
                };
            } else if is_name_part(next) {
                self.at += next.len_utf8();
            } else {
                return;
            }
        }
    }

    /// Skips white space and comments; whether there was a line break.
    fn skip_trivia(&mut self) -> Result<bool, Stop> {
        let mut on_new_line = false;
        while let Some(next) = self.peek_char() {
            let rest = &self.source[self.at..];
            if next.is_whitespace() || is_line_break(next) || next == '\u{feff}' {
                on_new_line |= is_line_break(next);
                self.at += next.len_utf8();
            } else if rest.starts_with("//") {
                self.at += rest.find(is_line_break).unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let length = comment.find("*/").ok_or(Stop::Syntax)? + 4;
                on_new_line |= rest[..length].contains(is_line_break);
                self.at += length;
            } else {
                break;
            }
        }
        Ok(on_new_line)
    }

    fn peek_char(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Stop> {
        self.budget = self.budget.checked_sub(bytes).ok_or(Stop::TooMuch)?;
        Ok(())
    }
}

fn is_name_start(character: char) -> bool {
    character == '\\' || is_name_part(character) && !character.is_ascii_digit()
}

/// More generous than the language beyond ASCII; V8 has the last word.
fn is_name_part(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '_' | '$' | '\u{200c}' | '\u{200d}')
        || !character.is_ascii() && !character.is_whitespace() && !is_line_break(character)
}
