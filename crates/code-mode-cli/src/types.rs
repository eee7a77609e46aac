//! `code-mode types`: the declarations an editor checks scripts by, on standard output.

use code_mode::build_type_declarations;

use crate::arguments::TypesArguments;
use crate::command_tool::Commands;
use crate::diagnostics;
use crate::exit::Exit;
use crate::host::tools_of_run;
use crate::output;
use crate::servers::{self, Awaited, NoServers, NothingPrinted, Servers};
use crate::status::Status;

/// Prints the declarations for scripts with these tools.
pub fn print(arguments: TypesArguments) -> Result<Exit, NothingPrinted> {
    servers::until_signal(connect_and_print(arguments))
}

async fn connect_and_print(arguments: TypesArguments) -> Result<Exit, NoServers> {
    let status = Status::default();
    let _drawing = status.draw();
    let servers = Servers::connect_for_script(&arguments.servers, Awaited::All, &status).await?;
    let (_, definitions) = Commands::new(arguments.tools);
    let (tools, clashes) = tools_of_run(definitions, servers.as_ref().map(Servers::tools));
    for clash in clashes {
        diagnostics::say(&clash).await;
    }
    let exit = output::print_over_status(&build_type_declarations(&tools)).await;
    if let Some(servers) = servers {
        servers.shutdown().await;
    }
    Ok(exit)
}
