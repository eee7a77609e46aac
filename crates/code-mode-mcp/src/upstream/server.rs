//! One server: the task that keeps it connected, and the way from a call to its connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use code_mode::ToolDefinition;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::{Backoff, LEAST};
use super::call::{CallError, UpstreamCall};
use super::catalogue::ServerState;
use super::connection::{Connection, Lifecycle, Line, Outcome};
use super::learned::{Learned, ServerVersion};
use super::process::LastWords;
use super::tools::Listed;
use super::words::harmless;
use crate::config::Redactor;
use crate::config::ServerConfig;

/// A configured server. Shared by its task, which alone changes it, and by calls.
pub(super) struct Server {
    pub(super) config: ServerConfig,
    /// The namespace of its tools.
    pub(super) namespace: String,
    pub(super) redactor: Redactor,
    last_words: LastWords,
    /// Where calls find the connection.
    link: watch::Sender<Link>,
    /// Woken by a call that finds the server lost.
    wanted: Notify,
    learned: Arc<Learned>,
    /// What the catalogue is made of.
    known: Mutex<Known>,
}

/// What is known of a server.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) state: ServerState,
    /// All tools it lists; those of the last connection while it is lost.
    listed: Arc<Vec<ToolDefinition>>,
    /// The same with the types that were learned.
    pub(super) tools: Arc<Vec<ToolDefinition>>,
    /// The version it gives itself.
    version: String,
}

/// Whether there is a connection.
#[derive(Clone)]
enum Link {
    /// One is being made.
    Connecting,
    Up(Arc<Line>),
    /// The one there was is being closed.
    Closing,
    /// The last attempt failed, or the connection was lost.
    Down {
        why: String,
        next: Instant,
    },
    /// For good.
    Closed,
}

impl Server {
    pub(super) fn new(config: ServerConfig, namespace: String, learned: Arc<Learned>) -> Self {
        Self {
            redactor: Redactor::new([&config]),
            config,
            namespace,
            last_words: LastWords::default(),
            link: watch::Sender::new(Link::Connecting),
            wanted: Notify::new(),
            learned,
            known: Mutex::new(Known {
                state: ServerState::Connecting,
                listed: Arc::default(),
                tools: Arc::default(),
                version: String::new(),
            }),
        }
    }

