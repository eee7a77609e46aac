//! `code-mode run`: one script from its start to its end, or to what ends it from outside.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use code_mode::{
    CellId, ExecuteError, ExecuteRequest, RuntimeResponse, Session, WaitError, WaitRequest,
    WaitUntil, standby, worker,
};

use code_mode_mcp::audit::{AuditLog, AuditUnwritable};

use crate::arguments::RunArguments;
use crate::check::{self, CheckError};
use crate::command_tool::{CANCELLATION_GRACE, Commands};
use crate::diagnostics;
use crate::exit::Exit;
use crate::host::{RunHost, tools_of_run};
use crate::media::{Media, UnwritableMedia};
use crate::output::{self, Format, Output, OutputError};
use crate::person::Person;
use crate::script::{self, UnreadableScript};
use crate::servers::{Awaited, NoServers, Servers};
use crate::signals::{Signal, Signals};
use crate::status::{Drawing, Status};
use crate::store::{self, StoreError};

/// How long the end of a run waits for somebody to read what is said about it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Script(#[from] UnreadableScript),
    #[error(transparent)]
    Servers(#[from] NoServers),
    #[error(transparent)]
    Audit(#[from] AuditUnwritable),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Media(#[from] UnwritableMedia),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Runs a script and says how it ended.
pub fn run(arguments: RunArguments) -> Result<Exit, RunError> {
    let source = script::read(&arguments.script)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let exit = runtime.block_on(start_and_watch(source, arguments));
    // Not waited for: after a second Ctrl-C a write to standard output may still be stuck.
    runtime.shutdown_background();
    exit
}

async fn start_and_watch(source: String, arguments: RunArguments) -> Result<Exit, RunError> {
    // There will be one script.
    standby::configure(standby::Options::none());
    let isolation = arguments
        .isolation
        .isolation(worker::Options::default().warm(0));
    let mut signals = Signals::listen()?;
    let status = Status::default();
    // A document at the end is for programs, which are not to be disturbed.
    let drawing = if arguments.json { None } else { status.draw() };
    let person = Arc::new(Person::new());
    let servers = tokio::select! {
        biased;
        signal = signals.next() => return Ok(Exit::Signalled(signal)),
        servers = Servers::connect_for_script(&arguments.servers, Awaited::Mentioned(&source), &status) => servers?,
    };
    let (commands, definitions) = Commands::new(arguments.tools);
    let (tools, clashes) = tools_of_run(definitions, servers.as_ref().map(Servers::tools));
    for clash in clashes {
        diagnostics::say(&clash).await;
    }
    if arguments.check {
        check::check(&arguments.script, &source, &tools)?;
    }
    let stored_values = match &arguments.store {
        Some(path) => store::load(path)?,
        None => Default::default(),
    };
    let format = if arguments.json {
        Format::Json {
            items: Vec::new(),
            bytes: 0,
        }
    } else {
        Format::Text(Media::new(arguments.out)?)
    };
    let audit = arguments.audit.open()?;
    let of_servers = servers
        .as_ref()
        .map(|servers| servers.host(person.clone(), audit.clone()));
    let session = Session::builder()
        .isolation(isolation)
        .limits(arguments.limits.limits())
        .stored_values(stored_values)
        .cancellation_grace(CANCELLATION_GRACE)
        .build(RunHost::new(commands, of_servers, status));
    // Its first answer would come at a yield; `follow` wants every piece of output.
    let cell_id = session
        .start(ExecuteRequest::new(source).enabled_tools(tools))?
        .cell_id();
    let mut run = Run {
        session,
        cell_id,
        servers,
        audit,
        output: Output::new(format),
        store: arguments.store,
        end: None,
        store_lost: false,
        _drawing: drawing,
    };
    let followed = tokio::select! {
        biased;
        signal = signals.next() => Err(Interruption::Signal(signal)),
        after = elapsed(arguments.timeout, &person) => Err(Interruption::Timeout { after }),
        followed = run.follow() => followed,
    };
    Ok(tokio::select! {
        biased;
        signal = signals.next() => Exit::SignalledAgain(signal),
        exit = run.finish(followed) => exit,
    })
}

/// Waits for the time span, in which no person was being asked, and answers with it; for ever, where
/// there is none.
async fn elapsed(span: Option<Duration>, person: &Person) -> Duration {
    let Some(span) = span else {
        return std::future::pending().await;
    };
    person.time_without_questions(span).await;
    span
}

/// What ends a run before its script does.
#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error("{0}; ending the script (once more to exit at once)")]
    Signal(Signal),
    #[error("the script took longer than {} s; ending it", after.as_secs_f64())]
    Timeout { after: Duration },
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Cell(#[from] WaitError),
}

impl Interruption {
    fn exit(&self) -> Exit {
        match self {
            Self::Signal(signal) => Exit::Signalled(*signal),
            Self::Output(OutputError::Closed) => Exit::PipeClosed,
            Self::Timeout { .. } | Self::Output(_) | Self::Cell(_) => Exit::Failure,
        }
    }

    /// Whether standard output is lost, so that nothing more can be written.
    fn lost_stdout(&self) -> bool {
        matches!(
            self,
            Self::Output(OutputError::Closed | OutputError::Unwritable(_))
        )
    }
}

/// One script under way.
struct Run {
    session: Session,
    cell_id: CellId,
    /// The servers whose tools the script has, if any.
    servers: Option<Servers>,
    /// The log of their calls, if one is wanted.
    audit: Option<AuditLog>,
    output: Output,
    store: Option<PathBuf>,
    /// The cell's last answer, without its items.
    end: Option<RuntimeResponse>,
    /// Whether the new stored values could not be saved.
    store_lost: bool,
    /// Keeps the status line up to date.
    _drawing: Option<Drawing>,
}

impl Run {
    /// Writes what the script puts out until it has ended. May be dropped anywhere.
    async fn follow(&mut self) -> Result<(), Interruption> {
        while self.end.is_none() {
            let request = WaitRequest::new(self.cell_id)
                .until(WaitUntil::NewOutput)
                .yield_time_ms(u64::MAX);
            let answer = self.session.wait(request).await?;
            self.take(answer)?;
            self.output.write().await?;
        }
        Ok(())
    }

    /// Ends what is left of the run and says how it went.
    async fn finish(&mut self, followed: Result<(), Interruption>) -> Exit {
        let mut interruption = followed.err();
        if let Some(interruption) = &interruption {
            self.interrupt(interruption).await;
        }
        let stdout_lost = interruption.as_ref().is_some_and(Interruption::lost_stdout);
        let written = if stdout_lost {
            Ok(())
        } else {
            self.output.write().await
        };
        if let Err(error) = self.conclude(written).await {
            let error = Interruption::from(error);
            error.say().await;
            interruption.get_or_insert(error);
        }
        // Until the isolate and every process of its tools are gone.
        self.session.shutdown().await;
        if let Some(servers) = &self.servers {
            servers.shutdown().await;
        }
        if let Some(audit) = self.audit.clone() {
            // Waits for the disk.
            let _ = tokio::task::spawn_blocking(move || audit.flush()).await;
        }
        self.exit(interruption.as_ref())
    }

    async fn interrupt(&mut self, interruption: &Interruption) {
        interruption.say().await;
        if self.end.is_some() {
            return;
        }
        // An error means that the cell has no more to say.
        if let Ok(answer) = self
            .session
            .wait(WaitRequest::terminate(self.cell_id))
            .await
            && let Err(error) = self.take(answer)
        {
            Interruption::from(error).say().await;
        }
    }

    /// Shows the end of the script, after its output or what is left of it.
    async fn conclude(&mut self, written: Result<(), OutputError>) -> Result<(), OutputError> {
        match self.end.clone() {
            Some(end) => written.and(self.output.conclude(end).await),
            None => written,
        }
    }

    /// Takes an answer in, without waiting: what the cell handed out cannot be asked for again.
    fn take(&mut self, mut answer: RuntimeResponse) -> Result<(), OutputError> {
        let items = output::content_items(&mut answer).map(std::mem::take);
        if let RuntimeResponse::Result { stored_values, .. } = &answer
            && let Some(path) = &self.store
            && let Err(error) = store::save(path, stored_values)
        {
            self.output.say_soon(error.to_string());
            self.store_lost = true;
        }
        if !matches!(answer, RuntimeResponse::Yielded { .. }) {
            self.end = Some(answer);
        }
        self.output.take(items.unwrap_or_default())
    }

    fn exit(&self, interruption: Option<&Interruption>) -> Exit {
        let ended_by_itself = matches!(self.end, Some(RuntimeResponse::Result { .. }));
        match interruption {
            Some(interruption @ Interruption::Output(_)) => interruption.exit(),
            Some(interruption) if !ended_by_itself => interruption.exit(),
            _ if self.store_lost || !ended_by_itself => Exit::Failure,
            _ => match self.end.as_ref().and_then(RuntimeResponse::error_text) {
                Some(_) => Exit::Failure,
                None => Exit::Success,
            },
        }
    }
}

impl Interruption {
    /// Says what happened, unless nobody wants to know: a reader that went away has read enough.
    ///
    /// Does not hold up the end where nobody reads.
    async fn say(&self) {
        if !matches!(self, Self::Output(OutputError::Closed)) {
            let sentence = self.to_string();
            let _ = tokio::time::timeout(PATIENCE, diagnostics::say(&sentence)).await;
        }
    }
}
