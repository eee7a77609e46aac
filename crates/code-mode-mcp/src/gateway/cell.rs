//! What a session knows of its cells besides their output: calls in flight and ended, what scripts said
//! with `notify`, questions to a person. Written by [`SessionEvents`], read by whoever watches a cell.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use code_mode::{CancellationToken, CellId, Notification};
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde::Serialize;
use tokio::sync::{Notify, oneshot};

use super::handle::random_handle;
use super::question;
use crate::host::{self, Answer, CallEvents, CallProgress, EndedCall, StartedCall};

/// How many ended calls an answer lists: the newest.
const LISTED_CALLS: usize = 100;
/// How many notes wait for somebody to tell them to: the newest.
const KEPT_NOTES: usize = 100;
/// How much of one note is kept, in bytes.
const NOTE_BYTES: usize = 2_000;

/// A call that has ended, as an answer lists it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ListedCall {
    tool: Arc<str>,
    ok: bool,
    ms: u64,
}

/// The calls that ended since the last answer.
#[derive(Debug, Default)]
pub(super) struct EndedCalls {
    /// The newest, oldest first.
    pub(super) listed: VecDeque<ListedCall>,
    /// How many more there were before them.
    pub(super) omitted: u64,
}

/// The cells of one session, by id. Owned by the session; an entry lives from the first that is heard
/// of a cell until its end was answered.
#[derive(Default)]
pub(super) struct Cells {
    cells: Mutex<HashMap<CellId, Arc<CellLog>>>,
    /// What a person allowed for the whole session. Locked while a question is opened and while one is
    /// answered, so that an answer for the session leaves none open that it is about. Locked before
    /// every other.
    allowed: Mutex<HashSet<Subject>>,
}

impl Cells {
    /// The entry of a cell. Events may come before the caller of `Session::start` has the id, so
    /// whoever is first makes it.
    pub(super) fn of(&self, cell_id: CellId) -> Arc<CellLog> {
        Arc::clone(lock(&self.cells).entry(cell_id).or_default())
    }

    /// Called once the end of a cell was answered.
    pub(super) fn forget(&self, cell_id: CellId) {
        lock(&self.cells).remove(&cell_id);
    }

    /// The entry of a cell, if it has one.
    pub(super) fn get(&self, cell_id: CellId) -> Option<Arc<CellLog>> {
        lock(&self.cells).get(&cell_id).cloned()
    }

    /// Opens a question of a cell. `None` if a person has allowed for the session what it is about.
    fn open(
        &self,
        cell: Arc<CellLog>,
        subject: Subject,
        form: impl FnOnce() -> ElicitRequestParams,
    ) -> Option<Opened> {
        let allowed = lock(&self.allowed);
        if allowed.contains(&subject) {
            return None;
        }
        let (id, reply) = cell.open(form(), subject);
        Some(Opened {
            reply,
            withdraw: Withdraw { cell, id },
        })
    }

    /// Answers a question of a cell. A person who allows a tool for the session answers all questions of
    /// the session that are about it.
    pub(super) fn answer(&self, cell: &CellLog, question_id: &str, reply: Reply) {
        let allows = reply.answer() == Answer::AllowAlways;
        let mut allowed = lock(&self.allowed);
        let Some(subject @ Subject::Call { .. }) = cell.close(question_id, reply) else {
            return;
        };
        if !allows {
            return;
        }
        let cells: Vec<_> = lock(&self.cells).values().cloned().collect();
        for cell in cells {
            cell.allow_all(&subject);
        }
        allowed.insert(subject);
    }
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// Whether a call may go ahead.
    Call { server: String, tool: String },
    /// Something that a server wants to know.
    Server,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Reply {
    /// What the person said.
    Said(ElicitResult),
    /// The person has allowed the tool for the session, asked about another call of it.
    Allowed,
    /// Nobody was asked, and why.
    Nobody(String),
}

impl Reply {
    /// What it means for a call.
    fn answer(&self) -> Answer {
        match self {
            Self::Said(result) => question::answer(result),
            Self::Allowed => Answer::AllowAlways,
            Self::Nobody(why) => Answer::Refuse(why.clone()),
        }
    }
}

/// An open question, as whoever has it answered sees it.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) form: ElicitRequestParams,
    subject: Subject,
}

/// What is known of one cell. Its lock is held for operations of its collections only.
pub(super) struct CellLog {
    /// When it was first heard of.
    pub(super) started: Instant,
    /// The namespaces that its script mentions.
    pub(super) mentioned: OnceLock<Vec<String>>,
    state: Mutex<State>,
    /// Wakes the one request that watches the cell; a wake that nobody waits for is kept.
    changed: Notify,
}

