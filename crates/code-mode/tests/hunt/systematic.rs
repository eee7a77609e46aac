//! Every function that a script can reach, with every value, on plain ground, at the end of the stack and
//! at the end of the heap.

use crate::chance::Chance;
use crate::script::{PRELUDE, Script};
use crate::values::{FORMS, VALUES};

/// In what state a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Plain,
    /// With little stack left.
    Stack,
    /// With little heap left.
    Heap,
    /// With callbacks that change what the function works on.
    Hooked,
    /// Again and again, with all results kept: what they hold outside of the heap adds up.
    Kept,
}

impl State {
    pub const ALL: [Self; 5] = [
        Self::Plain,
        Self::Stack,
        Self::Heap,
        Self::Hooked,
        Self::Kept,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Stack => "stack",
            Self::Heap => "heap",
            Self::Hooked => "hooked",
            Self::Kept => "kept",
        }
    }
}

/// What the output of a sweep ends with if it came to its end.
pub const DONE: &str = "done";

/// A script that puts out the paths of all functions, one a line.
pub fn names() -> Script {
    Script {
        name: "names".to_owned(),
        pieces: vec![
            PRELUDE.to_owned(),
            "say(reach().map(([path]) => path.replaceAll('\\n', ' ')).join('\\n'))".to_owned(),
        ],
        heap_mib: 64,
        cpu_ms: 10_000,
        most_mib: None,
    }
}

/// A script that calls one function with all values from case `start` on.
pub fn sweep(function: usize, name: &str, state: State, start: usize, seed: u64) -> Script {
    let mut chance = Chance::new(seed ^ (function + start) as u64);
    let heap_mib = match state {
        State::Kept => 16,
        _ => 16 << chance.below(2),
    };
    // What V8 itself takes and the table of cases is about 3 MiB.
    let filled = heap_mib * 1024 - 3_072 - chance.size(64, 6_144);
    let (before, call) = match state {
        State::Plain => ("", "act()"),
        State::Stack => ("", "atBottom(act)"),
        State::Heap => (
            &*format!("fill({filled});"),
            "{ const r = act(); if (kept.length < 1e6) kept.push(r) }",
        ),
        State::Hooked => (HOOK, "act()"),
        State::Kept => (
            "",
            "for (let end = performance.now() + 40; performance.now() < end;) kept.push(act())",
        ),
    };
    let step = match state {
        State::Stack => 7,
        State::Kept => 97,
        _ => 1,
    };
    let pieces = vec![
        PRELUDE.to_owned(),
        cases(),
        format!("const [, f] = reach()[{function}]; const own = instances(owners.get(f));"),
        before.to_owned(),
        format!(
            "for (let c = {start}; c < cases.length; c += {step}) {{
               if (c % 16 < {step} || c == {start}) say(c + ' ');
               const [receiver, args] = cases[c];
               const act = () => {{ const r = receiver(own[c % own.length]), a = args(); last = c; return c % 5 == 4 ? construct(f, a) : apply(f, r, a) }};
               try {{ {call} }} catch {{}}
             }}
             say('{DONE}');"
        ),
    ];
    Script {
        name: format!("{name} ({}, from case {start})", state.name()),
        pieces,
        heap_mib,
        cpu_ms: if state == State::Kept { 1_000 } else { 150 },
        most_mib: (state == State::Kept).then_some(5 * heap_mib as u64),
    }
}

/// The case a sweep was at when it put this out; `None` if it came to its end.
pub fn case(output: &str) -> Option<usize> {
    if output.lines().any(|line| line == DONE) {
        return None;
    }
    let mut marks = output.lines().filter_map(|line| line.trim().parse().ok());
    Some(marks.next_back().unwrap_or(0))
}

const HOOK: &str = "let busy = false; hook = () => {
   if (busy) return; busy = true;
   try { hook.buffer?.resize(n++ % 3 ? 0 : 1024); Array.prototype.length = 0; f.x = 1; kept.length = 0; atBottom(() => text({ a: 1 })); structuredClone([1]); if (n % 7 == 0) throw n } finally { busy = false }
 };";

/// The table of cases, as JavaScript: each a receiver of what the function's owner makes, and arguments.
fn cases() -> String {
    let mut cases = String::from("let last = 0; const cases = [");
    for value in VALUES {
        for form in FORMS {
            let arguments = form.replace('@', &format!("({value})"));
            cases.push_str(&format!("[(own) => own(), () => [{arguments}]],"));
        }
        for arguments in ["", "1", "(x) => { hook(); return x }, {}", "'en', { a: 1 }"] {
            cases.push_str(&format!("[() => ({value}), () => [{arguments}]],"));
        }
    }
    cases.push_str("];");
    cases
}
