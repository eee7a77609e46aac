//! One seat of a soak: a session after the other, each with some dozens of cells and an end of its own; and
//! the one session that lasts.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use code_mode::{
    CellId, CellState, ContentItem, ExecuteRequest, FormatOptions, Limits, RuntimeResponse,
    Session, StartedCell, WaitRequest, WaitUntil, containment,
};
use futures_util::future::join_all;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::timeout;

use crate::dice::Dice;
use crate::host::{self, SoakHost};
use crate::kinds::{self, Ends, How, Kind};
use crate::leak::Leak;
use crate::mode::Mode;
use crate::patience;
use crate::record::Record;

/// With so many lost threads, no cell is started that may lose another one.
const LOST_THREADS_AT_ONCE: usize = 6;

const PATIENT_MS: u64 = 10 * 60 * 1_000;

/// What all seats share.
pub struct Soak {
    pub mode: Mode,
    /// Cells in 10,000 that are wedged.
    pub wedged: u64,
    /// Cells that are still to be parked in this round.
    pub to_park: AtomicUsize,
    pub leak: Option<Leak>,
    pub record: Record,
}

/// One seat, until it is time to stop.
pub async fn sit(soak: Arc<Soak>, mut dice: Dice, until: Instant) {
    while Instant::now() < until {
        one_session(&soak, &mut dice, until).await;
    }
}

/// Runs cells in a session of their own, a few at once, and ends it in one of the ways there are.
async fn one_session(soak: &Soak, dice: &mut Dice, until: Instant) {
    let (closed, mut closings) = mpsc::unbounded_channel();
    let builder = soak.mode.of(Session::builder().limits(limits()));
    let session = builder.build(SoakHost { closed });
    let lanes = 1 + dice.below(3);
    let lanes = (0..lanes).map(|_| {
        let lane = Lane {
            soak,
            session: &session,
            lasts: false,
        };
        lane.run(dice.split(), until)
    });
    let started: usize = join_all(lanes).await.into_iter().sum();

    let is_shut_down = dice.one_in(2);
    if is_shut_down {
        shut_down(soak, &session).await;
    }
    drop(session);
    let ended = if is_shut_down {
        "is shut down"
    } else {
        "is dropped"
    };
    hear_of_all(soak, &mut closings, started, ended).await;
    soak.record.session();
    if let Some(leak) = soak.leak {
        leak.happens();
    }
}

fn limits() -> Limits {
    Limits::default()
        .heap_bytes(32 << 20)
        .cpu_time(Duration::from_millis(200))
        .max_output_bytes(2 << 20)
        .max_kept_output_bytes(1 << 20)
        .max_stored_bytes(4 << 20)
}

/// Waits until the host has heard of each cell that was started that it is closed.
async fn hear_of_all(
    soak: &Soak,
    closings: &mut UnboundedReceiver<CellId>,
    started: usize,
    session: &str,
) {
    // The channel ends with the host, which goes with its session and all that the cells had of it. The
    // cells that are lost may keep theirs for longer.
    let mut heard: Vec<CellId> = Vec::new();
    let closing = async {
        while heard.len() < started
            && let Some(cell) = closings.recv().await
        {
            heard.push(cell);
        }
    };
    let in_time = patience::bounded(closing).await.is_some();
    heard.sort();
    heard.dedup();
    if !in_time || heard.len() != started {
        soak.record.wrong(format!(
            "{} of {started} cells were closed of a session that {session}",
            heard.len()
        ));
    }
}

/// The session that lasts from the warm-up to the end, with one cell at a time.
pub struct Lasting {
    session: Session,
    closings: UnboundedReceiver<CellId>,
}

impl Lasting {
    pub fn begin(soak: &Soak) -> Self {
        let (closed, closings) = mpsc::unbounded_channel();
        let builder = soak.mode.of_lasting(Session::builder().limits(limits()));
        let session = builder.build(SoakHost { closed });
        Self { session, closings }
    }

    /// Runs cells until it is time to stop, and leaves none behind.
    pub async fn sit(&mut self, soak: &Soak, mut dice: Dice, until: Instant) {
        while Instant::now() < until {
            let lane = Lane {
                soak,
                session: &self.session,
                lasts: true,
            };
            let started = lane.run(dice.split(), until).await;
            hear_of_all(soak, &mut self.closings, started, "lasts").await;
        }
    }