#[derive(Default)]
struct State {
    in_flight: BTreeMap<u64, Arc<str>>,
    ended: EndedCalls,
    notes: VecDeque<String>,
    notes_dropped: usize,
    /// The newest progress of a call that nobody was told yet.
    progress: Option<String>,
    /// Oldest first.
    questions: Vec<OpenQuestion>,
    /// The names under which questions were handed to a client that answers in a later request.
    rounds: HashSet<String>,
}

struct OpenQuestion {
    question: Question,
    reply: oneshot::Sender<Reply>,
}

impl Default for CellLog {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            mentioned: OnceLock::new(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl CellLog {
    /// Returns when something may have changed since the last time it returned.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.notify_one();
        result
    }

    /// Such as `running 15 s, 3 calls in flight (mcp__git__git_log)`.
    pub(super) fn status(&self) -> String {
        const NAMED: usize = 3;
        let state = lock(&self.state);
        let seconds = self.started.elapsed().as_secs();
        let mut names: Vec<&str> = Vec::new();
        for name in state.in_flight.values() {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        let more = if names.len() > NAMED { ", …" } else { "" };
        names.truncate(NAMED);
        let names = names.join(", ");
        match state.in_flight.len() {
            0 => format!("running {seconds} s"),
            1 => format!("running {seconds} s, 1 call in flight ({names})"),
            calls => format!("running {seconds} s, {calls} calls in flight ({names}{more})"),
        }
    }

    /// The oldest note that nobody was told yet.
    pub(super) fn take_note(&self) -> Option<String> {
        lock(&self.state).notes.pop_front()
    }

    /// All notes that nobody was told, and how many there were beyond those that were kept.
    pub(super) fn take_notes(&self) -> (Vec<String>, usize) {
        let mut state = lock(&self.state);
        let dropped = std::mem::take(&mut state.notes_dropped);
        (state.notes.drain(..).collect(), dropped)
    }

    /// The newest progress of a call, if nobody was told yet.
    pub(super) fn take_progress(&self) -> Option<String> {
        lock(&self.state).progress.take()
    }

    /// The calls that ended since this was last asked.
    pub(super) fn take_ended(&self) -> EndedCalls {
        std::mem::take(&mut lock(&self.state).ended)
    }

    /// The open questions, oldest first.
    pub(super) fn questions(&self) -> Vec<Question> {
        let state = lock(&self.state);
        let questions = state.questions.iter();
        questions.map(|open| open.question.clone()).collect()
    }

    /// Names the open questions for a client that will answer in a later request.
    pub(super) fn begin_round(&self) -> String {
        let round = random_handle();
        lock(&self.state).rounds.insert(round.clone());
        round
    }

    /// Whether a round of this name was begun for this cell.
    pub(super) fn has_round(&self, round: &str) -> bool {
        lock(&self.state).rounds.contains(round)
    }

    fn open(
        &self,
        form: ElicitRequestParams,
        subject: Subject,
    ) -> (String, oneshot::Receiver<Reply>) {
        let (reply, receiver) = oneshot::channel();
        let id = random_handle();
        let question = Question {
            id: id.clone(),
            form,
            subject,
        };
        self.change(|state| state.questions.push(OpenQuestion { question, reply }));
        (id, receiver)
    }

    /// Takes a question away, answered. `None` if it is not open any more.
    fn close(&self, id: &str, reply: Reply) -> Option<Subject> {
        self.change(|state| {
            let position = state
                .questions
                .iter()
                .position(|open| open.question.id == id)?;
            let open = state.questions.remove(position);
            let _ = open.reply.send(reply);
            Some(open.question.subject)
        })
    }

    fn allow_all(&self, subject: &Subject) {
        for question in self.questions() {
            if question.subject == *subject {
                self.close(&question.id, Reply::Allowed);
            }
        }
    }

    fn withdraw(&self, id: &str) {
        self.change(|state| state.questions.retain(|open| open.question.id != id));
    }
}

/// The session's ear on the host: every event of every nested call goes into the [`Cells`].
pub(super) struct SessionEvents(pub(super) Arc<Cells>);

/// A question that was put and waits for its answer. Dropped, it is taken back.
struct Opened {
    reply: oneshot::Receiver<Reply>,
    withdraw: Withdraw,
}

impl Opened {
    /// Waits, suspended, until a request that watches the cell has the answer.
    async fn answered(self) -> Reply {
        let _withdraw = self.withdraw;
        self.reply
            .await
            .unwrap_or_else(|_| Reply::Nobody("the session has ended".to_owned()))
    }
}

/// Takes a question back when the call behind it is gone, however it went.
struct Withdraw {
    cell: Arc<CellLog>,
    id: String,
}

impl Drop for Withdraw {
    fn drop(&mut self) {
        self.cell.withdraw(&self.id);
    }
}

impl SessionEvents {
    /// The answer to a question, which is that of the session if there is one.
    async fn answered(
        &self,
        cell_id: CellId,
        subject: Subject,
        form: impl FnOnce() -> ElicitRequestParams,
    ) -> Reply {
        match self.0.open(self.0.of(cell_id), subject, form) {
            Some(opened) => opened.answered().await,
            None => Reply::Allowed,
        }
    }
}

impl CallEvents for SessionEvents {
    async fn ask(&self, call: host::Question, cancellation: CancellationToken) -> Answer {
        let subject = Subject::Call {
            server: call.server.clone(),
            tool: call.tool.clone(),
        };
        let answered = self.answered(call.cell_id, subject, || question::form(&call));
        match cancellation.run_until_cancelled(answered).await {
            Some(reply) => reply.answer(),
            None => Answer::Refuse("the call was cancelled".to_owned()),
        }
    }

    async fn elicit(
        &self,
        call: &StartedCall,
        server: &str,
        asked: ElicitRequestParams,
    ) -> ElicitResult {
        let form = || question::of_server(server, asked);
        match self.answered(call.cell_id, Subject::Server, form).await {
            Reply::Said(result) => result,
            Reply::Allowed | Reply::Nobody(_) => ElicitResult::new(ElicitationAction::Decline),
        }
    }

    fn call_started(&self, call: &StartedCall) {
        self.0.of(call.cell_id).change(|state| {
            state.in_flight.insert(call.call_id, Arc::clone(&call.tool));
        });
    }

    fn call_ended(&self, ended: &EndedCall) {
        let Some(cell) = self.0.get(ended.call.cell_id) else {
            return;
        };
        cell.change(|state| {
            state.in_flight.remove(&ended.call.call_id);
            state.ended.listed.push_back(ListedCall {
                tool: Arc::clone(&ended.call.tool),
                ok: ended.ok,
                ms: milliseconds(ended.took),
            });
            if state.ended.listed.len() > LISTED_CALLS {
                state.ended.listed.pop_front();
                state.ended.omitted += 1;
            }
        });
    }

    fn call_progress(&self, progress: &CallProgress) {
        if let Some(cell) = self.0.get(progress.call.cell_id) {
            cell.change(|state| state.progress = Some(progress_words(progress)));
        }
    }

    fn notified(&self, notification: &Notification) {
        let cell = self.0.of(notification.cell_id);
        cell.change(|state| {
            state
                .notes
                .push_back(shortened(&notification.text, NOTE_BYTES));
            if state.notes.len() > KEPT_NOTES {
                state.notes.pop_front();
                state.notes_dropped += 1;
            }
        });
    }
}

/// Such as `mcp__build__compile: 3 of 10, linking`.
fn progress_words(progress: &CallProgress) -> String {
    let tool = &progress.call.tool;
    let done = progress.progress;
    let far = match progress.total {
        Some(total) => format!("{done} of {total}"),
        None => done.to_string(),
    };
    match progress.message.as_deref() {
        Some(message) if !message.is_empty() => {
            format!("{tool}: {far}, {}", shortened(message, NOTE_BYTES))
        }
        _ => format!("{tool}: {far}"),
    }
}

/// The beginning of a text, with `…` if that is not all of it.
pub(super) fn shortened(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(max_bytes)])
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Locks, whatever a panic elsewhere left: each step of a critical section leaves its data whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::TryLockError;

