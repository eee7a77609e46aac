//! TypeScript to JavaScript, by blanking what is not JavaScript.
//!
//! Every type becomes white space, so that lines and columns stay. That is possible for all of
//! TypeScript but what makes code: those [`Construct`]s are refused by name.
//!
//! This is a parser of our own, for scripts are hostile until shown otherwise, and it runs where V8's
//! limits do not reach. It makes no tree: it goes through the text once, knows only as much grammar as
//! it takes to tell a type from an expression, and leaves everything else to V8, which compiles what
//! comes out. Its time is bounded by a budget of bytes looked at, its stack by a depth.
//! (`swc_ts_fast_strip` 60 overflowed a stack of 4 MiB at 100,000 terms of a sum, and took more
//! than 10 s for 24 nested `<T>(`; `oxc_parser` 0.146 overflowed at 100,000 brackets. They would add
//! 101 and 47 crates.)

mod classes;
mod edits;
mod expressions;
mod functions;
mod imported_names;
mod imports;
mod only_functions;
mod parser;
mod statements;
#[cfg(test)]
mod tests;
mod tokens;
mod types;

pub(crate) use imported_names::imported_names;
pub(crate) use only_functions::only_functions;
use parser::Parser;

/// Why a source cannot be stripped.
#[derive(Debug, PartialEq)]
pub(crate) enum NotStripped {
    /// It has no types, or is no TypeScript, or nests deeper or goes on longer than is looked at.
    NotTypeScript,
    /// It is TypeScript that makes code.
    Unsupported(Unsupported),
}

/// A piece of TypeScript that types alone do not explain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unsupported {
    pub(crate) construct: Construct,
    /// Where it begins, in bytes of the source.
    pub(crate) offset: usize,
}

/// TypeScript that stands for code which is not in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Construct {
    Enum,
    Namespace,
    ParameterProperty,
    ImportEquals,
    ExportEquals,
    Decorator,
}

impl Construct {
    /// What it is called, and what to write instead.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Enum => (
                "an enum",
                "const Color = { Red: 'red', Green: 'green' } as const",
            ),
            Self::Namespace => (
                "a namespace with values",
                "const Shapes = { area(r) { … } }",
            ),
            Self::ParameterProperty => (
                "a parameter property",
                "x: number; constructor(x: number) { this.x = x; }",
            ),
            Self::ImportEquals => ("import … = …", "import { name } from \"code-mode\""),
            Self::ExportEquals => ("export = …", "text(value) to show the value"),
            Self::Decorator => ("a decorator", "a call of its function"),
        }
    }
}

/// Takes the types out of `source`.
pub(crate) fn strip(source: &str) -> Result<String, NotStripped> {
    let parse = || {
        let mut parser = Parser::new(source)?;
        parser.pass_program()?;
        Ok(parser.edits)
    };
    match parse() {
        Ok(edits) if edits.len() > 0 => Ok(edits.apply(source)),
        Ok(_) | Err(Stop::Syntax | Stop::TooMuch) => Err(NotStripped::NotTypeScript),
        Err(Stop::Unsupported(unsupported)) => Err(NotStripped::Unsupported(unsupported)),
    }
}

/// Why a parser stops.
#[derive(Debug)]
enum Stop {
    /// This is not what it looks for.
    Syntax,
    /// Too deep, or looked at too often.
    TooMuch,
    Unsupported(Unsupported),
}

type Parsed = Result<(), Stop>;
