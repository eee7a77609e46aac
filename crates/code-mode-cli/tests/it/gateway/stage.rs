//! What most of these tests need: servers behind the command, the command as a script's or a client's
//! counterpart, and a server or the gateway itself over HTTP.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};

use crate::installed::{self, CommandLine};
use crate::support::{CODE_MODE, Ended, Place};

/// A folder of its own for one test, with the configuration of some servers in it.
pub struct Stage {
    pub place: Place,
    servers: Map<String, Value>,
    rest: Map<String, Value>,
}

impl Stage {
    pub fn new() -> Self {
        Self {
            place: Place::new(),
            servers: Map::new(),
            rest: Map::new(),
        }
    }

    pub fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    /// Adds a server on its standard streams.
    pub fn server(self, name: &str, server: &CommandLine) -> Self {
        self.server_with(name, server, json!({}))
    }

    /// The same with further keys in its entry.
    pub fn server_with(self, name: &str, server: &CommandLine, more: Value) -> Self {
        let mut entry = json!({ "command": server.program(), "args": server.args });
        let keys = entry.as_object_mut().expect("an object");
        keys.extend(more.as_object().cloned().unwrap_or_default());
        self.entry(name, entry)
    }

    /// Adds one of our hostile servers.
    pub fn hostile(self, name: &str, how: &str) -> Self {
        self.server(name, &installed::own("hostile.py").with([how]))
    }

    /// Adds a server by its whole entry.
    pub fn entry(mut self, name: &str, entry: Value) -> Self {
        self.servers.insert(name.to_owned(), entry);
        self
    }

    /// Adds keys of ours to the configuration.
    pub fn code_mode(mut self, keys: Value) -> Self {
        self.rest.insert("codeMode".to_owned(), keys);
        self
    }

    /// The configuration file.
    pub fn configuration(&self) -> PathBuf {
        let mut whole = self.rest.clone();
        whole.insert("mcpServers".to_owned(), self.servers.clone().into());
        self.place
            .write("servers.json", &Value::from(whole).to_string());
        self.place.path("servers.json")
    }

    /// `code-mode` with this subcommand, the configuration and further arguments, with folders for its
    /// state of its own.
    pub fn command(&self, subcommand: &[&str], arguments: &[&str]) -> Command {
        let mut command = self.place.command(subcommand);
        command
            .arg("--config")
            .arg(self.configuration())
            .args(arguments)
            .envs(self.environment());
        command
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        let folder = |name| self.place.path(name).display().to_string();
        [
            ("XDG_STATE_HOME", folder("state")),
            ("XDG_CONFIG_HOME", folder("config")),
        ]
    }

    /// `code-mode run` with this script, to its end.
    pub fn run(&self, script: &str) -> Ended {
        self.run_with(script, &[])
    }

    /// The same with further arguments.
    pub fn run_with(&self, script: &str, arguments: &[&str]) -> Ended {
        self.place.write("script.js", script);
        let output = self.command(&["run", "script.js"], arguments).output();
        output.expect("code-mode starts").into()
    }

    /// The texts that a script put out, each as JSON.
    #[track_caller]
    pub fn texts(&self, script: &str) -> Vec<Value> {
        let ended = self.run_with(script, &["--json"]).with(0);
        let response: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let items = response["content_items"].as_array().expect("items");
        items
            .iter()
            .map(|item| {
                let text = item["text"].as_str().expect("a text");
                serde_json::from_str(text).unwrap_or_else(|_| text.into())
            })
            .collect()
    }

    /// `code-mode mcp` on standard streams, as an entry of a client's configuration.
    pub fn as_server(&self, arguments: &[&str]) -> Value {
        let configuration = self.configuration().display().to_string();
        let mut args = vec!["mcp", "--config", &configuration];
        args.extend(arguments);
        let environment: Map<String, Value> = self
            .environment()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        json!({ "command": CODE_MODE, "args": args, "env": environment, "cwd": self.folder() })
    }

    /// `code-mode mcp --http` on a free port.
    pub fn over_http(&self, arguments: &[&str]) -> Listening {
        let mut command = self.command(&["mcp"], arguments);
        command.args(["--http", "127.0.0.1:0"]);
        Listening::that_says_where(command).expect("the gateway says where it listens")
    }
}

/// A process that serves HTTP. It is ended when this is dropped.
pub struct Listening {
    child: Child,
    /// The endpoint.
    pub url: String,
}

impl Listening {
    /// The server that shows all that servers can do.
    pub fn everything() -> Self {
        // Whoever takes the port between our look and the server's, the server ends: once more then.
        loop {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = free.local_addr().expect("its address").port();
            drop(free);
            let mut command = installed::everything_http().command();
            command.env("PORT", port.to_string()).stdout(Stdio::null());
            let started = Self::start(command, |line| {
                line.contains("listening on port")
                    .then(|| format!("http://127.0.0.1:{port}/mcp"))
            });
            if let Some(started) = started {
                return started;
            }
        }
    }

    /// A server that says a URL on standard error when it can be reached.
    pub fn that_says_where(command: Command) -> Option<Self> {
        Self::start(command, |line| {
            let address = line.split("http://").nth(1)?;
            let end = address.find(|c: char| !(c.is_ascii_alphanumeric() || ".:/".contains(c)));
            Some(format!(
                "http://{}",
                &address[..end.unwrap_or(address.len())]
            ))
        })
    }

    /// Starts a server and waits for the line of its standard error in which `endpoint` finds where it
    /// listens; `None` if it ends without one.
    fn start(mut command: Command, endpoint: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            eprintln!("{line}");
            endpoint(&line)
        });
        let Some(url) = url else {
            child.wait().expect("it has ended");
            return None;
        };
        // Ends with the process, whose standard error it empties.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self { child, url })
    }

    /// Ends it with SIGTERM and waits for its end.
    pub fn terminate(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it still runs");
        self.child.wait().expect("it can be waited for").code()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Politely, so that it ends its own children; it may have ended already.
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

/// What a client written with the Python SDK sees of this server: see `sdk_client.py` for the plan.
#[track_caller]
pub fn sdk_client(server: &Value, mode: &str, plan: Value) -> Value {
    let mut whole = json!({ "server": server, "mode": mode });
    let keys = whole.as_object_mut().expect("an object");
    keys.extend(plan.as_object().cloned().unwrap_or_default());
    let output = installed::own("sdk_client.py")
        .with([whole.to_string()])
        .command()
        .output()
        .expect("the client starts");
    let ended = Ended::from(output).with(0);
    serde_json::from_str(&ended.stdout).expect("the client prints JSON")
}
