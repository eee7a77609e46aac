//! Answers the calls of a script: commands and MCP servers side by side, watched by the status line.

use code_mode::{
    CancellationToken, CellId, Host, Notification, ToolCall, ToolDefinition, ToolError, ToolOutput,
    ToolSet,
};
use code_mode_mcp::host::{Answer, CallEvents, McpHost, Question};

use crate::command_tool::Commands;
use crate::diagnostics;
use crate::person::Person;
use crate::status::Status;

/// The host of a run. Owned by its session.
pub struct RunHost {
    commands: Commands,
    servers: Option<McpHost<Person>>,
    status: Status,
}

impl RunHost {
    pub fn new(commands: Commands, servers: Option<McpHost<Person>>, status: Status) -> Self {
        Self {
            commands,
            servers,
            status,
        }
    }
}

impl Host for RunHost {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let _shown = self.status.call(&call.tool.global_name);
        // Tools of servers have a namespace, commands have none.
        match &self.servers {
            Some(servers) if call.tool.definition.namespace.is_some() => {
                servers.invoke_tool(call, cancellation).await
            }
            _ => self.commands.invoke(call, &cancellation).await,
        }
    }

    async fn notify(&self, notification: Notification, cancellation: CancellationToken) {
        let said = diagnostics::line(&notification.text);
        // Without an answer where nobody reads.
        let _ = cancellation.run_until_cancelled(said).await;
    }

    async fn cell_closed(&self, cell_id: CellId) {
        if let Some(servers) = &self.servers {
            servers.cell_closed(cell_id).await;
        }
    }
}

impl CallEvents for Person {
    async fn ask(&self, question: Question, _cancellation: CancellationToken) -> Answer {
        Person::ask(self, &question).await
    }
}

/// The tools of a script: commands first, so that they keep their names. The sentences are about
/// tools of servers that are called otherwise than their own names say.
pub fn tools_of_run(
    commands: Vec<ToolDefinition>,
    servers: Option<&ToolSet>,
) -> (ToolSet, Vec<String>) {
    let of_servers: Vec<_> = servers.into_iter().flat_map(ToolSet::iter).collect();
    let definitions = of_servers.iter().map(|tool| tool.definition.clone());
    let missing = servers
        .into_iter()
        .flat_map(ToolSet::unavailable_namespaces);
    let tools = ToolSet::new(commands.into_iter().chain(definitions)).unavailable(missing);
    let named = tools
        .iter()
        .filter(|tool| tool.definition.namespace.is_some());
    let clashes = of_servers
        .iter()
        .zip(named)
        .filter(|(alone, here)| alone.global_name != here.global_name)
        .map(|(alone, here)| {
            format!(
                "tools.{} is a command; the server's tool of that name is tools.{}",
                alone.global_name, here.global_name
            )
        })
        .collect();
    (tools, clashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_keeps_its_name_and_the_servers_tool_is_said_to_have_another() {
        let commands = vec![ToolDefinition::function("git__log", "")];
        let log = ToolDefinition::function("log", "").namespace("git");
        let servers = ToolSet::new([log, ToolDefinition::function("diff", "").namespace("git")]);
        let (tools, clashes) = tools_of_run(commands, Some(&servers));
        let names: Vec<_> = tools.iter().map(|tool| tool.global_name.as_str()).collect();
        assert_eq!(names, ["git__log", "git__log_2", "git__diff"]);
        assert_eq!(
            clashes,
            ["tools.git__log is a command; the server's tool of that name is tools.git__log_2"]
        );
    }
}
