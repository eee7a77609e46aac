//! The steps into the sandbox on Linux, in their order: each makes the next ones possible or needs what a
//! later one takes away.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::AsFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetError, Scope,
};
use rustix::fs::{Mode, OFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{Options, Part, Report, SandboxError, State, locality, system_calls};
use crate::runtime::process;

/// How many descriptors a worker may have: the pipe, and what its asynchronous runtime needs.
const MAX_DESCRIPTORS: u64 = 64;

/// All parts that the options ask for.
pub(super) fn enter_parts(options: &Options) -> Result<Report, SandboxError> {
    refuse_threads()?;
    let mut report = Report::default();
    let mut step = |part: Part, enter: &dyn Fn() -> State| {
        let state = if options.asks_for(part) {
            enter()
        } else {
            State::NotAsked
        };
        report.add(part, state);
    };
    step(Part::Environment, &leave_environment);
    step(Part::Descriptors, &|| close_descriptors(&options.keep));
    // Before the two after the next, which a change of rights may undo.
    step(Part::Capabilities, &|| state_of(drop_capabilities()));
    step(Part::NoNewPrivileges, &|| {
        state_of(rustix::thread::set_no_new_privs(true))
    });
    step(Part::NotDumpable, &|| {
        state_of(rustix::process::set_dumpable_behavior(
            DumpableBehavior::NotDumpable,
        ))
    });
    step(Part::ParentDeath, &|| {
        let kill = Some(Signal::KILL);
        state_of(rustix::process::set_parent_process_death_signal(kill))
    });
    if options.asks_for(Part::ParentDeath) {
        refuse_orphan(options.parent)?;
    }
    step(Part::ResourceLimits, &|| limit_resources(&options.keep));
    step(Part::MemoryLimit, &|| {
        state_of(limit(Resource::Data, options.max_memory_bytes.unwrap_or(0)))
    });
    for (part, state) in enter_landlock(options) {
        report.add(part, state);
    }
    let seccomp = if options.asks_for(Part::Seccomp) {
        system_calls::restrict().map_or_else(State::Missing, |()| State::InForce)
    } else {
        State::NotAsked
    };
    report.add(Part::Seccomp, seccomp);
    Ok(report)
}

fn state_of<E: std::fmt::Display>(result: Result<(), E>) -> State {
    match result {
        Ok(()) => State::InForce,
        Err(error) => State::Missing(format!("the system refused it ({error})")),
    }
}

/// Most parts hold for the calling thread and those it starts. Without procfs nobody can tell.
fn refuse_threads() -> Result<(), SandboxError> {
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(threads) if threads > 1 => Err(SandboxError::Threads(threads)),
        _ => Ok(()),
    }
}

/// The signal comes only for a parent that ends after it was asked for.
fn refuse_orphan(expected: Option<u32>) -> Result<(), SandboxError> {
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    match (parent, expected) {
        (Some(parent), Some(expected)) if i64::from(parent) != i64::from(expected) => {
            Err(SandboxError::ParentGone)
        }
        // Without a parent here it is in another namespace, where its number means nothing.
        _ => Ok(()),
    }
}

fn leave_environment() -> State {
    let foreign = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| !locality::VARIABLES.iter().any(|kept| name == kept))
        .collect::<Vec<_>>();
    process::remove_variables(&foreign);
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let state = state_of(rustix::process::chdir("/"));
    if foreign.is_empty() || state != State::InForce {
        return state;
    }
    // What the kernel put there for the program's start stays in memory.
    State::Partly(format!(
        "the parent passed {} variables, which are removed but were in memory",
        foreign.len()
    ))
}

fn close_descriptors(keep: &[i32]) -> State {
    let mut kept: BTreeSet<i32> = keep.iter().copied().filter(|fd| *fd >= 0).collect();
    // The next descriptor opened must not get a number to which panics and `println!` write.
    let standard = (0..=2).filter(|fd| !kept.contains(fd)).collect::<Vec<_>>();
    let replaced = replace_by_null(&standard);
    if replaced.is_ok() {
        kept.extend(&standard);
    }
    process::close_all_descriptors_but(&kept);
    match replaced {
        Ok(()) => State::InForce,
        Err(error) => State::Partly(format!(
            "standard streams are closed, not /dev/null, which cannot be opened ({error})"
        )),
    }
}

