//! The servers that everybody has, over either transport.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::upstream::{CallError, Elicit, ServerState, Upstream};
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use super::support::{call, called, catalogue, connected, in_time, stdio, stdio_with, text_of};
use crate::installed;

/// The server `everything` over HTTP; it ends when this is dropped.
struct EverythingHttp {
    child: Child,
    port: u16,
    config: ServerConfig,
}

impl EverythingHttp {
    async fn start() -> Self {
        // A port that was free a moment ago: the server does not say which one it got.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let url = format!("http://127.0.0.1:{port}/mcp");
        let headers = Default::default();
        Self {
            child: listening(port).await,
            port,
            config: ServerConfig::new("everything", Transport::Http { url, headers }),
        }
    }

    /// Kills the process and starts another one at the same port, which knows nothing of the first.
    async fn restart(&mut self) {
        self.child.kill().await.unwrap();
        self.child = listening(self.port).await;
    }
}

async fn listening(port: u16) -> Child {
    let server = installed::everything_http();
    let mut child = Command::new(&server.program)
        .args(&server.args)
        .env("PORT", port.to_string())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    in_time(async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("listening on port") {
                return;
            }
        }
        panic!("the server ended");
    })
    .await;
    // Somebody must go on reading, or the server's writes fail.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

/// Answers questions with a name.
struct Ada;

impl Elicit for Ada {
    fn elicit(
        &self,
        _question: ElicitRequestParams,
    ) -> Pin<Box<dyn Future<Output = ElicitResult> + Send + '_>> {
        let answer = ElicitResult::new(ElicitationAction::Accept);
        Box::pin(std::future::ready(
            answer.with_content(json!({ "name": "Ada" })),
        ))
    }
}

fn is_connected(upstream: &Upstream) {
    for server in &upstream.catalogue().servers {
        assert!(
            matches!(server.state, ServerState::Connected { .. }),
            "{server:?}"
        );
    }
}

async fn everything_works(config: ServerConfig) {
    let upstream = connected([config]).await;
    is_connected(&upstream);
    let server = "everything";
    let echo = text_of(&upstream, server, "echo", json!({ "message": "hi" })).await;
    assert_eq!(echo, "Echo: hi");

    let sum = called(&upstream, server, "get-sum", json!({ "a": 1, "b": 2 }))
        .await
        .unwrap();
    assert!(
        sum["content"][0]["text"].as_str().unwrap().contains('3'),
        "{sum}"
    );

    let arguments = json!({ "location": "New York" });
    let weather = called(&upstream, server, "get-structured-content", arguments)
        .await
        .unwrap();
    assert!(
        weather["structuredContent"]["temperature"].is_number(),
        "{weather}"
    );

    let image = called(&upstream, server, "get-tiny-image", json!({}))
        .await
        .unwrap();
    let content = image["content"].as_array().unwrap();
    assert!(
        content.iter().any(|block| block["type"] == "image"),
        "{image}"
    );

    let arguments = json!({ "messageType": "error", "includeImage": false });
    let annotated = called(&upstream, server, "get-annotated-message", arguments)
        .await
        .unwrap();
    let priority = &annotated["content"][0]["annotations"]["priority"];
    assert_eq!(priority.as_f64(), Some(1.0), "{annotated}");

    let links = called(
        &upstream,
        server,
        "get-resource-links",
        json!({ "count": 2 }),
    )
    .await;
    let links = links.unwrap();
    let content = links["content"].as_array().unwrap();
    assert!(
        content.iter().any(|block| block["type"] == "resource_link"),
        "{links}"
    );

    let heard: Arc<Mutex<Vec<f64>>> = Arc::default();
    let hearing = Arc::clone(&heard);
    let arguments = json!({ "duration": 1, "steps": 3 });
    let long = call(server, "trigger-long-running-operation", arguments)
        .on_progress(move |progress| hearing.lock().unwrap().push(progress.progress));
    in_time(upstream.call(long)).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), [1.0, 2.0, 3.0]);

    let asking = call(server, "trigger-elicitation-request", json!({})).elicit(Arc::new(Ada));
    let asked = in_time(upstream.call(asking)).await.unwrap();
    assert!(asked.to_string().contains("Name: Ada"), "{asked}");

    let wrong = called(&upstream, server, "get-sum", json!({ "a": "x" })).await;
    let wrong = wrong.map_or_else(|error| error.to_string(), |result| result.to_string());
    assert!(wrong.contains("nvalid"), "{wrong}");
    upstream.shutdown().await;
}

#[tokio::test]
async fn everything_works_over_stdio() {
    everything_works(stdio("everything", installed::everything())).await;
}

#[tokio::test]
async fn everything_works_over_http() {
    let server = EverythingHttp::start().await;
    everything_works(server.config.clone()).await;
}

#[tokio::test]
async fn an_http_server_that_went_away_is_lost_in_words() {
    let server = EverythingHttp::start().await;
    let upstream = connected([server.config.clone()]).await;
    is_connected(&upstream);
    drop(server);
    let error = called(&upstream, "everything", "echo", json!({ "message": "hi" })).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("server everything is not connected: ")
            || error.starts_with("the connection to server everything was lost"),
        "{error}"
    );
    upstream.shutdown().await;
}

