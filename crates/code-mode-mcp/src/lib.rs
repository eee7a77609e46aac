//! The MCP gateway of code-mode: any number of MCP servers behind two tools, `exec` and `wait`.
//!
//! The way of the data: [`config`] says which servers there are; [`upstream`] keeps them connected and
//! gathers their tools; [`host`] answers the calls of scripts with them, under the [`policy`], noted in
//! the [`audit`] log; [`gateway`] serves `exec` and `wait` to MCP clients. [`install`] writes the
//! gateway into the configuration of a client.
//!
//! The engine itself is the crate `code-mode`, which knows nothing of MCP. Standard output is never
//! written here but by the stdio transport.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod audit;
pub mod config;
pub mod gateway;
pub mod host;
pub mod install;
pub mod policy;
pub mod upstream;
