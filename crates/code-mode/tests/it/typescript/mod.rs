//! JSON Schema to TypeScript, proven: by the official test suite, by tools of real servers, by a table
//! of what each keyword becomes, and by schemas nobody would write. Whatever is rendered goes through
//! one run of the compiler.

mod compiled;
mod fuzz;
mod mcp_tools;
mod suite;
mod truth_table;
mod type_file;

pub use mcp_tools::servers;
