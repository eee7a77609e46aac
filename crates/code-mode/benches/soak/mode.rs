//! Where the cells of a soak run, and what is there when nothing runs. What another mode needs is said
//! here alone.

use std::str::FromStr;
use std::time::Duration;

use code_mode::SessionBuilder;
#[cfg(feature = "worker-processes")]
use code_mode::{
    Isolation,
    worker::{Options, Pool},
};

#[derive(Debug, Clone)]
pub enum Mode {
    InProcess,
    #[cfg(feature = "worker-processes")]
    Process(Workers),
}

/// The workers of a soak.
#[cfg(feature = "worker-processes")]
#[derive(Debug, Clone)]
pub struct Workers {
    /// Of all sessions that come and go: a pool as it is by default.
    shared: Pool,
    /// Of the session that lasts. Its worker lasts too, and is what would grow by what runs in it: the
    /// others end with their sessions.
    lasting: Pool,
}

#[cfg(feature = "worker-processes")]
impl Workers {
    /// How many are warm in a pool as it is by default.
    const WARM: usize = 1;

    fn new() -> Self {
        let never = Duration::from_secs(24 * 60 * 60);
        Self {
            shared: Pool::new(Options::default()),
            lasting: Pool::new(Options::default().warm(0).idle(never)),
        }
    }

    fn are_at_rest(&self) -> bool {
        let shared = self.shared.workers();
        let lasting = self.lasting.workers();
        shared.len() == Self::WARM
            && shared.iter().all(|worker| worker.is_warm)
            && lasting.iter().all(|worker| worker.cells == 0)
    }
}

impl Mode {
    pub fn name(&self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            #[cfg(feature = "worker-processes")]
            Self::Process(_) => "process",
        }
    }

    /// Has the cells of a session that comes and goes run where this mode has them.
    pub fn of(&self, session: SessionBuilder) -> SessionBuilder {
        match self {
            Self::InProcess => session,
            #[cfg(feature = "worker-processes")]
            Self::Process(workers) => session.isolation(Isolation::Process(workers.shared.clone())),
        }
    }

    /// The same for the session that lasts.
    pub fn of_lasting(&self, session: SessionBuilder) -> SessionBuilder {
        match self {
            Self::InProcess => session,
            #[cfg(feature = "worker-processes")]
            Self::Process(workers) => {
                session.isolation(Isolation::Process(workers.lasting.clone()))
            }
        }
    }

    /// The process of the session that lasts, if it has one of its own.
    pub fn lasting_process(&self) -> Option<u32> {
        match self {
            Self::InProcess => None,
            #[cfg(feature = "worker-processes")]
            Self::Process(workers) => workers.lasting.workers().first().map(|worker| worker.pid),
        }
    }

    /// How many isolates stand by in this process when there is nothing to do: the default floor, where
    /// V8 runs in it.
    pub fn standby_floor(&self) -> usize {
        match self {
            Self::InProcess => 2,
            #[cfg(feature = "worker-processes")]
            Self::Process(_) => 0,
        }
    }

    /// Whether a thread that is lost for good stays. A worker goes with it.
    pub fn keeps_lost_threads(&self) -> bool {
        matches!(self, Self::InProcess)
    }

    /// Whether nothing is left in workers of what has ended.
    pub fn is_at_rest(&self) -> bool {
        match self {
            Self::InProcess => true,
            #[cfg(feature = "worker-processes")]
            Self::Process(workers) => workers.are_at_rest(),
        }
    }

    /// How long all must have been the same before it is at rest. Nobody sees how many isolates stand by in
    /// a worker; those beyond its floor go after ten seconds.
    pub fn rests_for(&self) -> Duration {
        match self {
            Self::InProcess => Duration::from_secs(2),
            #[cfg(feature = "worker-processes")]
            Self::Process(_) => Duration::from_secs(12),
        }
    }
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "in-process" => Ok(Self::InProcess),
            #[cfg(feature = "worker-processes")]
            "process" => Ok(Self::Process(Workers::new())),
            #[cfg(not(feature = "worker-processes"))]
            "process" => Err("that needs `--features worker-processes`"),
            _ => Err("there are in-process and process"),
        }
    }
}
