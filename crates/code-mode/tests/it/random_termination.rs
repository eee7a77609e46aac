//! Cells that are ended at random moments, whatever they are at: each is answered once, nothing comes
//! after, and nothing is left.
//!
//! The seed is new in each run and printed; how many cells there are is said by `CODE_MODE_TERMINATIONS`,
//! and a seed can be given by `CODE_MODE_SEED`. The same seed makes the same plan, but what a script is
//! at when its end comes is up to the machine:
//!
//!     CODE_MODE_TERMINATIONS=100000 cargo test --release -p code-mode --test it random_termination -- --nocapture

mod host;
mod scripts;

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use code_mode::{
    CellId, ContentItem, ExecuteRequest, Limits, RuntimeResponse, Session, SessionBuilder,
    StartedCell, WaitError, WaitRequest, containment, standby,
};
use tokio::task::JoinHandle;

use self::host::{PLANNED, Tools, spin};
use self::scripts::{End, SCRIPTS, Script};
use crate::alone;
use crate::support::LONG_MS;

/// Unless `CODE_MODE_TERMINATIONS` says otherwise.
const CELLS: usize = 400;

/// A session that has not ended all its cells by then never will.
const LOST_AFTER: Duration = Duration::from_secs(120);

/// Where the cells of this test run is said here alone.
fn builder() -> SessionBuilder {
    Session::builder()
}

#[test]
fn a_cell_that_is_ended_at_a_random_moment_is_answered_once_and_leaves_nothing() {
    let name = "random_termination::a_cell_that_is_ended_at_a_random_moment_is_answered_once_and_leaves_nothing";
    alone::alone(name, || {
        silence_planned_panics();
        alone::block_on(all());
    });
}

async fn all() {
    let cells = from_environment("CODE_MODE_TERMINATIONS").unwrap_or(CELLS as u64) as usize;
    let seed =
        from_environment("CODE_MODE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    println!("{cells} cells; CODE_MODE_SEED={seed}");
    let (mut dice, mut tally, start) = (Dice(seed), Tally::default(), Instant::now());
    let mut done = 0;
    while done < cells {
        if dice.one_in(30) {
            standby::configure(dice.pool());
        }
        let plan = Plan::new(&mut dice);
        done += plan.cells.len();
        let told = plan.to_string();
        let ends = tokio::time::timeout(LOST_AFTER, carry_out(plan)).await;
        let ends = ends.unwrap_or_else(|_| panic!("an answer is lost; seed {seed}, {told}"));
        let ends = ends.unwrap_or_else(|wrong| panic!("{wrong}; seed {seed}, {told}"));
        ends.iter()
            .for_each(|(script, end)| tally.count(script, *end));
    }
    assert_eq!(containment::lost_threads(), 0);
    println!(
        "{tally}{done} cells in {:.1} s",
        start.elapsed().as_secs_f64()
    );
}

fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

fn silence_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(PLANNED) {
            usual(info);
        }
    }));
}

/// Pseudo-random numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// From none to sixteen milliseconds; as often between 10 µs and 20 µs as between 1 ms and 2 ms.
    fn delay(&mut self) -> Duration {
        const SHORTEST: f64 = 11.0;
        const LONGEST: f64 = 24.0;
        if self.one_in(8) {
            return Duration::ZERO;
        }
        let share = self.next() as f64 / u64::MAX as f64;
        let magnitude = SHORTEST + share * (LONGEST - SHORTEST);
        Duration::from_nanos(magnitude.exp2() as u64)
    }

    /// Now and then no isolate stands by, and cells are ended before they have one.
    fn pool(&mut self) -> standby::Options {
        match self.below(3) {
            0 => standby::Options::none(),
            _ => standby::Options::default(),
        }
    }
}

/// How the cells of a session are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One by one.
    Terminate,
    Shutdown,
    Drop,
}

/// Who is there to hear of the end of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    /// One waiter, from the start on.
    Throughout,
    /// A waiter after the other, each for a millisecond.
    InPieces,
    /// Nobody but who ends it.
    ByNobody,
}

struct PlannedCell {
    script: &'static Script,
    watched: Watched,
    /// From the start of the last cell of the session.
    delay: Duration,
    /// Whoever ends it does not stay to hear of it.
    walks_away: bool,
}

/// One session and its end.
struct Plan {
    way: Way,
    /// The scripts may compute for three milliseconds only.
    hurried: bool,
    cells: Vec<PlannedCell>,
}

