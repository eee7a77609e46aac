//! One sample: a fresh process that measures one scenario and answers with one line of JSON.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::peak_rss::PeakRss;
use crate::scenarios::Scenario;
use crate::{engine, raw_v8};

/// What a sample is to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub scenario: Scenario,
    pub tools: usize,
    pub warm_iterations: usize,
}

/// What one exec took.
pub struct Timing {
    /// Until the next exec may start.
    pub total: Duration,
    /// Until the text was there, where that is earlier.
    pub until_text: Option<Duration>,
}

/// What a child process measured.
#[derive(Serialize, Deserialize)]
pub struct Sample {
    /// Each exec, in nanoseconds.
    pub total_ns: Vec<u64>,
    /// Each exec until its text was there, in nanoseconds; bare V8 only.
    pub until_text_ns: Vec<u64>,
    /// Growth of resident memory at its peak, in KiB, where the system tells.
    pub peak_rss_kib: Option<u64>,
}

/// Takes one sample in a new process, which has ended when this returns.
pub fn run_in_fresh_process(plan: Plan) -> Result<Sample, SampleError> {
    let failed = |cause| SampleError { plan, cause };
    let output = std::env::current_exe()
        .and_then(|binary| {
            Command::new(binary)
                .arg("--child")
                .arg(plan.scenario.name())
                .arg(plan.tools.to_string())
                .arg(plan.warm_iterations.to_string())
                .stderr(Stdio::inherit())
                .output()
        })
        .map_err(|error| failed(Cause::NotStarted(error)))?;
    if !output.status.success() {
        return Err(failed(Cause::Failed(output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(Cause::NoSample(error)))
}

/// Takes one sample in this process and prints it.
pub fn run_as_child(plan: Plan) {
    let script = plan.scenario.script();
    let tool_names = plan.scenario.tool_names(plan.tools);
    let sample = match plan.scenario {
        Scenario::ColdRawV8 | Scenario::RawV8 => {
            measure(plan, raw_v8::executor(script, tool_names))
        }
        Scenario::ColdExec
        | Scenario::WarmExec
        | Scenario::ToolRoundtrip
        | Scenario::ParallelTools
        | Scenario::CheckedCalls
        | Scenario::UncheckedCalls
        | Scenario::TypescriptExec
        | Scenario::JavascriptExec => {
            let input_schema = plan.scenario.input_schema();
            measure(plan, engine::executor(script, tool_names, input_schema))
        }
    };
    println!("{}", serde_json::json!(sample));
}

fn measure(plan: Plan, mut exec: impl FnMut() -> Timing) -> Sample {
    for _ in 0..plan.scenario.warmups() {
        exec();
    }
    let iterations = plan.scenario.iterations(plan.warm_iterations);
    let mut timings = Vec::with_capacity(iterations);
    let peak_rss = PeakRss::start();
    timings.extend((0..iterations).map(|_| exec()));
    let peak_rss_kib = peak_rss.and_then(|peak| peak.growth_kib());

    let until_text = timings.iter().filter_map(|timing| timing.until_text);
    Sample {
        total_ns: timings
            .iter()
            .map(|timing| nanoseconds(timing.total))
            .collect(),
        until_text_ns: until_text.map(nanoseconds).collect(),
        peak_rss_kib,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("an exec takes less than 500 years")
}

/// A sample that could not be taken.
#[derive(Debug)]
pub struct SampleError {
    plan: Plan,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    NotStarted(io::Error),
    Failed(ExitStatus),
    NoSample(serde_json::Error),
}

impl std::fmt::Display for SampleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Plan {
            scenario, tools, ..
        } = self.plan;
        write!(f, "{} with {tools} tools: ", scenario.name())?;
        match &self.cause {
            Cause::NotStarted(error) => write!(f, "the sample's process did not start: {error}"),
            Cause::Failed(status) => write!(f, "the sample's process failed: {status}"),
            Cause::NoSample(error) => write!(f, "the sample's process gave no sample: {error}"),
        }
    }
}
