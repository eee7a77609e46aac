//! Watching one cell for one request: until it ends or yields, the time is up, a person has to be asked,
//! or the client has gone. Meanwhile tells the client what happens.
//!
//! What a cell still has to say is never taken before it can be answered: everything here may be
//! dropped at any point and the next request finds it.

use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use code_mode::{CellId, RuntimeResponse, WaitError, WaitRequest};
use rmcp::model::{
    CancelledNotificationParam, ClientResult, ElicitRequest, InputRequiredResult, RequestId,
    ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions, RoleServer};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::cell::{CellLog, Question, Reply};
use super::client::{Client, WayToAsk};
use super::question::{self, RequestState};
use super::session::ClientSession;

/// From this yield time on a request gets [`YIELD_GRACE`] on top, as the engine does it: a call of that
/// very length inside the script can still finish within one answer.
const LONG_YIELD: Duration = Duration::from_secs(10);
const YIELD_GRACE: Duration = Duration::from_secs(1);

/// How long an answer may be held up by notifications that have to go before it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The engine's next answer of a cell. Dropped, it has taken nothing.
pub(super) type NextAnswer =
    Pin<Box<dyn Future<Output = Result<RuntimeResponse, WaitError>> + Send>>;

/// How a watch ended.
pub(super) enum Seen {
    /// With an answer of the cell's.
    Answer(RuntimeResponse),
    /// With a question that the client answers in its next request.
    Question(InputRequiredResult),
    /// The client does not want the answer any more.
    Cancelled,
    /// The cell has no answer.
    Error(WaitError),
}

/// One request that watches one cell.
pub(super) struct Watch<'a> {
    pub(super) session: &'a Arc<ClientSession>,
    pub(super) cell_id: CellId,
    pub(super) cell: Arc<CellLog>,
    pub(super) client: &'a mut Client,
    /// How long to watch at most; stands still while a person is asked.
    pub(super) yield_time: Duration,
    pub(super) progress_interval: Duration,
}

impl Watch<'_> {
    pub(super) async fn until_something_happens(mut self, mut answer: NextAnswer) -> Seen {
        let mut left = self.yield_time;
        if left >= LONG_YIELD {
            left += YIELD_GRACE;
        }
        let mut ticks = interval_at(
            Instant::now() + self.progress_interval,
            self.progress_interval,
        );
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut status_due = false;
        let mut telling: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
        let mut asking: Option<Asking> = None;

        loop {
            let questions = self.cell.questions();
            asking = asking.and_then(|asking| asking.unless_withdrawn(&questions));
            if self.refuse_what_cannot_be_asked(&questions) {
                continue;
            }
            let mut in_the_answer = false;
            if let (Some(first), None) = (questions.first(), &asking) {
                match self.client.way_to_ask {
                    WayToAsk::InputRequired => in_the_answer = true,
                    WayToAsk::Elicit => asking = Some(Asking::start(&self.client.peer, first)),
                }
            }
            if telling.is_none()
                && let Some(words) = self.next_words(&mut status_due)
            {
                let age = self.cell.started.elapsed();
                telling = Some(Box::pin(self.client.telling(words, age)));
            }

            let since = Instant::now();
            let standing_still = asking.is_some();
            tokio::select! {
                biased;
                // First, so that an answer that nobody would read stays with its cell.
                () = self.client.cancelled.cancelled() => return Seen::Cancelled,
                answered = &mut answer => {
                    self.last_words(telling).await;
                    return answered.map_or_else(Seen::Error, Seen::Answer);
                }
                // Here, as a script that yielded before it called is answered with that before.
                () = ready(()), if in_the_answer => {
                    self.last_words(telling).await;
                    return Seen::Question(self.ask_in_the_answer(&questions));
                }
                said = answer_to(&mut asking) => {
                    if let Some(asking) = asking.take() {
                        self.session.cells.answer(&self.cell, &asking.question_id, said);
                        asking.answered();
                    }
                }
                () = done(&mut telling) => telling = None,
                () = self.cell.changed() => {}
                _ = ticks.tick(), if self.client.hears_progress() => status_due = true,
                () = sleep(left), if !standing_still => {
                    // The right to the next answer goes back before it is asked for again.
                    drop(answer);
                    self.last_words(telling).await;
                    let now = WaitRequest::new(self.cell_id).yield_time_ms(0);
                    let answered = self.session.engine.wait(now).await;
                    return answered.map_or_else(Seen::Error, Seen::Answer);
                }
            }
            if !standing_still {
                left = left.saturating_sub(since.elapsed());
            }
        }
    }

    /// What the client is to hear next, the script's own words first.
    fn next_words(&self, status_due: &mut bool) -> Option<String> {
        if self.client.hears_notes()
            && let Some(note) = self.cell.take_note()
        {
            return Some(note);
        }
        if !self.client.hears_progress() {
            return None;
        }
        if let Some(progress) = self.cell.take_progress() {
            return Some(progress);
        }
        std::mem::take(status_due).then(|| self.cell.status())
    }

    /// What must not come after the answer goes before it, unless the client takes too long.
    async fn last_words(&mut self, telling: Option<Pin<Box<dyn Future<Output = ()> + Send>>>) {
        let words = async {
            if let Some(telling) = telling {
                telling.await;
            }
            while self.client.hears_notes()
                && let Some(note) = self.cell.take_note()
            {
                let age = self.cell.started.elapsed();
                self.client.telling(note, age).await;
            }
        };
        let _ = timeout(LAST_WORDS, words).await;
    }

    /// Whether there was any.
    fn refuse_what_cannot_be_asked(&self, questions: &[Question]) -> bool {
        const WHY: &str = "the policy has a person asked about it, and this client cannot ask anybody \
                           (it has no elicitation)";

        let refused = questions
            .iter()
            .filter(|question| !self.client.can_ask(&question.form));
        let mut any = false;
        for question in refused {
            any = true;
            let cells = &self.session.cells;
            cells.answer(&self.cell, &question.id, Reply::Nobody(WHY.to_owned()));
        }
        any
    }

    fn ask_in_the_answer(&self, questions: &[Question]) -> InputRequiredResult {
        let state = RequestState {
            session: self.session.handle.clone(),
            cell_id: self.cell_id,
            round: self.cell.begin_round(),
        };
        question::input_required(questions, &state)
    }
}