impl Plan {
    fn new(dice: &mut Dice) -> Self {
        let way = match dice.below(5) {
            0 => Way::Shutdown,
            1 => Way::Drop,
            _ => Way::Terminate,
        };
        let cells = 1 + dice.below(6);
        Self {
            way,
            hurried: dice.one_in(8),
            cells: (0..cells).map(|_| PlannedCell::new(dice, way)).collect(),
        }
    }
}

impl PlannedCell {
    fn new(dice: &mut Dice, way: Way) -> Self {
        let watched = match dice.below(3) {
            0 => Watched::ByNobody,
            // Who waits again needs the session.
            1 if way != Way::Drop => Watched::InPieces,
            _ => Watched::Throughout,
        };
        Self {
            script: &SCRIPTS[dice.below(SCRIPTS.len())],
            watched,
            delay: dice.delay(),
            walks_away: dice.one_in(6),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, hurried: {}", self.way, self.hurried)?;
        for (number, cell) in self.cells.iter().enumerate() {
            let PlannedCell {
                script,
                watched,
                delay,
                walks_away,
            } = cell;
            write!(
                f,
                "\n  cell {}: {:?} after {delay:?}, watched {watched:?}, walks away: {walks_away}",
                number + 1,
                script.name
            )?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Terminated,
    Result,
    /// Nobody was there to hear.
    Unheard,
}

/// How often each script ended how.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, [usize; 3]>);

impl Tally {
    fn count(&mut self, script: &'static str, end: Ended) {
        self.0.entry(script).or_default()[end as usize] += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["script", "terminated", "result", "unheard"];
        writeln!(
            f,
            "{:<40}{:>12}{:>12}{:>12}",
            names[0], names[1], names[2], names[3]
        )?;
        let mut all = [0; 3];
        for (script, ends) in &self.0 {
            writeln!(
                f,
                "{script:<40}{:>12}{:>12}{:>12}",
                ends[0], ends[1], ends[2]
            )?;
            (0..3).for_each(|end| all[end] += ends[end]);
        }
        writeln!(f, "{:<40}{:>12}{:>12}{:>12}", "all", all[0], all[1], all[2])
    }
}

/// A cell that was started, with what was answered so far.
struct Begun {
    id: CellId,
    key: String,
    planned: PlannedCell,
    watch: Option<JoinHandle<Result<Vec<RuntimeResponse>, String>>>,
    answers: Vec<RuntimeResponse>,
}

/// Starts the cells of a session, ends them, and looks at all that was said; what was wrong with it, or how
/// each script ended.
async fn carry_out(plan: Plan) -> Result<Vec<(&'static str, Ended)>, String> {
    let (host, mut closings, too_late) = Tools::new();
    let mut limits = Limits::default().heap_bytes(24 * 1024 * 1024);
    if plan.hurried {
        limits = limits.cpu_time(Duration::from_millis(3));
    }
    let session = Arc::new(builder().limits(limits).build(host));
    let (way, hurried) = (plan.way, plan.hurried);
    let mut cells = Vec::new();
    for (number, planned) in plan.cells.into_iter().enumerate() {
        cells.push(begin(&session, way, number, planned)?);
    }

    let session = match way {
        Way::Terminate => {
            terminate(&session, &mut cells).await?;
            Some(session)
        }
        Way::Shutdown => {
            spin(longest_delay(&cells));
            session.shutdown().await;
            Some(session)
        }
        Way::Drop => {
            spin(longest_delay(&cells));
            drop(session);
            None
        }
    };
    for cell in &mut cells {
        cell.hear_all(session.as_deref()).await?;
    }
    if let Some(session) = &session {
        nothing_is_left(session, &cells).await?;
    }
    // With the session, and all that its cells had of it, the host goes.
    drop(session);
    let mut closed = Vec::new();
    while let Some(cell) = closings.recv().await {
        closed.push(cell);
    }
    closed.sort();
    let ids: Vec<CellId> = cells.iter().map(|cell| cell.id).collect();
    if closed != ids {
        return Err(format!("closed were {closed:?}"));
    }
    let too_late = too_late.heard();
    if !too_late.is_empty() {
        return Err(format!("heard too late: {too_late:?}"));
    }
    let ends = cells.iter().map(|cell| {
        let end = cell.end(hurried);
        end.map(|end| (cell.planned.script.name, end))
            .map_err(|wrong| format!("cell {}: {wrong}", cell.id))
    });
    ends.collect()
}

fn begin(
    session: &Arc<Session>,
    way: Way,
    number: usize,
    planned: PlannedCell,
) -> Result<Begun, String> {
    let key = format!("k{number}");
    let yield_time = match planned.watched {
        Watched::InPieces => 1,
        Watched::Throughout | Watched::ByNobody => LONG_MS,
    };
    let request = ExecuteRequest::new(planned.script.source(&key))
        .enabled_tools(host::tools())
        .yield_time_ms(yield_time);
    let started = session.start(request).map_err(|error| error.to_string())?;
    let id = started.cell_id();
    // Who waits for more than one answer needs the session, which is not to be dropped for its sake then.
    let again = (way != Way::Drop).then(|| Arc::clone(session));
    let watch = (planned.watched != Watched::ByNobody)
        .then(|| tokio::spawn(watch(again, started, yield_time)));
    Ok(Begun {
        id,
        key,
        planned,
        watch,
        answers: Vec::new(),
    })
}

/// Waits until the end, or until somebody else has had it.
async fn watch(
    session: Option<Arc<Session>>,
    started: StartedCell,
    yield_time: u64,
) -> Result<Vec<RuntimeResponse>, String> {
    let id = started.cell_id();
    let mut answers = vec![started.response().await];
    while let Some(RuntimeResponse::Yielded { .. }) = answers.last() {
        let Some(session) = &session else {
            break;
        };
        let again = WaitRequest::new(id).yield_time_ms(yield_time);
        match session.wait(again).await {
            Ok(answer) => answers.push(answer),
            Err(WaitError::AlreadyDelivered(_) | WaitError::AlreadyTerminated(_)) => break,
            Err(error) => return Err(format!("cell {id}: a wait was refused: {error}")),
        }
    }
    Ok(answers)
}

fn longest_delay(cells: &[Begun]) -> Duration {
    let delays = cells.iter().map(|cell| cell.planned.delay);
    delays.max().unwrap_or_default()
}

/// Terminates each cell at its moment, then waits for all of the answers.
async fn terminate(session: &Session, cells: &mut [Begun]) -> Result<(), String> {
    type Termination<'a> = Pin<Box<dyn Future<Output = Result<RuntimeResponse, WaitError>> + 'a>>;

    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by_key(|&cell| cells[cell].planned.delay);
    let start = Instant::now();
    let mut terminations: Vec<(usize, Termination<'_>)> = Vec::new();
    for number in order {
        let cell = &mut cells[number];
        spin(cell.planned.delay.saturating_sub(start.elapsed()));
        let mut termination: Termination<'_> =
            Box::pin(session.wait(WaitRequest::terminate(cell.id)));
        let first = poll_fn(|context| Poll::Ready(termination.as_mut().poll(context))).await;
        match first {
            Poll::Ready(answer) => cell.take_answer(answer)?,
            Poll::Pending if cell.planned.walks_away => {}
            Poll::Pending => terminations.push((number, termination)),
        }
    }
    // The terminator has the end after the watcher has what came before, in the order of the answers.
    let mut ends = Vec::new();
    for (number, termination) in terminations {
        ends.push((number, termination.await));
    }
    for cell in cells.iter_mut() {
        cell.join().await?;
    }
    for (number, answer) in ends {
        cells[number].take_answer(answer)?;
    }
    Ok(())
}

/// What holds of a session whose cells have all been read.
async fn nothing_is_left(session: &Session, cells: &[Begun]) -> Result<(), String> {
    let listed = session.cells();
    if !listed.is_empty() {
        return Err(format!("listed still: {listed:?}"));
    }
    for cell in cells {
        let answer = session.wait(WaitRequest::new(cell.id)).await;
        let fits = match &answer {
            Err(WaitError::AlreadyDelivered(_)) => cell.ended() == Some(Ended::Result),
            Err(WaitError::AlreadyTerminated(_)) => cell.ended() == Some(Ended::Terminated),
            _ => false,
        };
        if !fits {
            return Err(format!("cell {}: after its end, {answer:?}", cell.id));
        }
        let (stored, said) = (session.stored_values(), cell.stored());
        let stored = stored.json(&cell.key).map(|json| json.get().to_owned());
        if stored != said {
            return Err(format!(
                "cell {}: the session has {stored:?} of it, its end said {said:?}",
                cell.id
            ));
        }
    }
    session.shutdown().await;
    Ok(())
}

impl Begun {
    fn take_answer(&mut self, answer: Result<RuntimeResponse, WaitError>) -> Result<(), String> {
        match answer {
            Ok(answer) => self.answers.push(answer),
            // Whoever watched it has had the end.
            Err(WaitError::AlreadyDelivered(_) | WaitError::AlreadyTerminated(_))
                if self.planned.watched != Watched::ByNobody => {}
            Err(error) => return Err(format!("cell {}: {error}", self.id)),
        }
        Ok(())
    }

    /// What its watcher was answered.
    async fn join(&mut self) -> Result<(), String> {
        if let Some(watch) = self.watch.take() {
            let answers = watch.await.map_err(|error| error.to_string())??;
            // A termination that was answered at once came after it.
            self.answers.splice(0..0, answers);
        }
        Ok(())
    }

    /// Hears of the end, if that was not so yet and the session is there.
    async fn hear_all(&mut self, session: Option<&Session>) -> Result<(), String> {
        self.join().await?;
        while let Some(session) = session
            && self.ended().is_none()
        {
            let again = WaitRequest::new(self.id).yield_time_ms(LONG_MS);
            let answer = session.wait(again).await;
            self.answers
                .push(answer.map_err(|error| format!("cell {}: {error}", self.id))?);
        }
        Ok(())
    }

    fn ended(&self) -> Option<Ended> {
        match self.answers.last()? {
            RuntimeResponse::Result { .. } => Some(Ended::Result),
            RuntimeResponse::Terminated { .. } => Some(Ended::Terminated),
            _ => None,
        }
    }

    /// What it stored, as its end said.
    fn stored(&self) -> Option<String> {
        match self.answers.last()? {
            RuntimeResponse::Result { stored_values, .. } => stored_values
                .json(&self.key)
                .map(|json| json.get().to_owned()),
            _ => None,
        }
    }

    /// How it ended; what was wrong about it.
    fn end(&self, hurried: bool) -> Result<Ended, String> {
        let outputs = self.outputs_in_order()?;
        let Some(end) = self.ended() else {
            return Ok(Ended::Unheard);
        };
        let finals = self
            .answers
            .iter()
            .filter(|answer| !matches!(answer, RuntimeResponse::Yielded { .. }));
        // A watcher and a terminator may both hear of it, and hear the same.
        let both: Vec<_> = finals.map(std::mem::discriminant).collect();
        if both.len() > 2 || both[0] != both[both.len() - 1] {
            return Err(format!("more than one end: {:?}", self.answers));
        }
        if let Some(RuntimeResponse::Result { error_text, .. }) = self.answers.last() {
            self.fits_its_script(error_text.as_deref(), outputs, hurried)?;
        }
        Ok(end)
    }

    /// Looks for outputs that are missing, doubled or out of order; how many there are.
    fn outputs_in_order(&self) -> Result<usize, String> {
        let items = self.answers.iter().flat_map(RuntimeResponse::content_items);
        let mut count = 0;
        for item in items {
            let fits = match item {
                ContentItem::Text { text } => *text == count.to_string(),
                ContentItem::Image { .. } => self.planned.script.name == "images",
                _ => false,
            };
            if !fits {
                return Err(format!("output {count} is {item:?}"));
            }
            count += 1;
        }
        Ok(count)
    }

    fn fits_its_script(
        &self,
        error: Option<&str>,
        outputs: usize,
        hurried: bool,
    ) -> Result<(), String> {
        if hurried && error.is_some_and(|error| error.contains("computed for")) {
            return Ok(());
        }
        let stored = self.stored();
        let fits = match self.planned.script.end {
            End::Success(all) => {
                error.is_none() && outputs == all && stored.as_deref() == Some("2")
            }
            End::Error(all, why) => {
                error.is_some_and(|error| error.contains(why))
                    && outputs == all
                    && stored.as_deref() == Some("2")
            }
            End::Refused(why) => {
                error.is_some_and(|error| error.contains(why)) && outputs == 0 && stored.is_none()
            }
            End::Never => false,
        };
        if fits {
            return Ok(());
        }
        Err(format!(
            "{:?} ended with the error {error:?} after {outputs} outputs, stored {stored:?}",
            self.planned.script.name
        ))
    }
}
