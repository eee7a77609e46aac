//! `code-mode types`: the declarations an editor checks scripts by, on standard output.

use std::io;

use code_mode::build_type_declarations;

use crate::arguments::TypesArguments;
use crate::command_tool::Commands;
use crate::diagnostics;
use crate::exit::Exit;
use crate::host::tools_of_run;
use crate::output;
use crate::servers::{Awaited, NoServers, Servers};
use crate::signals::Signals;
use crate::status::Status;

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum TypesError {
    #[error(transparent)]
    Servers(#[from] NoServers),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Prints the declarations for scripts with these tools.
pub fn print(arguments: TypesArguments) -> Result<Exit, TypesError> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            biased;
            signal = signals.next() => Ok(Exit::Signalled(signal)),
            exit = connect_and_print(arguments) => Ok(exit?),
        }
    })
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
