//! `code-mode types`: the declarations an editor checks scripts by, on standard output.

use std::io::{self, Write};

use code_mode::build_type_declarations;

use crate::arguments::ToolArguments;
use crate::command_tool::CommandHost;
use crate::diagnostics;
use crate::exit::Exit;

/// Prints the declarations for scripts with these tools.
pub fn print(arguments: ToolArguments) -> Exit {
    let (_, tools) = CommandHost::new(arguments);
    let declarations = build_type_declarations(&tools);
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(declarations.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Exit::Success,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::PipeClosed,
        Err(error) => {
            diagnostics::say_outside_a_run(&format!("cannot write to standard output: {error}"));
            Exit::Failure
        }
    }
}
