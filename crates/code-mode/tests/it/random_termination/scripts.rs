//! The scripts that are ended: each is somewhere else when the end comes.
//!
//! Every script puts out the numbers from 0, one an item, stores 1 under `key` first, and calls `done`
//! last, which stores 2.

/// How a script ends that nobody ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It succeeds after so many outputs.
    Success(usize),
    /// It fails with an error that has this in its text, after so many outputs.
    Error(usize, &'static str),
    /// It fails so before its first line has run.
    Refused(&'static str),
    /// It does not.
    Never,
}

pub struct Script {
    pub name: &'static str,
    body: &'static str,
    /// How many functions stand after it that nobody calls.
    unused: usize,
    pub end: End,
}

impl Script {
    /// The program, for a cell that stores under `key`.
    pub fn source(&self, key: &str) -> String {
        let mut source = format!(
            "const key = '{key}'; store(key, 1);
const done = () => store(key, 2);
const compute = (steps) => {{ let sum = 0; for (let n = 0; n < steps; n++) sum += n % 7; return sum; }};
{}
",
            self.body
        );
        for n in 0..self.unused {
            let (parameter, result) = match self.name {
                "taking types out" => ("a: Array<{ b: number }>", ": number"),
                _ => ("a", ""),
            };
            source.push_str(&format!(
                "function unused{n}({parameter}){result} {{ return a.map((x) => x.b * {n}).length; }}\n"
            ));
        }
        source
    }
}

const fn script(name: &'static str, body: &'static str, end: End) -> Script {
    Script {
        name,
        body,
        unused: 0,
        end,
    }
}

const fn long(name: &'static str, body: &'static str, unused: usize) -> Script {
    Script {
        name,
        body,
        unused,
        end: End::Success(1),
    }
}

pub const SCRIPTS: &[Script] = &[
    script("the end itself", "text(0); done();", End::Success(1)),
    long("compiling", "text(0); done();", 2_000),
    long("taking types out", "text(0 as number); done();", 300),
    script(
        "linking",
        "import { text as say } from 'code-mode';
import * as all from 'tools.js';
import { later } from 'tools.js';
await later({}); say(Object.keys(all).length > 5 ? 0 : 'few'); done();",
        End::Success(1),
    ),
    script(
        "a program that is none",
        "text(0); const = 1;",
        End::Refused("SyntaxError"),
    ),
    script(
        "evaluating",
        "for (let i = 0; i < 20; i++) { compute(20_000); text(i); } done();",
        End::Success(20),
    ),
    script(
        "catching everything",
        "text(0); for (;;) { try { for (;;) {} } catch {} finally {} }",
        End::Never,
    ),
    script(
        "microtasks",
        "for (let i = 0; i < 10; i++) { for (let n = 0; n < 300; n++) await null; text(i); } done();",
        End::Success(10),
    ),
    script(
        "microtasks without end",
        "text(0); const again = () => Promise.resolve().then(again); await again();",
        End::Never,
    ),
    script(
        "a regular expression",
        "text(0); /^(a+)+$/.test('a'.repeat(40) + 'b'); text(1);",
        End::Never,
    ),
    script(
        "a built-in's callback",
        "for (let i = 0; i < 5; i++) { [...Array(300).keys()].sort((a, b) => (compute(10), b - a)); text(i); } done();",
        End::Success(5),
    ),
    script(
        "the end of the stack",
        "const deep = () => deep() + 1;
for (let i = 0; i < 5; i++) { try { deep(); } catch { text(i); } } done();",
        End::Success(5),
    ),
    script(
        "a call that waits",
        "for (let i = 0; i < 5; i++) { await tools.later({ i }); text(i); } done();",
        End::Success(5),
    ),
    script(
        "a call answered at once",
        "for (let i = 0; i < 20; i++) { await tools.now({ i }); text(i); } done();",
        End::Success(20),
    ),
    script(
        "many calls",
        "let n = 0;
await Promise.all(Array.from({ length: 50 }, (_, i) => tools[i % 2 ? 'later' : 'now']({ i }).then(() => text(n++))));
done();",
        End::Success(50),
    ),
    script(
        "a call without an answer",
        "text(0); await tools.never({}); text('late');",
        End::Never,
    ),
    script(
        "a call that is slow to stop",
        "text(0); await tools.stubborn({}); text('late');",
        End::Never,
    ),
    script(
        "calls left behind",
        "tools.never({}); tools.stubborn({}); tools.later({}); text(0); done();",
        End::Success(1),
    ),
    script(
        "the host's first poll",
        "for (let i = 0; i < 5; i++) { await tools.computes({}); text(i); } done();",
        End::Success(5),
    ),
    script(
        "a host that panics",
        "for (let i = 0; i < 3; i++) { try { await tools.panics({}); } catch { text(i); } } done();",
        End::Success(3),
    ),
    script(
        "an aborted call",
        "for (let i = 0; i < 3; i++) {
    const abort = new AbortController();
    const call = tools.never({}, { signal: abort.signal });
    setTimeout(() => abort.abort(), 0);
    try { await call; } catch { text(i); }
}
done();",
        End::Success(3),
    ),
    script(
        "notifications",
        "for (let i = 0; i < 5; i++) { notify(`${i}`); text(i); } done();",
        End::Success(5),
    ),
    script(
        "a timer",
        "for (let i = 0; i < 2; i++) { await new Promise((on) => setTimeout(on, 1)); text(i); } done();",
        End::Success(2),
    ),
    script(
        "an interval",
        "let n = 0;
await new Promise((on) => {
    const timer = setInterval(() => { compute(1_000); text(n++); if (n === 10) { clearInterval(timer); on(); } }, 0);
});
done();",
        End::Success(10),
    ),
    script(
        "yields",
        "for (let i = 0; i < 5; i++) { text(i); yield_control(); await tools.later({}); } done();",
        End::Success(5),
    ),
    script(
        "toJSON of an output",
        "for (let i = 0; i < 5; i++) text({ toJSON() { compute(5_000); return i; } }); done();",
        End::Success(5),
    ),
    script(
        "toJSON without end",
        "text(0); text({ toJSON() { for (;;) { try { for (;;) {} } catch {} } } });",
        End::Never,
    ),
    script(
        "a getter of an output",
        "for (let i = 0; i < 5; i++) text({ get toJSON() { compute(5_000); return () => i; } }); done();",
        End::Success(5),
    ),
    script(
        "a proxy as an output",
        "for (let i = 0; i < 5; i++) {
    text(new Proxy({}, { get(_, name) { compute(2_000); return name === 'toJSON' ? () => i : undefined; } }));
}
done();",
        End::Success(5),
    ),
    script(
        "a getter of an argument",
        "for (let i = 0; i < 5; i++) { await tools.now({ get a() { compute(5_000); return i; } }); text(i); } done();",
        End::Success(5),
    ),
    script(
        "a thenable",
        "for (let i = 0; i < 5; i++) { await { then(on) { compute(5_000); on(); } }; text(i); } done();",
        End::Success(5),
    ),
    script(
        "toJSON of a stored value",
        "for (let i = 0; i < 5; i++) { store(key, { toJSON() { compute(5_000); return i; } }); text(i); } done();",
        End::Success(5),
    ),
    script(
        "images",
        "for (let i = 0; i < 5; i++) { image('data:image/png;base64,iVBORw0KGgo='); text(2 * i + 1); } done();",
        End::Success(10),
    ),
    script(
        "the classes of the web",
        "for (let i = 0; i < 3; i++) {
    structuredClone({ at: new URL(`https://example.org/${i}`).href, in: new TextEncoder().encode('x') });
    text(i);
}
done();",
        End::Success(3),
    ),
    script(
        "search",
        "for (let i = 0; i < 3; i++) { search_tools('answers later'); text(i); } done();",
        End::Success(3),
    ),
    script(
        "exit()",
        "text(0); done(); try { exit(); } catch { text('caught'); } finally { text('late'); }",
        End::Success(1),
    ),
    script(
        "exit() in a timer",
        "text(0); setTimeout(() => { done(); exit(); text('late'); }, 0); await new Promise(() => {});",
        End::Success(1),
    ),
    script(
        "exit() in toJSON",
        "text(0); text({ toJSON() { done(); compute(5_000); exit(); } }); text('late');",
        End::Success(1),
    ),
    script(
        "an error",
        "text(0); done(); throw new Error('on purpose');",
        End::Error(1, "on purpose"),
    ),
    script(
        "reading what was thrown",
        "text(0); done();
throw { get name() { compute(5_000); return 'Odd'; }, get message() { compute(5_000); return 'on purpose'; },
    get stack() { compute(5_000); return 'odd'; }, toString() { compute(5_000); return 'on purpose'; } };",
        End::Error(1, ""),
    ),
    script(
        "reading what was thrown, without end",
        "text(0); const endless = () => { for (;;) { try { for (;;) {} } catch {} } };
const error = new Error('on purpose');
for (const name of ['name', 'message', 'stack', 'cause']) Object.defineProperty(error, name, { get: endless });
error.toString = endless;
throw error;",
        End::Error(1, ""),
    ),
    script(
        "preparing a stack trace",
        "text(0); done(); Error.prepareStackTrace = () => { compute(20_000); return 'prepared'; };
throw new Error('on purpose');",
        End::Error(1, "on purpose"),
    ),
    script(
        "a rejection nobody hears",
        "text(0); done(); Promise.reject(new Error('on purpose')); await tools.later({});",
        End::Success(1),
    ),
    script(
        "a promise nobody settles",
        "text(0); done(); await new Promise(() => {});",
        End::Error(1, "nothing will settle"),
    ),
    script(
        "over its heap",
        "text(0); done(); const kept = []; for (;;) kept.push(new Array(1_000).fill(kept.length + 0.5));",
        End::Error(1, "of memory"),
    ),
    script(
        "over its heap in ArrayBuffers",
        "text(0); done(); const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 20));",
        End::Error(1, "of memory"),
    ),
];
