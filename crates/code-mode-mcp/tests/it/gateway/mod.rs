//! The server side: real MCP clients in front of a gateway in front of real MCP servers.

mod answers;
mod asking;
mod client;
mod endings;
mod http;
mod listing;
mod outputs;
mod parallel;
mod progress;
mod raw;
mod rig;
mod server;
mod tokens;
mod tracing;
