//! Things that a worker must not be able to do, each as one attempt and what should come of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;

use code_mode::worker::sandbox::{Part, Report, State};
use rustix::process::Pid;

use crate::child::say;

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Worked,
    Refused(i32),
    /// The kernel ended the process for it, with `SIGSYS`.
    Ended,
}

/// What a part other than seccomp does about an attempt.
#[derive(Debug, Clone, Copy)]
pub enum Behind {
    Nothing,
    Refuses(Part, i32),
    /// Newer kernels refuse it, or those of a parent with more rights; the report does not speak of it.
    Unsaid,
}

pub struct Attempt {
    pub name: &'static str,
    run: fn(&Targets) -> io::Result<()>,
    /// `None` where seccomp has no say.
    by_seccomp: Option<Outcome>,
    behind: Behind,
}

impl Attempt {
    /// What has to come of it in a sandbox that claims to be this; `None` if that is not said.
    pub fn expected(&self, report: &Report) -> Option<Outcome> {
        let in_force = |part| matches!(report.state(part), State::InForce | State::Partly(_));
        match (self.by_seccomp, self.behind) {
            (Some(outcome), _) if in_force(Part::Seccomp) => Some(outcome),
            (_, Behind::Refuses(part, errno)) if in_force(part) => Some(Outcome::Refused(errno)),
            (_, Behind::Unsaid) => None,
            _ => Some(Outcome::Worked),
        }
    }
}

/// What the attempts are made on; the parent has made all of it.
pub struct Targets {
    pub folder: String,
    pub tcp_port: u16,
    pub unix_path: String,
    pub abstract_name: String,
    pub inherited: i32,
}

impl Targets {
    pub fn to_arguments(&self) -> [String; 5] {
        [
            self.folder.clone(),
            self.tcp_port.to_string(),
            self.unix_path.clone(),
            self.abstract_name.clone(),
            self.inherited.to_string(),
        ]
    }

    fn from_arguments(words: &[&str]) -> Self {
        Self {
            folder: words[0].to_owned(),
            tcp_port: words[1].parse().expect("a port"),
            unix_path: words[2].to_owned(),
            abstract_name: words[3].to_owned(),
            inherited: words[4].parse().expect("a descriptor"),
        }
    }
}

/// The variable that the parent passes and a worker must not see.
pub const SECRET: &str = "CODE_MODE_TEST_SECRET";

/// In a child: makes the attempt that the first word names and says what came of it.
pub fn make(words: &[&str]) {
    let targets = Targets::from_arguments(&words[1..]);
    let attempt = ALL
        .iter()
        .find(|attempt| attempt.name == words[0])
        .expect("it is in the table");
    match (attempt.run)(&targets) {
        Ok(()) => say("result", "worked"),
        Err(error) => say(
            "result",
            &format!("refused {}", error.raw_os_error().unwrap_or(0)),
        ),
    }
}

const NOT_THERE: Option<Outcome> = Some(Outcome::Refused(libc::ENOSYS));
const ENDED: Option<Outcome> = Some(Outcome::Ended);
const BY_PATH: Behind = Behind::Refuses(Part::LandlockFiles, libc::EACCES);
const BY_PORT: Behind = Behind::Refuses(Part::LandlockTcp, libc::EACCES);
const BY_SCOPE: Behind = Behind::Refuses(Part::LandlockScopes, libc::EPERM);

macro_rules! attempt {
    ($name:literal, $by_seccomp:expr, $behind:expr, $run:expr) => {
        Attempt {
            name: $name,
            run: $run,
            by_seccomp: $by_seccomp,
            behind: $behind,
        }
    };
}