    use serde_json::json;

    use super::*;

    fn subject() -> Subject {
        Subject::Call {
            server: "files".to_owned(),
            tool: "write".to_owned(),
        }
    }

    fn form() -> ElicitRequestParams {
        question::form(&host::Question {
            cell_id: "1".parse().unwrap(),
            server: "files".to_owned(),
            tool: "write".to_owned(),
            arguments: serde_json::Map::new(),
        })
    }

    fn for_the_session() -> Reply {
        let content = json!({ "decision": "Allow for this session" });
        Reply::Said(ElicitResult::new(ElicitationAction::Accept).with_content(content))
    }

    #[test]
    fn an_answer_for_the_session_leaves_no_question_open_that_was_being_put_meanwhile() {
        let cells = Cells::default();
        let cell = cells.of("1".parse().unwrap());
        let first = cells.open(Arc::clone(&cell), subject(), form).unwrap();
        let answer = || cells.answer(&cell, &first.withdraw.id, for_the_session());
        // The worst moment for the answer: the second was found to be worth a question, and is none yet.
        let second = cells.open(Arc::clone(&cell), subject(), || {
            if !matches!(cells.allowed.try_lock(), Err(TryLockError::WouldBlock)) {
                answer();
            }
            form()
        });
        // Where it had to wait for the second, it comes now.
        answer();
        assert!(cell.questions().is_empty());
        let mut second = second.expect("it came before the answer");
        let reply = second.reply.try_recv().unwrap();
        assert_eq!(reply.answer(), Answer::AllowAlways);
        assert!(cells.open(cell, subject(), form).is_none());
    }
}
