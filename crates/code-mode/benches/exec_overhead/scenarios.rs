//! What is measured: the scenarios, each a row of the table or more.

use std::fmt;
use std::str::FromStr;

use crate::engine::{Standby, WORKER};
use crate::scripts::{self, Script};

/// What a sample is of. The table in `main.rs` says what each of them means.
pub struct Scenario {
    pub name: &'static str,
    pub method: Method,
    tools: Tools,
    /// What an exec's time is divided by for the table.
    pub parts_per_exec: u32,
    /// Execs before the measured part.
    pub warmups: usize,
    most_iterations: usize,
    most_samples: usize,
}

/// How a sample is taken.
#[derive(Clone, Copy)]
pub enum Method {
    /// Execs by the engine, one after another, of tools that may have an input schema.
    Engine {
        script: Script,
        standby: Standby,
        input_schema: Option<&'static str>,
    },
    /// Terminations of a script that loops.
    Termination(Standby),
    /// The same by bare V8.
    RawV8(Script),
    /// The same by QuickJS, in a binary of its own.
    QuickJs(Script, Place),
    /// As many execs as eight callers get answered.
    ClosedLoop(Script, By),
    /// Execs by the engine at half the rate of this scenario.
    HalfRateOf(&'static str, Script),
    /// Execs by the engine that hand a string of this size from a tool to the caller.
    Result { bytes: usize },
    /// Four copies of a string of this size, in such a process.
    Copies { bytes: usize, buffers: Buffers },
    /// What an isolate that stands by holds of memory.
    StandbyMemory,
    /// Execs by the engine while cells wait for tools.
    WaitingCells,
}

/// On which thread an exec of QuickJS happens.
#[derive(Clone, Copy)]
pub enum Place {
    CallersThread,
    ThreadOfItsOwn,
}

impl Place {
    /// As `quickjs.rs` reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CallersThread => "callers-thread",
            Self::ThreadOfItsOwn => "thread-of-its-own",
        }
    }
}

/// What a string is copied into.
#[derive(Clone, Copy)]
pub enum Buffers {
    /// New memory for each copy.
    Fresh,
    /// Memory that held copies before.
    Reused,
}

/// Who execs.
#[derive(Clone, Copy)]
pub enum By {
    Engine,
    RawV8,
}

/// Which tools an exec has.
#[derive(Clone, Copy, PartialEq)]
enum Tools {
    /// As many as the command line says; a row for each number.
    AsAsked,
    /// This one alone.
    One(&'static str),
    None,
}

/// Big enough for each copy of it to show.
const BIG: usize = 2 * 1024 * 1024;

/// What takes the samples of QuickJS, in a build with `bench-quickjs`.
pub const QUICKJS_BINARY: Option<&str> = if cfg!(feature = "bench-quickjs") {
    option_env!("CARGO_BIN_EXE_exec_overhead_quickjs")
} else {
    // Cargo names a binary that it does not build.
    None
};

/// All of them, in the order of the table. One that needs another one's result comes after it.
pub static ALL: [Scenario; 36] = [
    Scenario::new("cold_exec", engine(scripts::EXEC, Standby::AsItComes)).cold(),
    Scenario::new("cold_raw_v8", Method::RawV8(scripts::EXEC)).cold(),
    Scenario::new("warm_exec", engine(scripts::EXEC, Standby::Ready)),
    Scenario::new("worker_exec", engine(scripts::EXEC, Standby::Worker)),
    Scenario::new("rested_exec", engine(scripts::EXEC, Standby::Rested)),
    Scenario::new("repeated_exec", engine(scripts::EXEC, Standby::Repeated)),
    Scenario::new("termination", Method::Termination(Standby::Ready)).without_tools(),
    Scenario::new("worker_termination", Method::Termination(Standby::Worker)).without_tools(),
    Scenario::new("no_standby_exec", engine(scripts::EXEC, Standby::None)),
    Scenario::new("raw_v8", Method::RawV8(scripts::EXEC)),
    Scenario::new(
        "quickjs",
        Method::QuickJs(scripts::EXEC, Place::CallersThread),
    ),
    Scenario::new(
        "quickjs_thread",
        Method::QuickJs(scripts::EXEC, Place::ThreadOfItsOwn),
    ),
    Scenario::new(
        "sustained_exec",
        Method::ClosedLoop(scripts::EXEC, By::Engine),
    )
    .of_a_time(),
    Scenario::new(
        "sustained_raw_v8",
        Method::ClosedLoop(scripts::EXEC, By::RawV8),
    )
    .of_a_time(),
    Scenario::new(
        "half_rate_exec",
        Method::HalfRateOf("sustained_exec", scripts::EXEC),
    )
    .of_a_time(),
    Scenario::new(
        "tool_roundtrip",
        engine(scripts::SEQUENTIAL_CALLS, Standby::Ready),
    )
    .of_calls(),
    Scenario::new(
        "worker_roundtrip",
        engine(scripts::SEQUENTIAL_CALLS, Standby::Worker),
    )
    .of_calls(),
    Scenario::new(
        "parallel_tools",
        engine(scripts::PARALLEL_CALLS, Standby::Ready),
    )
    .of_calls(),
    Scenario::new(
        "checked_calls",
        Method::Engine {
            script: scripts::CALLS_OF_A_TOOL,
            standby: Standby::Ready,
            input_schema: Some(scripts::INPUT_SCHEMA),
        },
    )
    .of_calls(),
    Scenario::new(
        "unchecked_calls",
        engine(scripts::CALLS_OF_A_TOOL, Standby::Ready),
    )
    .of_calls(),
    Scenario::new(
        "typescript_exec",
        engine(scripts::TYPESCRIPT, Standby::Ready),
    )
    .without_tools(),
    Scenario::new(
        "javascript_exec",
        engine(scripts::JAVASCRIPT, Standby::Ready),
    )
    .without_tools(),
    Scenario::new("big_result", Method::Result { bytes: BIG }).of_one_tool("read"),
    Scenario::new("small_result", Method::Result { bytes: 2 }).of_one_tool("read"),
    Scenario::new("copy_four_times", copies(Buffers::Fresh)).of_one_tool("read"),
    Scenario::new("copy_reusing", copies(Buffers::Reused)).of_one_tool("read"),
    Scenario::new("json_exec", engine(scripts::JSON, Standby::Ready)).of_computing(),
    Scenario::new("json_raw_v8", Method::RawV8(scripts::JSON)).of_computing(),
    Scenario::new("regexp_exec", engine(scripts::REGEXP, Standby::Ready)).of_computing(),
    Scenario::new("regexp_raw_v8", Method::RawV8(scripts::REGEXP)).of_computing(),
    Scenario::new("sorting_exec", engine(scripts::SORTING, Standby::Ready)).of_computing(),
    Scenario::new("sorting_raw_v8", Method::RawV8(scripts::SORTING)).of_computing(),
    Scenario::new("maths_exec", engine(scripts::MATHS, Standby::Ready)).of_computing(),
    Scenario::new("maths_raw_v8", Method::RawV8(scripts::MATHS)).of_computing(),
    Scenario::new("standby_memory", Method::StandbyMemory).of_a_time(),
    Scenario::new("waiting_cells", Method::WaitingCells)
        .without_tools()
        .at_most(5, usize::MAX),
];

const fn engine(script: Script, standby: Standby) -> Method {
    Method::Engine {
        script,
        standby,
        input_schema: None,
    }
}

const fn copies(buffers: Buffers) -> Method {
    Method::Copies {
        bytes: BIG,
        buffers,
    }
}

impl Scenario {
    const fn new(name: &'static str, method: Method) -> Self {
        Self {
            name,
            method,
            tools: Tools::AsAsked,
            parts_per_exec: 1,
            warmups: 1,
            most_iterations: usize::MAX,
            most_samples: usize::MAX,
        }
    }

