//! What a client's prompt holds: the servers' own tools, or `exec` and `wait` instead.

use std::path::Path;

use code_mode_mcp::policy::Policy;
use rmcp::model::Tool;
use serde_json::Value;

use super::client::{Identity, Revision};
use super::rig::{Rig, gateway, options};
use super::server::Server;

/// The servers whose tools are recorded beside the engine's tests.
const RECORDED: [&str; 5] = [
    "server-everything",
    "server-filesystem",
    "server-memory",
    "mcp-server-git",
    "mcp-server-time",
];

/// Budgets of the description of `exec`: the default, and a small one.
const BUDGETS: [usize; 2] = [8_000, 3_000];

/// What the gateway's own tools may take beside that: schemas, annotations and the description of `wait`.
const BESIDE: usize = 1_200;

fn recorded(server: &str) -> Vec<Tool> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../code-mode/tests/data/mcp-tools");
    let text = std::fs::read_to_string(folder.join(format!("{server}.json"))).unwrap();
    let listed: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(listed["tools"].clone()).unwrap()
}

/// Tokens of four bytes, of what a client hands on to its model.
fn tokens(tools: &[Tool]) -> usize {
    serde_json::to_string(tools).unwrap().len().div_ceil(4)
}

/// The tokens of the gateway's tools in front of these servers.
async fn ours(servers: &[Server], budget: usize) -> usize {
    let running: Vec<&Server> = servers.iter().collect();
    let mut options = options();
    options.description_tokens = Some(budget);
    let rig = Rig {
        gateway: gateway(&running, Policy::default(), options).await,
        server: Server::start("unused").await,
    };
    // One of the clients that are shown no output schemas.
    let identity = Identity::of(Revision::V2026_07_28).named("claude-code");
    let client = rig.client_as(identity).await;
    tokens(&client.service.list_all_tools().await.unwrap())
}

#[tokio::test]
async fn a_thousand_tools_cost_a_prompt_no_more_than_the_budget() {
    let five = vec![("git".to_owned(), recorded("mcp-server-git")[..5].to_vec())];
    let all = |copy: usize| RECORDED.map(|name| (format!("{name}-{copy}"), recorded(name)));
    let fifty: Vec<_> = all(1).into();
    let thousand: Vec<_> = (1..=20).flat_map(all).collect();

    println!("tools  the servers' own tools/list  ours, budget 8000  budget 3000");
    for servers in [five, fifty, thousand] {
        let count: usize = servers.iter().map(|(_, tools)| tools.len()).sum();
        let own: usize = servers.iter().map(|(_, tools)| tokens(tools)).sum();
        let mut running = Vec::new();
        for (name, tools) in servers {
            running.push(Server::with_tools(&name, tools).await);
        }
        let mut taken = [0; BUDGETS.len()];
        for (taken, budget) in taken.iter_mut().zip(BUDGETS) {
            *taken = ours(&running, budget).await;
            assert!(
                *taken <= budget + BESIDE,
                "{count} tools take {taken} tokens"
            );
            assert!(
                count < 50 || *taken < own,
                "{taken} tokens in place of {own}"
            );
        }
        println!("{count:>5}  {own:>27}  {:>17}  {:>11}", taken[0], taken[1]);
    }
}
