//! The command on a terminal: the status line, and what a pipe sees of it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{CODE_MODE, Place, write_fifo};

/// How long a test waits before it says that what it waits for never came.
pub const GIVEN_UP: Duration = Duration::from_secs(60);

/// A terminal with a command in it, of which it is the controlling one.
pub struct Terminal {
    child: Child,
    keyboard: File,
    written: Receiver<Vec<u8>>,
    /// What the terminal shows.
    screen: vt100::Parser,
    /// All that was written to it.
    pub transcript: String,
}

impl Terminal {
    /// Runs `code-mode` with these arguments on a terminal of so many columns.
    pub fn run<const N: usize>(place: &Place, columns: u16, arguments: [&str; N]) -> Self {
        Self::start(place, columns, |terminal| {
            let mut command = Command::new("setsid");
            command
                .args(["--ctty", "--wait", CODE_MODE])
                .args(arguments)
                .stdin(terminal.try_clone().unwrap())
                .stdout(terminal.try_clone().unwrap())
                .stderr(terminal);
            command
        })
    }

    fn start(place: &Place, columns: u16, command: impl FnOnce(OwnedFd) -> Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(ours.as_fd(), size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let child = command(theirs.into())
            .current_dir(place.folder.path())
            .env("XDG_STATE_HOME", place.path("state"))
            .env_remove("CODE_MODE_LOG")
            .env("TERM", "xterm-256color")
            .spawn()
            .unwrap();
        let keyboard = File::from(ours);
        let mut output = keyboard.try_clone().unwrap();
        let (sender, written) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Ends with an error when nobody has the other side open any more.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keyboard,
            written,
            screen: vt100::Parser::new(24, columns, 0),
            transcript: String::new(),
        }
    }

    /// What is on the screen, without the empty lines below it.
    pub fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, shown: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + GIVEN_UP;
        while !shown(&self.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.written.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!(
                    "{what:?} never came: {error}; on the screen:\n{}",
                    self.screen()
                ),
            }
        }
    }

    pub fn type_line(&mut self, line: &str) {
        self.keyboard
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// Waits for the end; the answer is the exit code.
    pub fn end(&mut self) -> Option<i32> {
        while let Ok(bytes) = self.written.recv_timeout(GIVEN_UP) {
            self.take(&bytes);
        }
        self.child.wait().unwrap().code()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.transcript.push_str(&String::from_utf8_lossy(bytes));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where a test has failed, nobody else ends it.
        let _ = self.child.kill();
    }
}

/// A tool that ends when the test writes into the named pipe `gate`.
const GATED: &str = "gated=cat gate";

#[test]
fn a_terminal_shows_the_calls_under_way_below_the_output_and_nothing_of_them_in_the_end() {
    let place = Place::new();
    let gate = place.fifo("gate");
    place.write(
        "script.js",
        "const call = tools.gated(); text('one'); notify('two'); text(await call);",
    );
    let mut terminal = Terminal::run(&place, 60, ["run", "script.js", "--tool", GATED]);
    terminal.wait_for("1 call: gated (");
    // All at once: standard output and standard error are two ways to the terminal.
    terminal.wait_until("both lines and the call", |screen| {
        let all = ["one", "two", "1 call: gated ("];
        all.iter().all(|part| screen.contains(part))
    });
    let screen = terminal.screen();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines.len(), 3, "{screen}");
    assert!(lines[2].starts_with("1 call: gated ("), "{screen}");
    write_fifo(&gate, "three");
    assert_eq!(terminal.end(), Some(0));
    let screen = terminal.screen();
    let mut lines: Vec<&str> = screen.lines().collect();
    lines[..2].sort_unstable();
    assert_eq!(lines, ["one", "two", "three"]);
}

#[test]
fn the_status_line_stays_within_the_width_of_the_terminal() {
    let place = Place::new();
    let gate = place.fifo("gate");
    place.write(
        "script.js",
        "await tools.gated_with_a_name_of_many_letters(); text('end')",
    );
    let tool = "gated_with_a_name_of_many_letters=cat gate";
    let mut terminal = Terminal::run(&place, 20, ["run", "script.js", "--tool", tool]);
    terminal.wait_for("1 call: gated_with…");
    assert_eq!(terminal.screen().lines().count(), 1);
    write_fifo(&gate, "");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(terminal.screen(), "end");
}

#[test]
fn a_failure_is_said_in_the_place_of_the_status_line() {
    let place = Place::new();
    let gate = place.fifo("gate");
    place.write("script.js", "await tools.gated(); throw new Error('lost')");
    let mut terminal = Terminal::run(&place, 60, ["run", "script.js", "--tool", GATED]);
    terminal.wait_for("1 call: gated (");
    write_fifo(&gate, "");
    assert_eq!(terminal.end(), Some(1));
    assert!(
        terminal.screen().starts_with("Error: lost"),
        "{}",
        terminal.screen()
    );
}

/// Ends after the time in which a status line would have been drawn several times.
const SLOW: &str = "slow=sleep 0.5";

#[test]
fn a_document_for_programs_comes_without_a_status_line() {
    let place = Place::new();
    place.write("script.js", "await tools.slow(); text('end')");
    let mut terminal = Terminal::run(&place, 60, ["run", "script.js", "--json", "--tool", SLOW]);
    assert_eq!(terminal.end(), Some(0));
    assert!(
        terminal.transcript.starts_with("{\""),
        "{}",
        terminal.transcript
    );
    assert!(
        !terminal.transcript.contains("1 call"),
        "{}",
        terminal.transcript
    );
}

#[test]
fn a_pipe_sees_no_status_line_even_if_the_output_goes_to_a_terminal() {
    let place = Place::new();
    place.write("script.js", "await tools.slow(); text('end')");
    let mut terminal = Terminal::start(&place, 60, |terminal| {
        let mut command = Command::new("sh");
        let run = r#""$0" run script.js --tool "$1" 2> said"#;
        command
            .args(["-c", run, CODE_MODE, SLOW])
            .stdin(Stdio::null())
            .stdout(terminal);
        command
    });
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(terminal.screen(), "end");
    assert_eq!(place.read("said"), "");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_has_no_status_line() {
    let place = Place::new();
    place.write("script.js", "await tools.slow(); text('end')");
    let mut terminal = Terminal::start(&place, 60, |terminal| {
        let mut command = Command::new("env");
        command
            .args(["TERM=dumb", CODE_MODE, "run", "script.js", "--tool", SLOW])
            .stdin(Stdio::null())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal);
        command
    });
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(terminal.transcript, "end\r\n");
}
