//! Serves `exec` and `wait` to MCP clients.
