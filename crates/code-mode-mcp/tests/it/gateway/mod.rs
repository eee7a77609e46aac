//! The server side: real MCP clients in front of a gateway in front of real MCP servers.

mod answers;
mod asking;
mod client;
mod listing;
mod parallel;
mod rig;
mod server;