    /// The first exec of a process.
    const fn cold(mut self) -> Self {
        self.warmups = 0;
        self.most_iterations = 1;
        self
    }

    const fn without_tools(mut self) -> Self {
        self.tools = Tools::None;
        self
    }

    const fn of_one_tool(mut self, name: &'static str) -> Self {
        self.tools = Tools::One(name);
        self
    }

    /// The time of an exec is shared out among its calls of a tool.
    const fn of_calls(mut self) -> Self {
        self.parts_per_exec = scripts::CALLS;
        self.of_one_tool("echo")
    }

    /// Its execs are long, so a few in each process say enough.
    const fn of_computing(self) -> Self {
        self.without_tools().at_most(usize::MAX, 5)
    }

    /// Measured once in a process, over all that happens there: there is no number of execs.
    const fn of_a_time(mut self) -> Self {
        self.warmups = 0;
        self.without_tools().at_most(10, 0)
    }

    const fn at_most(mut self, samples: usize, iterations: usize) -> Self {
        self.most_samples = samples;
        self.most_iterations = iterations;
        self
    }

    /// Those that this build can measure.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        ALL.iter().filter(|scenario| scenario.is_available())
    }

    fn is_available(&self) -> bool {
        match self.method {
            Method::QuickJs(..) => QUICKJS_BINARY.is_some(),
            Method::Engine {
                standby: Standby::Worker,
                ..
            }
            | Method::Termination(Standby::Worker) => WORKER.is_some(),
            _ => true,
        }
    }

    /// The tool counts it runs with, out of those asked for.
    pub fn tool_counts<'a>(&self, asked_for: &'a [usize]) -> &'a [usize] {
        match self.tools {
            Tools::AsAsked => asked_for,
            Tools::One(_) => &[1],
            Tools::None => &[0],
        }
    }

    /// Names of this many tools, as scripts know them.
    pub fn tool_names(&self, tools: usize) -> Vec<String> {
        match self.tools {
            Tools::One(name) => vec![name.to_owned()],
            _ => (0..tools).map(|index| format!("tool_{index}")).collect(),
        }
    }

    /// Execs in the measured part, out of those asked for.
    pub fn iterations(&self, asked_for: usize) -> usize {
        asked_for.min(self.most_iterations)
    }

    /// Fresh processes, out of those asked for.
    pub fn samples(&self, asked_for: usize) -> usize {
        asked_for.min(self.most_samples)
    }
}

/// By name, as the command line and the table have it.
impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A scenario, named on the command line.
#[derive(Clone, Copy, PartialEq)]
pub struct Named(pub &'static Scenario);

impl FromStr for Named {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Scenario::available()
            .find(|scenario| scenario.name == text)
            .map(Self)
            .ok_or(UnknownScenario)
    }
}

#[derive(Debug)]
pub struct UnknownScenario;

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Scenario::available()
            .map(|scenario| scenario.name)
            .collect();
        write!(f, "the scenarios of this build are {}", names.join(", "))?;
        if QUICKJS_BINARY.is_none() {
            write!(f, "; with --features bench-quickjs also those of QuickJS")?;
        }
        if WORKER.is_none() {
            write!(
                f,
                "; with --features worker-processes also those of workers"
            )?;
        }
        Ok(())
    }
}
