//! The MCP gateway as its users meet it: servers of others behind it, clients of others before it.
//!
//! The tests print what the judges said, line by line; `--nocapture` shows it.

mod conformance;
mod hostile;
mod inspector;
mod python_sdk;
mod servers;
mod stage;
