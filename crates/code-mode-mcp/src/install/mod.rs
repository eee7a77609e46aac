//! Writes the gateway into the configuration of an MCP client.
