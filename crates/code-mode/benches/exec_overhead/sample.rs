//! One sample: a fresh process that measures one scenario and answers with one line of JSON.

use std::io;
use std::process::{Command, ExitStatus, Stdio};

use crate::scenarios::{self, By, Method, Scenario};
use crate::scripts::Script;
use crate::timing::{self, Sample, Timing};
use crate::{big_result, engine, load, memory, raw_v8};

/// What a sample is to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    pub scenario: &'static Scenario,
    pub tools: usize,
    pub warm_iterations: usize,
}

/// What a sample is taken under, which is not known before the run.
#[derive(Clone, Copy)]
pub struct Conditions {
    /// The processor that the sample's process is kept on, or any.
    pub processor: Option<usize>,
    /// Execs a second, where the scenario is one of a given rate.
    pub rate: Option<f64>,
}

impl Sample {
    pub fn with_figure(mut self, name: &str, value: f64) -> Self {
        self.figures.insert(name.to_owned(), value);
        self
    }
}

/// Takes one sample in a new process, which has ended when this returns.
pub fn run_in_fresh_process(plan: Plan, conditions: Conditions) -> Result<Sample, SampleError> {
    let failed = |cause| SampleError { plan, cause };
    let output = child(plan, conditions)
        .and_then(|mut child| child.stderr(Stdio::inherit()).output())
        .map_err(|error| failed(Cause::NotStarted(error)))?;
    if !output.status.success() {
        return Err(failed(Cause::Failed(output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(Cause::NoSample(error)))
}

fn child(plan: Plan, conditions: Conditions) -> io::Result<Command> {
    let (binary, arguments) = match plan.scenario.method {
        Method::QuickJs(script, place) => {
            let arguments = quickjs_arguments(plan, script, place.name());
            (quickjs_binary()?.into(), arguments)
        }
        _ => (std::env::current_exe()?, own_arguments(plan, conditions)),
    };
    let mut command = match conditions.processor {
        None => Command::new(binary),
        Some(processor) => {
            let mut command = Command::new("taskset");
            command.arg("-c").arg(processor.to_string()).arg(binary);
            command
        }
    };
    command.args(arguments);
    Ok(command)
}

/// As `arguments.rs` reads them.
fn own_arguments(plan: Plan, conditions: Conditions) -> Vec<String> {
    let mut arguments = vec![
        "--child".to_owned(),
        plan.scenario.name.to_owned(),
        plan.tools.to_string(),
        plan.warm_iterations.to_string(),
    ];
    arguments.extend(conditions.rate.map(|rate| rate.to_string()));
    arguments
}

/// As `quickjs.rs` reads them.
fn quickjs_arguments(plan: Plan, script: Script, place: &str) -> Vec<String> {
    let Plan {
        scenario, tools, ..
    } = plan;
    vec![
        place.to_owned(),
        script.source.to_owned(),
        script.text.to_owned(),
        tools.to_string(),
        scenario.warmups.to_string(),
        scenario.iterations(plan.warm_iterations).to_string(),
    ]
}

fn quickjs_binary() -> io::Result<&'static str> {
    scenarios::QUICKJS_BINARY.ok_or_else(|| io::Error::other("this build has no QuickJS"))
}

/// Takes one sample in this process and prints it.
pub fn run_as_child(plan: Plan, rate: Option<f64>) {
    println!("{}", serde_json::json!(take(plan, rate)));
}

fn take(plan: Plan, rate: Option<f64>) -> Sample {
    let tool_names = plan.scenario.tool_names(plan.tools);
    match plan.scenario.method {
        Method::Engine {
            script,
            standby,
            input_schema,
        } => measure(
            plan,
            engine::executor(script, standby, tool_names, input_schema),
        ),
        Method::Termination(standby) => measure(plan, engine::terminator(standby)),
        Method::RawV8(script) => measure(plan, raw_v8::executor(script, tool_names)),
        Method::QuickJs(..) => unreachable!("another binary takes it"),
        Method::ClosedLoop(script, By::Engine) => load::closed_loop_of_engine(script),
        Method::ClosedLoop(script, By::RawV8) => load::closed_loop_of_raw_v8(script),
        Method::HalfRateOf(_, script) => load::paced(script, rate.expect("a rate")),
        Method::Result { bytes } => measure(plan, big_result::executor(tool_names, bytes)),
        Method::Copies { bytes, buffers } => {
            measure(plan, big_result::copier(tool_names, bytes, buffers))
        }
        Method::StandbyMemory => memory::of_standbys(),
        Method::WaitingCells => memory::of_waiting_cells(|exec| measure(plan, exec)),
    }
}

fn measure(plan: Plan, exec: impl FnMut() -> Timing) -> Sample {
    let iterations = plan.scenario.iterations(plan.warm_iterations);
    timing::measure(plan.scenario.warmups, iterations, exec)
}

/// A sample that could not be taken.
pub struct SampleError {
    plan: Plan,
    cause: Cause,
}

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
        write!(f, "{} with {tools} tools: ", scenario.name)?;
        match &self.cause {
            Cause::NotStarted(error) => write!(f, "the sample's process did not start: {error}"),
            Cause::Failed(status) => write!(f, "the sample's process failed: {status}"),
            Cause::NoSample(error) => write!(f, "the sample's process gave no sample: {error}"),
        }
    }
}
