//! `code-mode tools`: what the configured servers offer, as a table, as JSON or as declarations.

use std::io;
use std::sync::Arc;

use code_mode::{Tool, build_type_declarations};
use code_mode_mcp::policy::Action;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::arguments::servers::ToolsArguments;
use crate::diagnostics;
use crate::exit::Exit;
use crate::output;
use crate::servers::{self, Awaited, NoServers, NothingPrinted, Servers};
use crate::status::Status;
use crate::terminal::{self, fit, pad, visible};

/// The most tools that a search lists.
const MAX_FOUND: usize = 20;

/// The least columns a description is given, however long the names are.
const LEAST_DESCRIPTION: usize = 20;

/// Connects to all servers and prints what they offer.
pub fn list(arguments: ToolsArguments) -> Result<Exit, NothingPrinted> {
    servers::until_signal(connect_and_print(arguments))
}

async fn connect_and_print(arguments: ToolsArguments) -> Result<Exit, NoServers> {
    let status = Status::default();
    let drawing = status.draw();
    let servers = Servers::connect(&arguments.servers, Awaited::All, &status).await?;
    drop(drawing);
    servers.say_what_is_missing().await;
    let text = if arguments.types {
        build_type_declarations(servers.tools())
    } else {
        let rows = rows(&servers, arguments.search.as_deref());
        if let Some(nothing) = nothing(&rows, arguments.search.as_deref()) {
            diagnostics::say(&nothing).await;
        }
        if arguments.json {
            document(&rows)
        } else {
            table(&rows, terminal::columns(&io::stdout()))
        }
    };
    let printed = output::print_over_status(&text).await;
    let some_are_missing = servers.missing().next().is_some();
    servers.shutdown().await;
    Ok(match printed {
        Exit::Success if some_are_missing => Exit::Failure,
        printed => printed,
    })
}

/// One tool of the listing.
struct Row {
    server: String,
    tool: Arc<Tool>,
    action: Action,
}

/// All tools by server and name, or those that a search finds, the best first.
fn rows(servers: &Servers, search: Option<&str>) -> Vec<Row> {
    let tools: Vec<Arc<Tool>> = match search {
        Some(search) => {
            // Fails only where a server is named that is none.
            let found = servers.tools().search(search, None, MAX_FOUND);
            found.unwrap_or_default().into_iter().cloned().collect()
        }
        None => servers.tools().iter().cloned().collect(),
    };
    let row = |tool: Arc<Tool>| {
        let (server, name) = servers.catalogue.route(&tool.definition)?;
        let action = servers.configuration.policy.action(server, name);
        Some(Row {
            server: server.to_owned(),
            tool,
            action,
        })
    };
    tools.into_iter().filter_map(row).collect()
}

impl Row {
    /// What a call may do, as the server says, and whether a person is asked first.
    fn access(&self) -> String {
        let hint = |name| {
            let annotations = self.tool.definition.annotations.as_ref()?;
            annotations.get(name)?.as_bool()
        };
        let access = match (hint("readOnlyHint"), hint("destructiveHint")) {
            (Some(true), _) => "read-only",
            (_, Some(true)) => "destructive",
            (_, Some(false)) => "additive",
            _ => "",
        };
        match (access, self.action) {
            ("", Action::Ask) => "asks".to_owned(),
            (access, Action::Ask) => format!("{access}, asks"),
            (access, _) => access.to_owned(),
        }
    }

    fn json(&self) -> Value {
        let definition = &self.tool.definition;
        json!({
            "server": self.server,
            "tool": definition.name,
            "name": self.tool.global_name,
            "description": definition.description,
            "annotations": definition.annotations,
            "policy": match self.action {
                Action::Allow => "allow",
                Action::Ask => "ask",
                Action::Deny => "deny",
            },
            "inputSchema": definition.input_schema,
            "outputSchema": definition.output_schema,
            "outputSchemaObserved": definition.observed_output,
        })
    }
}

fn document(rows: &[Row]) -> String {
    let array: Vec<Value> = rows.iter().map(Row::json).collect();
    format!("{:#}\n", Value::from(array))
}

/// What is to be said where there is no row.
fn nothing(rows: &[Row], search: Option<&str>) -> Option<String> {
    match (rows, search) {
        ([], Some(search)) => Some(format!("no tool fits {search:?}")),
        ([], None) => Some("there is no tool".to_owned()),
        _ => None,
    }
}

/// The table, in so many columns; as wide as it is where nobody sees an edge.
fn table(rows: &[Row], columns: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let titles = ["SERVER", "TOOL", "ACCESS", "DESCRIPTION"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        [
            visible(&row.server),
            visible(&row.tool.definition.name),
            row.access(),
            visible(first_line(&row.tool.definition.description)),
        ]
    });
    let lines: Vec<[String; 4]> = std::iter::once(titles).chain(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].width()).max();
    let widths = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    // Two spaces between columns.
    let before = widths.iter().sum::<usize>() + 2 * widths.len();
    let room = columns.map(|columns| columns.saturating_sub(before).max(LEAST_DESCRIPTION));
    let mut table = String::new();
    for [server, tool, access, description] in &lines {
        let description = match room {
            Some(room) => fit(description, room),
            None => description.clone(),
        };
        let line = format!(
            "{}  {}  {}  {description}",
            pad(server, widths[0]),
            pad(tool, widths[1]),
            pad(access, widths[2]),
        );
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

fn first_line(description: &str) -> &str {
    description.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use code_mode::{ToolDefinition, ToolSet};

    use super::*;

    fn row(name: &str, description: &str, annotations: Value, action: Action) -> Row {
        let definition = ToolDefinition::function(name, description)
            .namespace("mcp__files")
            .annotations(annotations);
        let tools = ToolSet::new([definition]);
        let tool = tools.iter().next().unwrap().clone();
        let server = "files".to_owned();
        Row {
            server,
            tool,
            action,
        }
    }

    #[test]
    fn a_table_fits_its_terminal_and_obeys_nobody() {
        let read = json!({ "readOnlyHint": true, "destructiveHint": true });
        let rows = [
            row("read", "\n Reads a file.\nMore.", read, Action::Allow),
            row(
                "write",
                "日本語の説明文を\x1b[2J",
                json!({ "destructiveHint": true }),
                Action::Ask,
            ),
            row(
                "touch",
                "",
                json!({ "destructiveHint": false }),
                Action::Allow,
            ),
            row("list", "Lists.", json!({}), Action::Ask),
        ];
        assert_eq!(
            table(&rows, Some(56)),
            "\
SERVER  TOOL   ACCESS             DESCRIPTION
files   read   read-only          Reads a file.
files   write  destructive, asks  日本語の説明文を\\u{1b…
files   touch  additive
files   list   asks               Lists.
"
        );
        assert!(table(&rows, None).contains("日本語の説明文を\\u{1b}[2J\n"));
    }
}
