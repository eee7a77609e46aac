//! A client that writes JSON lines itself: for what the SDK's client never does.

use rmcp::model::CallToolResult;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio_util::sync::CancellationToken;

use super::rig::Rig;

pub struct RawClient {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    last_id: u64,
    /// Notifications that came before what was waited for.
    pub notifications: Vec<Value>,
}

impl RawClient {
    /// Connected, and past `initialize`.
    pub async fn connect(rig: &Rig) -> Self {
        Self::of_revision(rig, "2025-06-18").await
    }

    pub async fn of_revision(rig: &Rig, revision: &str) -> Self {
        let mut client = Self::open(rig);
        let initialize = json!({
            "protocolVersion": revision,
            "capabilities": {},
            "clientInfo": { "name": "raw", "version": "1" },
        });
        client.request("initialize", initialize).await;
        client
            .send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await;
        client
    }

    fn open(rig: &Rig) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let gateway = rig.gateway.clone();
        tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            gateway
                .serve_stream(read, write, CancellationToken::new())
                .await
        });
        let (read, write) = tokio::io::split(ours);
        Self {
            read: BufReader::new(read),
            write,
            last_id: 0,
            notifications: Vec::new(),
        }
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.write.write_all(line.as_bytes()).await.unwrap();
    }

    /// Sends a request and returns its result.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(request).await;
        loop {
            let mut line = String::new();
            self.read.read_line(&mut line).await.unwrap();
            let message: Value = serde_json::from_str(&line).expect("a JSON message a line");
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].clone();
            }
            self.notifications.push(message);
        }
    }

    /// Calls a tool without a progress token.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> CallToolResult {
        let params = json!({ "name": tool, "arguments": arguments });
        serde_json::from_value(self.request("tools/call", params).await).unwrap()
    }
}