/// Calls `echo`. The server is there; an attempt to connect it may have failed a moment before it was.
async fn echoes(upstream: &Upstream) {
    let arguments = || json!({ "message": "hi" });
    let first = called(upstream, "everything", "echo", arguments()).await;
    let echo = match first {
        Ok(echo) => echo,
        Err(CallError::NotConnected { .. }) => {
            until_connected(upstream).await;
            let second = called(upstream, "everything", "echo", arguments()).await;
            second.unwrap()
        }
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(echo["content"][0]["text"], "Echo: hi");
}

async fn until_connected(upstream: &Upstream) {
    catalogue(upstream, |now| {
        matches!(now.servers[0].state, ServerState::Connected { .. })
    })
    .await;
}

#[tokio::test]
async fn an_http_server_that_restarts_during_a_call_loses_it_in_words_and_works_again() {
    let mut server = EverythingHttp::start().await;
    let upstream = connected([server.config.clone()]).await;
    let begun = Arc::new(Notify::new());
    let hears = Arc::clone(&begun);
    let arguments = json!({ "duration": 600, "steps": 6_000 });
    let long = call("everything", "trigger-long-running-operation", arguments)
        .on_progress(move |_| hears.notify_one());
    let restart = async {
        begun.notified().await;
        server.restart().await;
    };
    let (ended, ()) = in_time(async { tokio::join!(upstream.call(long), restart) }).await;
    assert_eq!(
        ended.unwrap_err().to_string(),
        "the connection to server everything was lost during the call of tool \
         trigger-long-running-operation; whether it took effect is not known"
    );
    echoes(&upstream).await;
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_http_server_that_restarted_while_nobody_called_is_called_as_ever() {
    let mut server = EverythingHttp::start().await;
    let upstream = connected([server.config.clone()]).await;
    echoes(&upstream).await;
    server.restart().await;
    echoes(&upstream).await;
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_http_server_that_goes_away_while_nobody_calls_is_noticed_and_connected_again() {
    let mut server = EverythingHttp::start().await;
    let upstream = connected([server.config.clone()]).await;
    is_connected(&upstream);
    server.child.kill().await.unwrap();
    catalogue(&upstream, |now| {
        matches!(now.servers[0].state, ServerState::Lost { .. })
    })
    .await;
    server.restart().await;
    until_connected(&upstream).await;
    echoes(&upstream).await;
    upstream.shutdown().await;
}

#[tokio::test]
async fn files_are_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let upstream = connected([stdio("files", installed::filesystem(&root))]).await;
    is_connected(&upstream);
    let path = root.join("a.txt");
    let path = path.to_str().unwrap();
    let written = json!({ "path": path, "content": "one\ntwo\n" });
    called(&upstream, "files", "write_file", written)
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "one\ntwo\n");
    let text = text_of(
        &upstream,
        "files",
        "read_text_file",
        json!({ "path": path }),
    )
    .await;
    assert_eq!(text, "one\ntwo\n");
    let outside = called(
        &upstream,
        "files",
        "read_text_file",
        json!({ "path": "/etc/passwd" }),
    );
    assert_eq!(outside.await.unwrap()["isError"], true);
    let catalogue = upstream.catalogue();
    let listed: Vec<_> = catalogue.listing().collect();
    let read = listed
        .iter()
        .find(|tool| tool.tool.definition.name == "read_text_file")
        .unwrap();
    assert_eq!((read.server, read.read_only), ("files", Some(true)));
    let write = listed
        .iter()
        .find(|tool| tool.tool.definition.name == "write_file")
        .unwrap();
    assert_eq!(write.destructive, Some(true));
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_graph_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graph.json");
    let file = [("MEMORY_FILE_PATH", file.to_str().unwrap())];
    let upstream = connected([stdio_with("memory", installed::memory(), file)]).await;
    is_connected(&upstream);
    let ada = json!({ "name": "Ada", "entityType": "person", "observations": ["counts"] });
    let made = json!({ "entities": [ada] });
    called(&upstream, "memory", "create_entities", made)
        .await
        .unwrap();
    let graph = called(&upstream, "memory", "read_graph", json!({}))
        .await
        .unwrap();
    assert_eq!(
        graph["structuredContent"]["entities"],
        json!([ada]),
        "{graph}"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_repository_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let git = std::process::Command::new("git")
        .args(["init", "--quiet", "--initial-branch", "trunk"])
        .current_dir(folder.path())
        .status();
    assert!(git.unwrap().success());
    std::fs::write(folder.path().join("new.txt"), "x").unwrap();
    let upstream = connected([stdio("git", installed::git(folder.path()))]).await;
    is_connected(&upstream);
    let path = json!({ "repo_path": folder.path() });
    let status = text_of(&upstream, "git", "git_status", path).await;
    assert!(
        status.contains("On branch trunk") && status.contains("new.txt"),
        "{status}"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn the_time_is_told() {
    let upstream = connected([stdio("time", installed::time())]).await;
    is_connected(&upstream);
    let zone = json!({ "timezone": "Europe/Berlin" });
    let time = text_of(&upstream, "time", "get_current_time", zone).await;
    let time: Value = serde_json::from_str(&time).unwrap();
    assert_eq!(time["timezone"], "Europe/Berlin");
    upstream.shutdown().await;
}