pub const ALL: &[Attempt] = &[
    // Files.
    attempt!("read a file", NOT_THERE, BY_PATH, |_| fs::read(
        "/etc/passwd"
    )
    .map(drop)),
    attempt!("read the environment by file", NOT_THERE, BY_PATH, |_| {
        fs::read("/proc/self/environ").map(drop)
    }),
    attempt!("read the map of its memory", NOT_THERE, BY_PATH, |_| {
        fs::read("/proc/self/maps").map(drop)
    }),
    attempt!("list a folder", NOT_THERE, BY_PATH, |_| fs::read_dir("/")
        .map(drop)),
    attempt!("ask about a file", NOT_THERE, Behind::Nothing, |_| {
        fs::metadata("/etc/passwd").map(drop)
    }),
    attempt!("create a file", NOT_THERE, BY_PATH, |to| {
        File::create(format!("{}/created", to.folder)).map(drop)
    }),
    attempt!("remove a file", NOT_THERE, BY_PATH, |to| {
        fs::remove_file(format!("{}/removable", to.folder))
    }),
    attempt!("truncate a file", NOT_THERE, BY_PATH, |to| {
        let path = std::ffi::CString::new(format!("{}/kept", to.folder))?;
        // SAFETY: the path is a C string that lives during the call.
        answer(unsafe { libc::truncate(path.as_ptr(), 0) }.into())
    }),
    // Sockets.
    attempt!("connect to a TCP port", ENDED, BY_PORT, |to| {
        TcpStream::connect(("127.0.0.1", to.tcp_port)).map(drop)
    }),
    attempt!("listen on a TCP port", ENDED, BY_PORT, |_| {
        TcpListener::bind("127.0.0.1:0").map(drop)
    }),
    attempt!("make a socket", ENDED, Behind::Nothing, |_| {
        UnixDatagram::unbound().map(drop)
    }),
    attempt!(
        "connect to a Unix socket by path",
        ENDED,
        Behind::Unsaid,
        |to| { UnixStream::connect(&to.unix_path).map(drop) }
    ),
    attempt!(
        "connect to an abstract Unix socket",
        ENDED,
        BY_SCOPE,
        |to| {
            UnixStream::connect_addr(&SocketAddr::from_abstract_name(&to.abstract_name)?).map(drop)
        }
    ),
    attempt!(
        "make a pair of datagram sockets",
        NOT_THERE,
        Behind::Nothing,
        |_| { UnixDatagram::pair().map(drop) }
    ),
    // Programs and processes.
    attempt!("become another program", ENDED, BY_PATH, |_| {
        Err(Command::new("/bin/true").exec())
    }),
    attempt!("start another program", ENDED, BY_PATH, |_| {
        Command::new("/bin/true").status().map(drop)
    }),
    attempt!("fork", ENDED, Behind::Nothing, |_| fork()),
    attempt!("signal its parent", ENDED, BY_SCOPE, |_| {
        Ok(rustix::process::test_kill_process(parent())?)
    }),
    attempt!("signal a thread of its parent", ENDED, BY_SCOPE, |_| {
        let parent = parent().as_raw_nonzero().get();
        // SAFETY: signal 0 is sent to nobody; the call takes numbers alone.
        answer(unsafe { libc::syscall(libc::SYS_tgkill, parent, parent, 0) })
    }),
    attempt!("be traced", ENDED, Behind::Nothing, |_| {
        // SAFETY: the other arguments are not looked at.
        answer(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) })
    }),
    attempt!("read memory by process", ENDED, Behind::Nothing, |_| {
        read_own_memory()
    }),
    attempt!(
        "change how its parent is scheduled",
        NOT_THERE,
        Behind::Unsaid,
        |_| {
            let parent = parent().as_raw_nonzero().get();
            let normal = libc::sched_param { sched_priority: 0 };
            // SAFETY: the parameter lives during the call.
            answer(unsafe { libc::sched_setscheduler(parent, libc::SCHED_OTHER, &normal) }.into())
        }
    ),
    attempt!(
        "change the priority of its parent",
        NOT_THERE,
        Behind::Unsaid,
        |_| {
            let parent = parent().as_raw_nonzero().get().cast_unsigned();
            // SAFETY: the call takes numbers alone.
            answer(unsafe { libc::setpriority(libc::PRIO_PROCESS, parent, 1) }.into())
        }
    ),
    // The kernel.
    attempt!("make a file in memory", ENDED, Behind::Nothing, |_| {
        // SAFETY: the name is a C string.
        let made = unsafe { libc::memfd_create(c"x".as_ptr(), 0) };
        answer(made.into())
    }),
    attempt!(
        "make a timer descriptor",
        NOT_THERE,
        Behind::Nothing,
        |_| {
            // SAFETY: the call takes numbers alone.
            answer(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, 0) }.into())
        }
    ),
    attempt!(
        "set a process attribute",
        NOT_THERE,
        Behind::Nothing,
        |_| {
            // SAFETY: the call takes numbers alone.
            answer(unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 0, 0, 0, 0) }.into())
        }
    ),
    attempt!("set a limit", NOT_THERE, Behind::Nothing, |_| {
        use rustix::process::{Resource, getrlimit, setrlimit};
        Ok(setrlimit(Resource::Core, getrlimit(Resource::Core))?)
    }),
    attempt!(
        "be read by others of its user",
        NOT_THERE,
        Behind::Refuses(Part::NotDumpable, libc::EPERM),
        |_| match rustix::process::dumpable_behavior()? {
            rustix::process::DumpableBehavior::NotDumpable => {
                Err(io::Error::from_raw_os_error(libc::EPERM))
            }
            _ => Ok(()),
        }
    ),
    // What seccomp has no say in.
    attempt!(
        "read a descriptor inherited by mistake",
        None,
        Behind::Refuses(Part::Descriptors, libc::EBADF),
        |to| {
            // SAFETY: nobody else in this process owns the number.
            let mut inherited = unsafe { File::from_raw_fd(to.inherited) };
            let read = inherited.read(&mut [0; 8]);
            // A descriptor that is not open must not be closed, which is what dropping it does.
            std::mem::forget(inherited);
            read.map(drop)
        }
    ),
    attempt!(
        "see a variable of its parent",
        None,
        Behind::Refuses(Part::Environment, libc::ENOENT),
        |_| {
            let seen = std::env::var(SECRET);
            seen.map(drop)
                .map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))
        }
    ),
    attempt!(
        "have a hundred descriptors",
        None,
        Behind::Refuses(Part::ResourceLimits, libc::EMFILE),
        |_| {
            for _ in 0..100 {
                // SAFETY: the call takes numbers alone.
                answer(unsafe { libc::eventfd(0, 0) }.into())?;
            }
            Ok(())
        }
    ),
];

fn answer(returned: i64) -> io::Result<()> {
    if returned < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn parent() -> Pid {
    rustix::process::getppid().expect("the parent lives")
}

fn fork() -> io::Result<()> {
    // SAFETY: the process has one thread, and the child ends at once.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        // SAFETY: it ends the child alone.
        unsafe { libc::_exit(0) };
    }
    answer(forked.into())?;
    // SAFETY: no status is asked for.
    answer(unsafe { libc::waitpid(forked, std::ptr::null_mut(), 0) }.into())
}

fn read_own_memory() -> io::Result<()> {
    let secret = [7_u8; 8];
    let mut copy = [0_u8; 8];
    let from = libc::iovec {
        iov_base: secret.as_ptr().cast_mut().cast(),
        iov_len: secret.len(),
    };
    let to = libc::iovec {
        iov_base: copy.as_mut_ptr().cast(),
        iov_len: copy.len(),
    };
    let own = i32::try_from(std::process::id()).expect("ids are small");
    // SAFETY: both are places of this process, one byte array each, and live during the call.
    let read = unsafe { libc::process_vm_readv(own, &to, 1, &from, 1, 0) };
    answer(i64::try_from(read).expect("isize is 64 bits"))
}
