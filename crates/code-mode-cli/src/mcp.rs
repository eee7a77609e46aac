//! `code-mode mcp`
use crate::exit::Exit;
pub fn serve(_a: crate::arguments::servers::McpArguments) -> Result<Exit, std::io::Error> { todo!() }
