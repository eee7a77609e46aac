//! Eight callers at once: how many execs they get answered, and how soon at half that rate.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use code_mode::{ExecuteRequest, FunctionHost, Session};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::scripts::Script;
use crate::timing::Sample;
use crate::{engine, raw_v8};

pub const CALLERS: usize = 8;
pub const WARM_UP: Duration = Duration::from_millis(500);
pub const MEASURED: Duration = Duration::from_secs(2);

/// Name of the figure: execs answered in the measured part, for each second of it.
pub const EXECS_PER_SECOND: &str = "execs/s";

/// The measured part of a sample.
#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    end: Instant,
}

impl Window {
    /// The one after a warm-up that starts now.
    fn after_warm_up() -> Self {
        let start = Instant::now() + WARM_UP;
        Self {
            start,
            end: start + MEASURED,
        }
    }

    fn contains(self, moment: Instant) -> bool {
        (self.start..self.end).contains(&moment)
    }
}

/// Callers that each exec again as soon as they are answered, by the engine: tasks on a runtime of
/// two workers, one session.
pub fn closed_loop_of_engine(script: Script) -> Sample {
    let window = Window::after_warm_up();
    let latencies = Caller::new(script).run_all([(); CALLERS], move |caller, ()| async move {
        let mut latencies = Vec::new();
        loop {
            let start = Instant::now();
            caller.exec().await;
            let end = Instant::now();
            if end >= window.end {
                return latencies;
            }
            if window.contains(end) {
                latencies.push(end - start);
            }
        }
    });
    sample_of_closed_loop(&latencies)
}

/// The same by bare V8: each caller a thread.
pub fn closed_loop_of_raw_v8(script: Script) -> Sample {
    let window = Window::after_warm_up();
    let latencies = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut exec = raw_v8::executor(script, Vec::new());
                loop {
                    let timing = exec();
                    let end = Instant::now();
                    if end >= window.end {
                        return;
                    }
                    if window.contains(end) {
                        latencies.lock().expect("no panic").push(timing.total);
                    }
                }
            });
        }
    });
    sample_of_closed_loop(&latencies.into_inner().expect("no panic"))
}

fn sample_of_closed_loop(latencies: &[Duration]) -> Sample {
    let per_second = latencies.len() as f64 / MEASURED.as_secs_f64();
    Sample::of_times(latencies).with_figure(EXECS_PER_SECOND, per_second)
}

/// Callers that exec by a schedule of this many execs a second in all, evenly spaced, whether the
/// execs before are answered or not. A time counts from the moment that the schedule says, so that
/// what an exec waits behind another one is in it; so is how late the schedule itself wakes up.
pub fn paced(script: Script, execs_per_second: f64) -> Sample {
    let window = Window::after_warm_up();
    let channels = (0..CALLERS).map(|_| mpsc::unbounded_channel());
    let (senders, receivers): (Vec<_>, Vec<_>) = channels.unzip();
    let pacer = thread::spawn(move || keep_pace(&senders, execs_per_second, window.end));
    let latencies = Caller::new(script).run_all(receivers, move |caller, mut due| async move {
        let mut latencies = Vec::new();
        while let Some(due) = due.recv().await {
            caller.exec().await;
            if window.contains(due) {
                latencies.push(due.elapsed());
            }
        }
        latencies
    });
    pacer.join().expect("the schedule is kept");
    Sample::of_times(&latencies)
}

/// Tells the callers in turn when each is due, at that moment.
fn keep_pace(callers: &[UnboundedSender<Instant>], execs_per_second: f64, end: Instant) {
    let start = Instant::now();
    for number in 0_u32.. {
        let due = start + Duration::from_secs_f64(f64::from(number) / execs_per_second);
        if due >= end {
            return;
        }
        // The callers share two workers; a timer of theirs would be rounded to a millisecond.
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let caller = &callers[number as usize % callers.len()];
        caller.send(due).expect("the caller listens to the end");
    }
}

/// One of the callers, which share a session.
#[derive(Clone)]
struct Caller {
    session: Arc<Session>,
    script: Script,
}

impl Caller {
    fn new(script: Script) -> Self {
        Self {
            session: Arc::new(Session::new(FunctionHost::new())),
            script,
        }
    }

    async fn exec(&self) {
        let request = ExecuteRequest::new(engine::new_source(self.script));
        let response = self.session.execute(request).await;
        engine::check(&response.expect("the exec is accepted"), self.script);
    }

    /// Lives a life for each of these inputs, all at once, and then ends the session.
    fn run_all<I, F>(
        self,
        inputs: impl IntoIterator<Item = I>,
        life: impl Fn(Self, I) -> F,
    ) -> Vec<Duration>
    where
        F: Future<Output = Vec<Duration>> + Send + 'static,
    {
        engine::embedders_runtime().block_on(async {
            let lives = inputs.into_iter().map(|input| life(self.clone(), input));
            let tasks: Vec<_> = lives.map(tokio::spawn).collect();
            let mut latencies = Vec::new();
            for task in tasks {
                latencies.extend(task.await.expect("a caller comes to its end"));
            }
            self.session.shutdown().await;
            latencies
        })
    }
}
