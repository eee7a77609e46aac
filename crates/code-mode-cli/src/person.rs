//! The person at the terminal, who is asked before calls that the policy wants somebody to look at.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use code_mode_mcp::host::{Answer, Question};
use rustix::termios::{QueueSelector, tcflush};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::diagnostics;
use crate::terminal;

/// How much of the arguments is shown, in characters: more than a person reads before an answer.
const MAX_SHOWN: usize = 8_000;

/// Asks one question at a time. Owned by the host of a run.
pub struct Person {
    /// What they type. Held by the question that is open; opened by the first.
    lines: tokio::sync::Mutex<Option<TypedLines>>,
    /// Server and tool of the calls that are always allowed.
    always: Mutex<HashSet<(String, String)>>,
    /// How many questions are open or wait for their turn.
    open_questions: watch::Sender<usize>,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
enum Unreachable {
    #[error("standard error is no terminal")]
    NoTerminal,
    #[error("the terminal cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("the terminal was closed")]
    Closed,
}

impl Person {
    pub fn new() -> Self {
        Self {
            lines: tokio::sync::Mutex::new(None),
            always: Mutex::default(),
            open_questions: watch::Sender::new(0),
        }
    }

    /// Shows the call and waits for an answer; refuses where there is no terminal. Dropped, it asks no
    /// more.
    pub async fn ask(&self, question: &Question) -> Answer {
        let _open = OpenQuestion::new(&self.open_questions);
        self.answer(question).await.unwrap_or_else(|unreachable| {
            Answer::Refuse(format!(
                "a person has to allow {}/{} first, and nobody could be asked: {unreachable}; run it at a terminal, \
                 or have the policy in the configuration allow it",
                question.server, question.tool
            ))
        })
    }

    async fn answer(&self, question: &Question) -> Result<Answer, Unreachable> {
        if !io::stderr().is_terminal() {
            return Err(Unreachable::NoTerminal);
        }
        let mut lines = self.lines.lock().await;
        let tool = (question.server.clone(), question.tool.clone());
        // Perhaps said while this question waited for its turn.
        if self.always().contains(&tool) {
            return Ok(Answer::AllowAlways);
        }
        let lines = match &mut *lines {
            Some(lines) => lines,
            none => none.insert(TypedLines::open().map_err(Unreachable::Unreadable)?),
        };
        lines.discard();
        let _hidden = diagnostics::hide_status().await;
        let Question {
            server,
            tool: name,
            arguments,
            ..
        } = question;
        diagnostics::say(&shown(server, name, arguments)).await;
        loop {
            diagnostics::prompt("Allow it? y(es), n(o), a(lways, for this tool): ").await;
            let typed = lines.next().await.ok_or(Unreachable::Closed)?;
            match typed.trim().to_lowercase().as_str() {
                "y" | "yes" => return Ok(Answer::AllowOnce),
                "n" | "no" => {
                    let refusal = "the person at the terminal did not allow this call";
                    return Ok(Answer::Refuse(refusal.to_owned()));
                }
                "a" | "always" => {
                    self.always().insert(tool);
                    return Ok(Answer::AllowAlways);
                }
                _ => {}
            }
        }
    }

    fn always(&self) -> std::sync::MutexGuard<'_, HashSet<(String, String)>> {
        self.always.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns after so much time in which no question was open.
    pub async fn time_without_questions(&self, span: Duration) {
        let mut questions = self.open_questions.subscribe();
        let mut left = span;
        // The sender lives as long as `self`, so neither wait fails.
        while questions.wait_for(|open| *open == 0).await.is_ok() {
            let begun = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                _ = questions.wait_for(|open| *open > 0) => {
                    left = left.saturating_sub(begun.elapsed());
                }
            }
        }
    }
}

/// A question that was put and has no answer yet.
struct OpenQuestion<'p>(&'p watch::Sender<usize>);

impl<'p> OpenQuestion<'p> {
    fn new(open: &'p watch::Sender<usize>) -> Self {
        open.send_modify(|count| *count += 1);
        Self(open)
    }
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The call as it is put before a person: nothing in it acts on the terminal or hides.
fn shown(server: &str, tool: &str, arguments: &Map<String, Value>) -> String {
    let arguments = serde_json::to_string_pretty(arguments).unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    let mut room = MAX_SHOWN;
    for line in arguments.lines() {
        let line = terminal::visible(line);
        let cut: String = line.chars().take(room).collect();
        room -= cut.chars().count();
        lines.push(format!("  {cut}"));
        if room == 0 {
            let length = arguments.chars().count();
            lines.push(format!("  … cut: the arguments have {length} characters"));
            break;
        }
    }
    format!(
        "the script wants to call {} of the server {} with\n{}",
        terminal::visible(tool),
        terminal::visible(server),
        lines.join("\n")
    )
}

/// Lines as they are typed at the terminal of this process, whatever standard input is.
///
/// The thread that reads them ends with the process: nothing else ends a read.
struct TypedLines {
    terminal: File,
    lines: mpsc::UnboundedReceiver<String>,
}

impl TypedLines {
    fn open() -> io::Result<Self> {
        let terminal = File::open("/dev/tty")?;
        let reader = BufReader::new(terminal.try_clone()?);
        let (typed, lines) = mpsc::unbounded_channel();
        std::thread::Builder::new()
            .name("code-mode-terminal".to_owned())
            .spawn(move || {
                for line in reader.lines() {
                    let Ok(line) = line else { break };
                    if typed.send(line).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { terminal, lines })
    }

    /// Forgets what was typed before a question: it was no answer to it.
    fn discard(&mut self) {
        let _ = tcflush(&self.terminal, QueueSelector::IFlush);
        while self.lines.try_recv().is_ok() {}
    }

    async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_with_an_open_question_does_not_count() {
        let person = Person::new();
        let mut elapsed = pin!(person.time_without_questions(Duration::from_secs(3)));
        let second = Duration::from_secs(1);
        assert!(tokio::time::timeout(second, &mut elapsed).await.is_err());
        let question = OpenQuestion::new(&person.open_questions);
        let another = OpenQuestion::new(&person.open_questions);
        assert!(
            tokio::time::timeout(100 * second, &mut elapsed)
                .await
                .is_err()
        );
        drop(question);
        assert!(
            tokio::time::timeout(100 * second, &mut elapsed)
                .await
                .is_err()
        );
        drop(another);
        let closed = Instant::now();
        elapsed.await;
        assert_eq!(closed.elapsed(), 2 * second);
    }

    #[test]
    fn a_call_is_shown_so_that_nothing_in_it_hides() {
        let arguments = serde_json::json!({ "path": "a\u{1b}[2J\u{202e}b", "lines": [1] });
        assert_eq!(
            shown("files\n", "wipe", arguments.as_object().unwrap()),
            "the script wants to call wipe of the server files\\n with\n  {\n    \"path\": \"a\\u001b[2J\\u{202e}b\",\n    \
             \"lines\": [\n      1\n    ]\n  }"
        );
    }

    #[test]
    fn arguments_beyond_what_anybody_reads_are_cut_and_it_is_said() {
        let arguments = serde_json::json!({ "text": "x".repeat(10_000) });
        let shown = shown("files", "write", arguments.as_object().unwrap());
        assert!(
            shown.ends_with("\n  … cut: the arguments have 10016 characters"),
            "{shown}"
        );
        assert!(shown.chars().count() < MAX_SHOWN + 200);
    }
}
