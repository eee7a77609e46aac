//! The server side: real MCP clients in front of a gateway in front of real MCP servers.

mod answers;
mod client;
mod rig;
mod server;
