//! The soak from start to end: warm-up, rounds, figures, judgement.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use code_mode::{FunctionHost, Session};
use tokio::task::JoinSet;

use crate::arguments::{Command, Options, USAGE};
use crate::dice::Dice;
use crate::figures::Figures;
use crate::host;
use crate::latency;
use crate::record::Record;
use crate::report::Report;
use crate::seat::{self, Lasting, Soak};

const ROUNDS: u32 = 3;
const LONGEST_WARM_UP: Duration = Duration::from_secs(120);

/// How often a cell that does next to nothing is run beside the others.
const BESIDE_EVERY: Duration = Duration::from_millis(100);

pub fn main() -> ExitCode {
    let options = match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprint!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    host::silence_planned_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the runtime starts");
    let report = runtime.block_on(run(&options));
    report.print();
    if let Some(path) = &options.json {
        let json = report.to_json(&options).to_string();
        if let Err(error) = std::fs::write(path, json + "\n") {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn run(options: &Options) -> Report {
    println!(
        "{} sessions at once, {}, {:.1} minutes; --seed {}",
        options.sessions,
        options.mode.name(),
        options.duration.as_secs_f64() / 60.0,
        options.seed
    );
    let soak = Arc::new(Soak {
        mode: options.mode.clone(),
        wedged: options.wedged,
        to_park: AtomicUsize::new(0),
        leak: options.leak,
        record: Record::default(),
    });
    let mut dice = Dice::new(options.seed);
    let warm_up = (options.duration / 5).min(LONGEST_WARM_UP);
    let mut lasting = Lasting::begin(&soak);
    round(&soak, &mut lasting, options, &mut dice, warm_up).await;
    println!("warm-up: {} cells", soak.record.cells());
    let warm_up = soak.record.take();
    let mut figures = vec![Figures::at_rest(&soak.mode, 0).await];
    let mut parked = 0;
    let start = Instant::now();
    for number in 1..=ROUNDS {
        soak.to_park.store(options.park, Ordering::Relaxed);
        let time = options.duration / ROUNDS;
        round(&soak, &mut lasting, options, &mut dice, time).await;
        parked += options.park - soak.to_park.load(Ordering::Relaxed);
        println!("round {number}: {} cells so far", soak.record.cells());
        figures.push(Figures::at_rest(&soak.mode, parked).await);
    }
    let took = start.elapsed();
    lasting.end(&soak).await;
    Report {
        figures,
        parked,
        keeps_parked: soak.mode.keeps_lost_threads(),
        took,
        warm_up,
        recorded: soak.record.take(),
    }
}

/// All seats for a while, and until their last sessions have ended.
async fn round(
    soak: &Arc<Soak>,
    lasting: &mut Lasting,
    options: &Options,
    dice: &mut Dice,
    time: Duration,
) {
    let until = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..options.sessions {
        tasks.spawn(seat::sit(Arc::clone(soak), dice.split(), until));
    }
    tasks.spawn(run_beside(Arc::clone(soak), until));
    lasting.sit(soak, dice.split(), until).await;
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            soak.record
                .wrong(format!("the soak itself failed: {error}"));
        }
    }
}

/// Cells that do next to nothing, in a session that has no part in all the rest.
async fn run_beside(soak: Arc<Soak>, until: Instant) {
    let session = soak.mode.of(Session::builder()).build(FunctionHost::new());
    while Instant::now() < until {
        soak.record.beside(latency::one(&session).await);
        tokio::time::sleep(BESIDE_EVERY).await;
    }
    session.shutdown().await;
}
