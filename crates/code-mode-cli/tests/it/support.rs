//! Running the executable: to its end, or watched while it runs.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The executable under test.
pub const CODE_MODE: &str = env!("CARGO_BIN_EXE_code-mode");

/// What a run left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Ended {
    /// Insists on this exit code.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// A folder of its own for one test, with the script in it.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("code-mode-cli-").expect("a temporary folder");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file in the temporary folder");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file in the temporary folder")
    }

    /// A named pipe: whoever opens one end waits for the other.
    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo runs").success());
        path
    }

    /// `code-mode` with these arguments, here.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(CODE_MODE);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            // What the person at this machine has configured, and keeps, is none of a test's business.
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("CODE_MODE_LOG")
            .stdin(Stdio::null());
        command
    }

    /// `code-mode run script.js` with these further arguments, to its end.
    pub fn run<const N: usize>(&self, script: &str, arguments: [&str; N]) -> Ended {
        self.write("script.js", script);
        let mut command = self.command(["run", "script.js"]);
        let output = command.args(arguments).output();
        output.expect("code-mode starts").into()
    }

    /// The same, watched.
    pub fn start<const N: usize>(&self, script: &str, arguments: [&str; N]) -> Running {
        self.write("script.js", script);
        let mut command = self.command(["run", "script.js"]);
        Running::new(command.args(arguments))
    }
}

/// A run under way.
pub struct Running {
    child: Child,
    pub stdout: BufReader<ChildStdout>,
    pub stderr: BufReader<ChildStderr>,
}

impl Running {
    pub fn new(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("code-mode starts");
        Self {
            stdout: BufReader::new(child.stdout.take().expect("piped")),
            stderr: BufReader::new(child.stderr.take().expect("piped")),
            child,
        }
    }

    /// Its standard input, if the command was given a pipe for it.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("piped, and taken once")
    }

    /// Waits for the next line of standard output.
    pub fn stdout_line(&mut self) -> String {
        line(&mut self.stdout)
    }

    /// Waits for the next line of standard error.
    pub fn stderr_line(&mut self) -> String {
        line(&mut self.stderr)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it still runs");
    }

    /// Waits for the end; the output is what was not read before.
    pub fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let mut stderr = String::new();
        std::thread::scope(|scope| {
            scope.spawn(|| self.stdout.read_to_string(&mut stdout));
            scope.spawn(|| self.stderr.read_to_string(&mut stderr));
        });
        Ended {
            code: self.exit_code(),
            stdout,
            stderr,
        }
    }

    /// Waits for the end with its output unread.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().expect("it can be waited for").code()
    }

    /// Stops reading standard output, as `head` does.
    pub fn close_stdout(self) -> (Child, BufReader<ChildStderr>) {
        drop(self.stdout);
        (self.child, self.stderr)
    }
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a readable pipe");
    line.trim_end_matches('\n').to_owned()
}

/// Lets go whoever reads the named pipe, giving them the text.
pub fn write_fifo(path: &Path, text: &str) {
    let mut pipe = File::options().write(true).open(path).expect("a pipe");
    pipe.write_all(text.as_bytes()).expect("somebody reads it");
}

/// The command of a tool that shows on the named pipe `alive` that it runs, and then runs for ever,
/// with a child. The pipe ends when both are gone.
pub const ENDLESS: &str = "exec 3> alive; echo started >&3; sleep 100000 & wait";

/// Waits until [`ENDLESS`] runs.
pub fn wait_until_started(alive: &Path) -> BufReader<File> {
    let mut alive = BufReader::new(File::open(alive).expect("a pipe"));
    assert_eq!(line(&mut alive), "started");
    alive
}

/// Waits until nobody of [`ENDLESS`] is left.
pub fn wait_until_gone(mut alive: BufReader<File>) {
    assert_eq!(line(&mut alive), "");
}
