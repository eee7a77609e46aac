//! What the targets in `fuzz/` reach beside the public surface. Compiled with `--cfg fuzzing` alone, and
//! nobody's to use.

use std::borrow::Cow;

use crate::source::{self, slips, typescript};

#[cfg(all(unix, feature = "worker-processes"))]
pub use crate::worker::fuzzing::{Heard, hear_worker};

/// The program in a text that was sent: [`source::program`].
pub fn program(text: &str) -> Cow<'_, str> {
    source::program(text)
}

/// What becomes of a text that is taken for TypeScript.
#[derive(Debug, PartialEq)]
pub enum Stripped {
    /// The text without its types.
    JavaScript(String),
    /// What is in it makes code. The byte where that begins, and what it is called.
    Refused(usize, &'static str),
    /// It has no types, or is not what is looked for, or goes on for too long.
    NotTypeScript,
}

/// Takes the types out of a text.
pub fn strip(source: &str) -> Stripped {
    match typescript::strip(source) {
        Ok(javascript) => Stripped::JavaScript(javascript),
        Err(typescript::NotStripped::NotTypeScript) => Stripped::NotTypeScript,
        Err(typescript::NotStripped::Unsupported(found)) => {
            Stripped::Refused(found.offset, found.construct.words().0)
        }
    }
}

/// Everything else that is read off a program: its imports, and whether it only defines functions. The
/// byte of the function that is named.
pub fn read(program: &str) -> Option<usize> {
    let _ = typescript::imported_names(program);
    slips::uncalled(program).map(|uncalled| uncalled.offset)
}
