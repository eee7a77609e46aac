//! The worker of the tests: an honest one, and ones that do wrong on purpose.
//!
//! `code_mode_test_worker worker` is a worker. `code_mode_test_worker KIND` greets like one and then does
//! what its kind does.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    if kind == "worker" {
        code_mode::worker::run();
    }
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let mut liar = Liar {
        socket: UnixStream::from(stdin.expect("standard input is open")),
    };
    liar.act(&kind);
}

struct Liar {
    socket: UnixStream,
}

impl Liar {
    fn act(&mut self, kind: &str) {
        match kind {
            "dies at once" => {
                eprintln!("no luck today");
                std::process::exit(7);
            }
            "speaks another version" => {
                self.say(r#"{"kind":"hello","body":{"oldest":7,"newest":9}}"#);
                self.listen();
            }
            "says no hello" => {
                self.say(r#"{"kind":"gone","cell":1}"#);
                self.listen();
            }
            "speaks first of a length that is too long" => self.send(&[0xff; 4]),
            _ => {
                self.say(r#"{"kind":"hello","body":{"oldest":1,"newest":1,"new":true}}"#);
                self.wait_for("\"run\"");
                self.act_on_a_cell(kind);
            }
        }
        self.listen();
    }

    fn act_on_a_cell(&mut self, kind: &str) {
        let call = |call: u64, tool: &str, input: &str| {
            format!(
                r#"{{"kind":"call","cell":1,"body":{{"call":{call},"tool":"{tool}","input":{input},"raw":false}}}}"#
            )
        };
        let text = r#"{"kind":"output","cell":1,"body":{"items":[{"text":"a"}],"asks":false}}"#;
        let usage = r#"{"cpu_nanos":1,"heap_bytes":1}"#;
        let ended =
            format!(r#"{{"kind":"ended","cell":1,"body":{{"usage":{usage},"how":"success"}}}}"#);
        let args = r#"{"function":{}}"#;
        match kind {
            "honest" => {
                self.say(r#"{"kind":"from the future","cell":1,"body":[1]}"#);
                self.say(text);
                self.say(&ended);
                self.say(r#"{"kind":"gone","cell":1}"#);
            }
            "sends garbage" => self.frame(&[0xfe; 100]),
            "sends a length that is too long" => self.send(&[0xff; 4]),
            "sends half a frame and closes" => {
                self.say(text);
                self.send(&[100, 0, 0, 0, b'{']);
                std::process::exit(0);
            }
            "closes and goes on" => {
                let _ = self.socket.shutdown(std::net::Shutdown::Both);
                // The other side kills it.
                loop {
                    std::thread::park();
                }
            }
            "speaks of a cell it has not" => self.say(r#"{"kind":"gone","cell":99}"#),
            "calls a tool that is not there" => self.say(&call(1, "rm", args)),
            "calls by a name that is not the global one" => {
                self.say(&call(1, "hidden-dynamic-tool", args));
            }
            "calls with a text where an object belongs" => {
                self.say(&call(1, "echo", r#"{"freeform":"x"}"#));
            }
            "calls with an array where an object belongs" => {
                self.say(&call(1, "echo", r#"{"function":[]}"#));
            }
            "calls twice by one number" => {
                self.say(&call(1, "echo", args));
                self.say(&call(1, "echo", args));
            }
            "calls by a number over the limit" => self.say(&call(u64::MAX, "echo", args)),
            "calls too often at once" => {
                for number in 1..10_000 {
                    self.say(&call(number, "slow", args));
                }
            }
            "notifies too often at once" => {
                for _ in 1..10_000 {
                    self.say(r#"{"kind":"notify","cell":1,"body":"x"}"#);
                }
            }
            "puts out a link for an image" => self.say(
                r#"{"kind":"output","cell":1,"body":{"items":[{"image":{"url":"https://example.com","detail":"high"}}],"asks":false}}"#,
            ),
            "puts out too much" => {
                let much = "x".repeat(1024 * 1024);
                for _ in 0..64 {
                    self.say(&text.replace("\"a\"", &format!("\"{much}\"")));
                }
            }
            "goes without an end" => self.say(r#"{"kind":"gone","cell":1}"#),
            "goes on after the end" => {
                self.say(&ended);
                self.say(text);
            }
            "ends twice" => {
                self.say(&ended);
                self.say(&ended);
            }
            "says that it was stopped" => self.say(&ended.replace("success", "stopped")),
            "calls with arguments that the schema does not allow" => {
                self.say(&call(1, "strict", r#"{"function":{"n":"x"}}"#));
                self.wait_for("\"settled\"");
                self.say(text);
                self.say(&ended);
                self.say(r#"{"kind":"gone","cell":1}"#);
            }
            "never stops" => {
                self.say(&format!(
                    r#"{{"kind":"goes_on","cell":1,"body":{usage}}}"#
                ));
                loop {
                    self.wait_for("\"stop\"");
                }
            }
            "never reads" => {
                self.say(&call(1, "much", args));
                loop {
                    std::thread::park();
                }
            }
            "dies before it says anything" => std::process::exit(3),
            other => panic!("there is no kind {other:?}"),
        }
    }

    fn say(&mut self, json: &str) {
        self.frame(json.as_bytes());
    }

    fn frame(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("short");
        self.send(&length.to_le_bytes());
        self.send(bytes);
    }

    /// Whoever does wrong is killed in the middle of it.
    fn send(&mut self, bytes: &[u8]) {
        if self.socket.write_all(bytes).is_err() {
            std::process::exit(0);
        }
    }

    /// Reads frames until one has this in it.
    fn wait_for(&mut self, part: &str) {
        loop {
            let mut length = [0; 4];
            let mut read = |bytes: &mut [u8]| {
                if self.socket.read_exact(bytes).is_err() {
                    std::process::exit(0);
                }
            };
            read(&mut length);
            let mut frame = vec![0; u32::from_le_bytes(length) as usize];
            read(&mut frame);
            let frame = String::from_utf8(frame).expect("frames are JSON");
            if frame.contains(part) {
                return;
            }
            if frame.contains("\"ping\"") {
                self.say(r#"{"kind":"pong","body":{}}"#);
            }
        }
    }

    fn listen(&mut self) {
        self.wait_for("nothing like that is ever said");
    }
}