fn replace_by_null(standard: &[i32]) -> io::Result<()> {
    if standard.is_empty() {
        return Ok(());
    }
    // May itself get one of these numbers, if it was free: then it is where it should be.
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    for number in standard {
        match number {
            0 => rustix::stdio::dup2_stdin(null.as_fd())?,
            1 => rustix::stdio::dup2_stdout(null.as_fd())?,
            _ => rustix::stdio::dup2_stderr(null.as_fd())?,
        }
    }
    process::leave_open_below(null, 3);
    Ok(())
}

fn drop_capabilities() -> rustix::io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    rustix::thread::set_capabilities(None, sets)
}

fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    // One may always lower a limit, never raise it: what the parent had may be less.
    let most = match rustix::process::getrlimit(resource).maximum {
        Some(already) => most.min(already),
        None => most,
    };
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    rustix::process::setrlimit(resource, limit)
}

fn limit_resources(keep: &[i32]) -> State {
    let limits = [
        (Resource::Core, 0),
        (Resource::Nofile, MAX_DESCRIPTORS),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
    ];
    for (resource, most) in limits {
        if let Err(error) = limit(resource, most) {
            return State::Partly(format!("the system refused one of them ({error})"));
        }
    }
    // A write beyond this limit ends the process: it cannot be for one whose pipe or log is a file.
    if keep.iter().any(|fd| process::is_regular_file(*fd)) {
        return State::Partly("a descriptor it keeps is a file, which may grow".to_owned());
    }
    state_of(limit(Resource::Fsize, 0))
}

/// All that the kernel's Landlock knows, for nothing at all; and what of it the report speaks of.
fn enter_landlock(options: &Options) -> Vec<(Part, State)> {
    let parts = [Part::LandlockFiles, Part::LandlockTcp, Part::LandlockScopes];
    let asked: Vec<_> = parts
        .into_iter()
        .filter(|part| options.asks_for(*part))
        .collect();
    let status = if asked.is_empty() {
        Ok(LandlockStatus::NotEnabled)
    } else {
        restrict_by_landlock(&asked)
    };
    parts
        .into_iter()
        .map(|part| match (&status, asked.contains(&part)) {
            (_, false) => (part, State::NotAsked),
            (Ok(status), true) => (part, landlock_state(part, *status)),
            (Err(error), true) => (
                part,
                State::Missing(format!("the system refused it ({error})")),
            ),
        })
        .collect()
}

fn restrict_by_landlock(asked: &[Part]) -> Result<LandlockStatus, RulesetError> {
    let mut ruleset = Ruleset::default();
    if asked.contains(&Part::LandlockFiles) {
        ruleset = ruleset.handle_access(AccessFs::from_all(ABI::V9))?;
    }
    if asked.contains(&Part::LandlockTcp) {
        ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V10))?;
    }
    if asked.contains(&Part::LandlockScopes) {
        ruleset = ruleset.scope(Scope::from_all(ABI::V6))?;
    }
    Ok(ruleset.create()?.restrict_self()?.landlock)
}

/// What is held against the kernel: the files of 6.2, which lack nothing to one who may open no file,
/// the TCP of 6.7, the scopes of 6.12. What newer ones add (Unix sockets by path, UDP) is taken where it is.
fn landlock_state(part: Part, status: LandlockStatus) -> State {
    let abi = match status {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled => {
            return State::Missing("this kernel was started without Landlock".to_owned());
        }
        LandlockStatus::NotImplemented => {
            return State::Missing("this kernel has no Landlock".to_owned());
        }
    };
    let (least, since) = match part {
        Part::LandlockFiles => (ABI::V3, "6.2"),
        Part::LandlockTcp => (ABI::V4, "6.7"),
        _ => (ABI::V6, "6.12"),
    };
    if abi >= least {
        State::InForce
    } else if part == Part::LandlockFiles {
        State::Partly(format!(
            "files may be truncated by path; Linux {since} denies it"
        ))
    } else {
        State::Missing(format!("Linux has it since {since}"))
    }
}