    pub async fn end(self, soak: &Soak) {
        shut_down(soak, &self.session).await;
    }
}

async fn shut_down(soak: &Soak, session: &Session) {
    if patience::bounded(session.shutdown()).await.is_none() {
        soak.record.wrong("a shutdown does not end".to_owned());
    }
    let is_live = |state| matches!(state, CellState::Running | CellState::Terminating);
    let live = session
        .cells()
        .iter()
        .filter(|cell| is_live(cell.state))
        .count();
    if live > 0 {
        soak.record
            .wrong(format!("{live} cells live after a shutdown"));
    }
}

/// Cells of a session, one after the other.
struct Lane<'a> {
    soak: &'a Soak,
    session: &'a Session,
    /// Whether the session is the one that lasts.
    lasts: bool,
}

impl Lane<'_> {
    /// How many cells were started.
    async fn run(self, mut dice: Dice, until: Instant) -> usize {
        let cells = 3 + dice.below(30);
        let mut started = 0;
        for _ in 0..cells {
            if Instant::now() >= until {
                break;
            }
            let kind = self.draw(&mut dice);
            started += self.one(kind, &mut dice).await;
            tokio::time::sleep(dice.delay() / 2).await;
        }
        started
    }

    fn draw(&self, dice: &mut Dice) -> &'static Kind {
        if !self.lasts
            && let Some(kind) = self.draw_one_that_loses_its_thread(dice)
        {
            return kind;
        }
        loop {
            let kinds = if dice.one_in(3) {
                kinds::HOSTILE
            } else {
                kinds::GOOD
            };
            let kind = kinds::drawn(kinds, dice.next());
            // A session that lasts would keep what is left in it.
            if !self.lasts || kind.how != How::Left {
                return kind;
            }
        }
    }

    fn draw_one_that_loses_its_thread(&self, dice: &mut Dice) -> Option<&'static Kind> {
        let Soak {
            wedged, to_park, ..
        } = self.soak;
        if dice.below(10_000) < *wedged && containment::lost_threads() < LOST_THREADS_AT_ONCE {
            return Some(&kinds::WEDGED);
        }
        let take = |left: usize| left.checked_sub(1);
        to_park
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
            .then_some(&kinds::PARKED)
    }

    /// Runs one cell; how many were started for it.
    async fn one(&self, kind: &'static Kind, dice: &mut Dice) -> usize {
        let source = kind
            .source
            .replace("DRAWN", &dice.below(1_000_000).to_string());
        let request = ExecuteRequest::new(source)
            .enabled_tools(host::tools())
            .yield_time_ms(match kind.how {
                How::InPieces => dice.below(4),
                _ => PATIENT_MS,
            });
        let start = Instant::now();
        let started = match self.session.start(request) {
            Ok(started) => started,
            Err(error) => {
                self.wrong(kind, format!("was refused: {error}"));
                return 0;
            }
        };
        let id = started.cell_id();
        let end = match kind.how {
            How::Executed | How::Formatted => self.bounded(kind, started.response()).await,
            How::InPieces => self.in_pieces(kind, started, dice).await,
            How::WaiterDropped => self.drop_a_waiter(kind, started, dice).await,
            How::Terminated => self.terminate(kind, started, dice).await,
            How::Left => {
                drop(started);
                self.soak.record.done(kind.name, Duration::ZERO);
                return 1;
            }
        };
        let Some(end) = end else {
            return 1;
        };
        self.soak.record.done(kind.name, start.elapsed());
        self.judge(kind, &end);
        if end.cell_id() != id {
            self.wrong(kind, format!("answered as {}", end.cell_id()));
        }
        match kind.how {
            How::Formatted => 1 + self.load_what_was_cut(kind, &end).await,
            _ => 1,
        }
    }

    /// The answer, if it comes.
    async fn bounded<T>(&self, kind: &Kind, answer: impl Future<Output = T>) -> Option<T> {
        let answer = patience::bounded(answer).await;
        if answer.is_none() {
            self.wrong(kind, "is not answered".to_owned());
        }
        answer
    }

    /// The answer to a wait, if it comes and is one.
    async fn wait(&self, kind: &Kind, request: WaitRequest) -> Option<RuntimeResponse> {
        match self.bounded(kind, self.session.wait(request)).await? {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.wrong(kind, format!("has no answer: {error}"));
                None
            }
        }
    }

    /// All answers up to the end, whose outputs together must be the numbers from 0.
    async fn in_pieces(
        &self,
        kind: &Kind,
        started: StartedCell,
        dice: &mut Dice,
    ) -> Option<RuntimeResponse> {
        let id = started.cell_id();
        let mut outputs = Vec::new();
        let mut answer = self.bounded(kind, started.response()).await?;
        loop {
            outputs.extend(answer.content_items().to_vec());
            if !matches!(answer, RuntimeResponse::Yielded { .. }) {
                break;
            }
            let mut again = WaitRequest::new(id).yield_time_ms(1 + dice.below(10));
            if dice.one_in(2) {
                again = again.until(WaitUntil::NewOutput);
            }
            answer = self.wait(kind, again).await?;
        }
        for (number, item) in outputs.iter().enumerate() {
            let expected = ContentItem::Text {
                text: number.to_string(),
            };
            if *item != expected {
                self.wrong(kind, format!("output {number} is {item:?}"));
            }
        }
        if matches!(kind.ends, Ends::Numbers(all) if outputs.len() != all) {
            self.wrong(kind, format!("has {} outputs", outputs.len()));
        }
        Some(answer)
    }

    async fn drop_a_waiter(
        &self,
        kind: &Kind,
        started: StartedCell,
        dice: &mut Dice,
    ) -> Option<RuntimeResponse> {
        let id = started.cell_id();
        if let Ok(end) = timeout(dice.delay() / 8, started.response()).await {
            return Some(end);
        }
        self.wait(kind, WaitRequest::new(id).yield_time_ms(PATIENT_MS))
            .await
    }

    async fn terminate(
        &self,
        kind: &Kind,
        started: StartedCell,
        dice: &mut Dice,
    ) -> Option<RuntimeResponse> {
        let id = started.cell_id();
        if let Ok(end) = timeout(dice.delay(), started.response()).await {
            return Some(end);
        }
        self.wait(kind, WaitRequest::terminate(id)).await
    }

    fn judge(&self, kind: &Kind, end: &RuntimeResponse) {
        let was_terminated = matches!(end, RuntimeResponse::Terminated { .. });
        let is_right = (was_terminated && kind.how == How::Terminated)
            || (!was_terminated && kind.ends.fits(end));
        // The last of a session's answers, taken for another one.
        let is_taken_wrong =
            self.soak.leak == Some(Leak::Answer) && matches!(kind.ends, Ends::Says("42"));
        if !is_right || is_taken_wrong {
            let terminated = if was_terminated {
                "terminated"
            } else {
                "ended"
            };
            let said: String = end.text().chars().take(200).collect();
            let error = end.error_text();
            self.wrong(
                kind,
                format!("{terminated}, error {error:?}, said {said:?}"),
            );
        }
    }

    /// Has a cell load the end of what was cut from an answer; how many were started.
    async fn load_what_was_cut(&self, kind: &Kind, end: &RuntimeResponse) -> usize {
        let options = FormatOptions::new(Duration::ZERO).max_tokens(Some(500));
        let formatted = self.session.format(end, options);
        let Some(cut) = formatted.truncated else {
            self.wrong(kind, "was not cut".to_owned());
            return 0;
        };
        let source = kinds::LOADS_WHAT_WAS_CUT.replace("HANDLE", &cut.handle.to_string());
        let request = ExecuteRequest::new(source).yield_time_ms(PATIENT_MS);
        let Some(loaded) = self.bounded(kind, self.session.execute(request)).await else {
            return 1;
        };
        match loaded {
            Ok(loaded) if loaded.text() == "end" => 1,
            // Another lane's output may have taken its place meanwhile.
            Ok(loaded)
                if loaded
                    .error_text()
                    .is_some_and(|why| why.contains("RangeError")) =>
            {
                1
            }
            Ok(loaded) => {
                self.wrong(kind, format!("what was cut is loaded as {loaded:?}"));
                1
            }
            Err(error) => {
                self.wrong(kind, format!("what was cut is not loaded: {error}"));
                0
            }
        }
    }

    fn wrong(&self, kind: &Kind, what: String) {
        self.soak.record.wrong(format!("{:?} {what}", kind.name));
    }
}