/// Never returns while nobody is asked.
async fn answer_to(asking: &mut Option<Asking>) -> Reply {
    match asking {
        Some(asking) => (&mut asking.answer).await,
        None => std::future::pending().await,
    }
}

/// Never returns while there is nothing to tell.
async fn done(telling: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>) {
    match telling {
        Some(telling) => telling.await,
        None => std::future::pending().await,
    }
}

/// A question that the client is being asked by a request of ours. Dropped before it was answered, it
/// tells the client not to bother.
struct Asking {
    question_id: String,
    answer: Pin<Box<dyn Future<Output = Reply> + Send>>,
    peer: Peer<RoleServer>,
    /// Known once the request is on its way.
    request_id: Arc<OnceLock<RequestId>>,
    answered: bool,
}

impl Asking {
    fn start(peer: &Peer<RoleServer>, question: &Question) -> Self {
        let request_id = Arc::new(OnceLock::new());
        let answer = ask(
            peer.clone(),
            ElicitRequest::new(question.form.clone()),
            Arc::clone(&request_id),
        );
        Self {
            question_id: question.id.clone(),
            answer: Box::pin(answer),
            peer: peer.clone(),
            request_id,
            answered: false,
        }
    }

    fn unless_withdrawn(self, questions: &[Question]) -> Option<Self> {
        let open = questions
            .iter()
            .any(|question| question.id == self.question_id);
        open.then_some(self)
    }

    fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let Some(request_id) = self.request_id.get().filter(|_| !self.answered) else {
            return;
        };
        let cancelled = CancelledNotificationParam::new(
            Some(request_id.clone()),
            Some("the call it was about is gone".to_owned()),
        );
        let peer = self.peer.clone();
        tokio::spawn(async move {
            let _ = peer.notify_cancelled(cancelled).await;
        });
    }
}

/// Must be awaited in the task of the request it belongs to, so that over HTTP it goes out on that
/// request's stream.
async fn ask(
    peer: Peer<RoleServer>,
    request: ElicitRequest,
    request_id: Arc<OnceLock<RequestId>>,
) -> Reply {
    let request = ServerRequest::ElicitRequest(request);
    let options = PeerRequestOptions::no_options();
    let answered = match peer.send_cancellable_request(request, options).await {
        Ok(handle) => {
            let _ = request_id.set(handle.id.clone());
            handle.await_response().await
        }
        Err(error) => Err(error),
    };
    match answered {
        Ok(ClientResult::ElicitResult(result)) => Reply::Said(result),
        Ok(_) => Reply::Nobody("the client answered the question with something else".to_owned()),
        Err(error) => Reply::Nobody(format!("the question could not be asked: {error}")),
    }
}