    /// What is known now.
    pub(super) fn known(&self) -> Known {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a tool, over the connection there is or the next one.
    pub(super) async fn call(&self, call: &UpstreamCall) -> Result<Value, CallError> {
        let line = self.line(call, None).await?;
        match line.call(call, self.config.tool_timeout).await {
            Outcome::Done(result) => result,
            Outcome::NotSent => {
                let line = self.line(call, Some(&line)).await?;
                match line.call(call, self.config.tool_timeout).await {
                    Outcome::Done(result) => result,
                    Outcome::NotSent => Err(CallError::Failed {
                        server: call.server.clone(),
                        tool: call.tool.clone(),
                        why: "the server took it neither on the connection there was nor on a new \
                              one; the tool was not called"
                            .to_owned(),
                    }),
                }
            }
        }
    }

    /// The connection, another one than `dead`. Where there is none, waits for one attempt to make it.
    async fn line(
        &self,
        call: &UpstreamCall,
        dead: Option<&Arc<Line>>,
    ) -> Result<Arc<Line>, CallError> {
        let mut link = self.link.subscribe();
        let mut tried = false;
        loop {
            let current = link.borrow_and_update().clone();
            match current {
                Link::Up(line) if !dead.is_some_and(|dead| Arc::ptr_eq(dead, &line)) => {
                    return Ok(line);
                }
                // Its task will see that it is dead, and then say when another one is made.
                Link::Up(_) | Link::Closing => {}
                Link::Connecting => tried = true,
                Link::Down { why, next } if tried => return Err(not_connected(call, why, next)),
                Link::Down { .. } => {
                    tried = true;
                    self.wanted.notify_one();
                }
                Link::Closed => return Err(shut_down(call)),
            }
            tokio::select! {
                changed = link.changed() => {
                    if changed.is_err() {
                        return Err(shut_down(call));
                    }
                }
                () = call.cancellation.cancelled() => {
                    return Err(CallError::Cancelled {
                        server: call.server.clone(),
                        tool: call.tool.clone(),
                    });
                }
            }
        }
    }

    /// The server's task. Ends when `stop` fires, with the connection closed and the child gone.
    /// `publish` is called whenever something known of the server has changed.
    pub(super) async fn run(&self, stop: CancellationToken, publish: impl Fn()) {
        let mut backoff = Backoff::default();
        let mut lifecycle = Lifecycle::default();
        loop {
            self.link.send_replace(Link::Connecting);
            let started = Instant::now();
            let attempt = stop.run_until_cancelled(self.connect(&mut lifecycle));
            let why = match attempt.await {
                None => break,
                Some(Ok((connection, tools))) => {
                    self.connected(&connection, tools).await;
                    publish();
                    self.link
                        .send_replace(Link::Up(Arc::clone(&connection.line)));
                    let lost = self.stay(&connection, &stop, &publish).await;
                    if stop.is_cancelled() {
                        // Calls in flight hear that the connection is gone; new ones that all is over.
                        self.link.send_replace(Link::Closed);
                    } else {
                        // Calls that come now wait for the next connection.
                        self.link.send_replace(Link::Closing);
                        stop.run_until_cancelled(connection.line.session.refusals())
                            .await;
                    }
                    let end = connection.close().await;
                    if stop.is_cancelled() {
                        break;
                    }
                    match end {
                        Some(end) => format!("{lost}; {end}"),
                        None => lost,
                    }
                }
                Some(Err(why)) => why,
            };
            let delay = backoff.after_failure(started.elapsed());
            tracing::warn!(
                server = self.config.name,
                why,
                ?delay,
                "a server is not connected"
            );
            self.lock().state = ServerState::Lost { why: why.clone() };
            publish();
            let next = Instant::now() + delay;
            self.link.send_replace(Link::Down { why, next });
            if stop
                .run_until_cancelled(self.until_next(delay))
                .await
                .is_none()
            {
                break;
            }
        }
        self.link.send_replace(Link::Closed);
    }

    /// Waits out the delay, or the least one if a call wants the server.
    async fn until_next(&self, delay: Duration) {
        let least = tokio::time::sleep(LEAST);
        tokio::pin!(least);
        let wanted = async {
            self.wanted.notified().await;
            least.await;
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = wanted => {}
        }
    }

    async fn connect(&self, lifecycle: &mut Lifecycle) -> Result<(Connection, Listed), String> {
        let timeout = self.config.startup_timeout;
        let attempt = tokio::time::timeout(timeout, self.attempt(lifecycle));
        match attempt.await {
            Ok(done) => done,
            Err(_) => {
                let mut why = format!(
                    "it did not answer within {} s, the time-out for its start",
                    timeout.as_secs_f64()
                );
                if let Some(words) = self.last_words.text() {
                    why = format!("{why}; it last wrote:\n{words}");
                }
                Err(why)
            }
        }
    }

    async fn attempt(&self, lifecycle: &mut Lifecycle) -> Result<(Connection, Listed), String> {
        let tried = std::mem::take(lifecycle);
        let mut opened = self.open(tried).await;
        if tried == Lifecycle::Newest
            && let Err(error) = &opened
            && error.may_be_older
        {
            // It may be one that takes anything but `initialize` for a reason to leave.
            opened = self.open(Lifecycle::Initialize).await;
        }
        let connection = opened.map_err(|error| error.why)?;
        let listed = match connection.line.list_tools().await {
            Ok(listed) => listed,
            Err(why) => {
                let why = format!("its tools cannot be listed: {why}");
                return Err(match connection.close().await {
                    Some(end) => format!("{why}; {end}"),
                    None => why,
                });
            }
        };
        if connection.line.info.protocol_version.has_initialize() {
            // Spares it the question next time, and us its silence if it is one that does not answer.
            *lifecycle = Lifecycle::Initialize;
        }
        Ok((connection, listed))
    }

    async fn open(
        &self,
        lifecycle: Lifecycle,
    ) -> Result<Connection, super::connection::ConnectError> {
        Connection::open(&self.config, &self.redactor, &self.last_words, lifecycle).await
    }

    async fn connected(&self, connection: &Connection, listed: Listed) {
        let info = &connection.line.info;
        let version = info.server_info.as_ref();
        let version = version.map_or_else(String::new, |info| info.version.clone());
        let listed = Arc::new(listed.definitions(&self.config.name, &self.namespace));
        tracing::info!(
            server = self.config.name,
            protocol = info.protocol_version.as_str(),
            tools = listed.len(),
            "a server is connected"
        );
        let learned = Arc::clone(&self.learned);
        let of = self.with_version(&version);
        // It logs what goes wrong with it, and what is learned is no reason to fail.
        let _ = tokio::task::spawn_blocking(move || learned.load(&of)).await;
        *self.lock() = Known {
            state: ServerState::Connected {
                instructions: info.instructions.as_deref().map(harmless),
                protocol: info.protocol_version.as_str().to_owned(),
                tools: listed.len(),
            },
            tools: Arc::clone(&listed),
            listed,
            version,
        };
        self.apply_learned();
    }

    fn with_version(&self, version: &str) -> ServerVersion {
        ServerVersion {
            server: self.config.name.clone(),
            version: version.to_owned(),
        }
    }

    /// Gives the tools the types that are learned by now.
    pub(super) fn apply_learned(&self) {
        let mut known = self.lock();
        let mut schemas = self.learned.schemas(&self.with_version(&known.version));
        if schemas.is_empty() {
            return;
        }
        let tools = known.listed.iter().map(|tool| {
            let tool = tool.clone();
            match schemas.remove(&tool.name) {
                Some(schema) if tool.output_schema.is_none() => tool.observed_output_schema(schema),
                _ => tool,
            }
        });
        let tools: Vec<ToolDefinition> = tools.collect();
        if *known.tools != tools {
            known.tools = Arc::new(tools);
        }
    }

    /// Learns from what a tool without an output schema gave.
    pub(super) fn observe(&self, tool: &str, value: &Value) {
        let version = self.lock().version.clone();
        self.learned
            .observe(&self.with_version(&version), tool, value);
    }

    /// Follows the server's changes until the connection is lost, and says why it was.
    async fn stay(
        &self,
        connection: &Connection,
        stop: &CancellationToken,
        publish: &impl Fn(),
    ) -> String {
        let follow = async {
            connection.follow_changes().await;
            std::future::pending::<()>().await;
        };
        let relist = async {
            loop {
                connection.tools_changed.notified().await;
                self.list_again(connection).await;
                publish();
            }
        };
        tokio::select! {
            () = connection.ended.cancelled() => "the connection was lost".to_owned(),
            loss = connection.line.session.lost() => loss.describe().to_owned(),
            () = stop.cancelled() => "shutdown".to_owned(),
            () = follow => unreachable!("it pends for ever"),
            () = relist => unreachable!("it loops for ever"),
        }
    }

    async fn list_again(&self, connection: &Connection) {
        let name = &self.config.name;
        let listed =
            tokio::time::timeout(self.config.startup_timeout, connection.line.list_tools());
        match listed.await {
            Ok(Ok(listed)) => self.connected(connection, listed).await,
            Ok(Err(why)) => tracing::warn!(server = name, why, "changed tools cannot be listed"),
            Err(_) => tracing::warn!(server = name, "changed tools were not listed in time"),
        }
    }
}

fn not_connected(call: &UpstreamCall, why: String, next: Instant) -> CallError {
    let wait = next.saturating_duration_since(Instant::now());
    let next = match wait.as_secs_f64().ceil() {
        seconds if seconds < 1.0 => "under way".to_owned(),
        seconds => format!("in {seconds} s"),
    };
    CallError::NotConnected {
        server: call.server.clone(),
        tool: call.tool.clone(),
        why,
        next,
    }
}

fn shut_down(call: &UpstreamCall) -> CallError {
    CallError::ShutDown {
        server: call.server.clone(),
        tool: call.tool.clone(),
    }
}
