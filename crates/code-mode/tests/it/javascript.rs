//! The contract of the language surface.

mod program;
