//! The cells of a soak: what each script does, and how it must end.

use code_mode::{ContentItem, RuntimeResponse};

/// One kind of cell.
pub struct Kind {
    pub name: &'static str,
    /// How often it is drawn, beside the others.
    pub weight: u64,
    /// `DRAWN` stands for a number that is drawn for each cell.
    pub source: &'static str,
    pub how: How,
    pub ends: Ends,
}

/// What is done with the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Waited for until its end.
    Executed,
    /// Waited for in pieces of some milliseconds.
    InPieces,
    /// Its waiter is dropped, and another one comes.
    WaiterDropped,
    /// Formatted for a model, and what was cut is loaded by a cell after it.
    Formatted,
    /// Terminated at a random moment.
    Terminated,
    /// Left alone until its session ends.
    Left,
}

/// How it must end, unless it is terminated before.
#[derive(Clone, Copy)]
pub enum Ends {
    /// All it says, one text after the other.
    Says(&'static str),
    /// As many numbers from 0 on, over all of its answers.
    Numbers(usize),
    /// What this finds right, without an error.
    As(fn(&RuntimeResponse) -> bool),
    /// With an error that has one of these in its text.
    Fails(&'static [&'static str]),
    /// Not by itself.
    Never,
}

use Ends::{As, Fails, Never, Numbers, Says};
use How::{Executed, Formatted, InPieces, Left, Terminated, WaiterDropped};

const fn kind(name: &'static str, weight: u64, how: How, source: &'static str, ends: Ends) -> Kind {
    Kind {
        name,
        weight,
        source,
        how,
        ends,
    }
}

/// The limits that hostile scripts run into, in words. Which one is met first may be up to the machine.
const MEMORY: &str = "of memory";
const MORE_THAN_THERE_CAN_BE: &str = "more memory at once than there can be";
const TIME: &str = "longer than the 0.2 s it may";

pub const GOOD: &[Kind] = &[
    kind("short", 12, Executed, "text(6 * 7)", Says("42")),
    kind(
        "calls",
        8,
        Executed,
        "let sum = 0; for (let i = 0; i < 10; i++) sum += (await tools.echo({ i })).i; text(sum)",
        Says("45"),
    ),
    kind(
        "calls that wait",
        8,
        Executed,
        "let sum = 0; for (let i = 0; i < 5; i++) sum += (await tools.later({ i })).i; text(sum)",
        Says("10"),
    ),
    kind(
        "many calls",
        5,
        Executed,
        "const all = await Promise.all(Array.from({ length: 200 }, (_, i) => tools[i % 3 ? 'later' : 'echo']({ i })));
text(all.reduce((sum, { i }) => sum + i, 0))",
        Says("19900"),
    ),
    kind(
        "a big result",
        2,
        Executed,
        "text((await tools.much({ bytes: 1_000_000 })).length)",
        Says("1000000"),
    ),
    kind(
        "calls that fail",
        3,
        Executed,
        "const failed = await Promise.allSettled([tools.fails({}), tools.panics({}), tools.panics_later({}), tools.echo({})]);
text(failed.map(({ status }) => status).join())",
        Says("rejected,rejected,rejected,fulfilled"),
    ),
    kind(
        "calls left behind",
        3,
        Executed,
        "tools.never({}); tools.later({}); notify('going'); text('gone')",
        Says("gone"),
    ),
    kind(
        "an aborted call",
        2,
        Executed,
        "const abort = new AbortController(); setTimeout(() => abort.abort(), 2);
try { await tools.never({}, { signal: abort.signal }); } catch (error) { text(error.name); }",
        Says("AbortError"),
    ),
    kind(
        "notifications",
        2,
        Executed,
        "for (let i = 0; i < 20; i++) notify(`step ${i}`); text('told')",
        Says("told"),
    ),
    kind(
        "big output",
        3,
        Executed,
        "for (let i = 0; i < 10; i++) text('x'.repeat(50_000))",
        As(|answer| answer.content_items().len() == 10 && answer.text().len() == 500_009),
    ),
    kind(
        "output that is cut",
        2,
        Formatted,
        "text('start' + 'y'.repeat(200_000) + 'end')",
        As(|answer| answer.text().len() == 200_008),
    ),
    kind(
        "stored values",
        5,
        Executed,
        "const key = `key ${DRAWN % 8}`; store(key, { n: DRAWN, filling: 'z'.repeat(1_000) });
text(load(key).n === DRAWN); load('key 1')",
        Says("true"),
    ),
    kind(
        "timers",
        4,
        Executed,
        "let n = 0; await new Promise((on) => { const id = setInterval(() => { if (++n === 5) { clearInterval(id); on(); } }, 1); });
clearTimeout(setTimeout(() => text('late'), 1)); text(n)",
        Says("5"),
    ),
    kind(
        "yields",
        4,
        InPieces,
        "for (let i = 0; i < 5; i++) { text(i); yield_control(); await tools.later({ i }); }",
        Numbers(5),
    ),
    kind(
        "waits",
        4,
        InPieces,
        "for (let i = 0; i < 20; i++) { await new Promise((on) => setTimeout(on, 1)); text(i); }",
        Numbers(20),
    ),
    kind(
        "a dropped waiter",
        4,
        WaiterDropped,
        "await tools.later({}); text('heard')",
        Says("heard"),
    ),
    kind(
        "TypeScript",
        5,
        Executed,
        "interface Row { n: number }
const rows: Row[] = [{ n: DRAWN }, { n: 1 }];
const sum = (all: Row[]): number => all.reduce((sum: number, row) => sum + row.n, 0);
text(sum(rows) - DRAWN as number)",
        Says("1"),
    ),
    kind(
        "a fence",
        2,
        Executed,
        "```ts\nconst n: number = 5;\ntext(n)\n```",
        Says("5"),
    ),
    kind(
        "images",
        2,
        Executed,
        "for (let i = 0; i < 3; i++) image('data:image/png;base64,' + 'iVBORw0KGgo='.repeat(1))",
        As(|answer| {
            let items = answer.content_items();
            items.len() == 3 && items.iter().all(|item| matches!(item, ContentItem::Image { .. }))
        }),
    ),
    kind(
        "the classes of the web",
        3,
        Executed,
        "const url = new URL(`https://example.org/?n=${DRAWN}`); structuredClone({ a: [new Map([[1, 2]])] });
text(new TextDecoder().decode(new TextEncoder().encode(url.searchParams.get('n'))) === String(DRAWN))",
        Says("true"),
    ),
    kind(
        "search",
        2,
        Executed,
        "text(search_tools('gives back its input').length > 0)",
        Says("true"),
    ),
    kind(
        "modules",
        2,
        Executed,
        "import { text as say } from 'code-mode'; import { echo } from 'tools.js'; say((await echo({ a: 1 })).a)",
        Says("1"),
    ),
    kind(
        "collected garbage",
        2,
        Executed,
        "for (let i = 0; i < 20; i++) new Uint8Array(1 << 20).fill(1); let n = 0;
for (let i = 0; i < 1e5; i++) n += [i, i].length; text(n)",
        Says("200000"),
    ),
    kind("exit()", 3, Executed, "text(1); exit(); text(2)", Says("1")),
];

pub const HOSTILE: &[Kind] = &[
    kind("a loop", 3, Executed, "for (;;) {}", Fails(&[TIME])),
    kind(
        "a loop that catches",
        1,
        Executed,
        "for (;;) { try { for (;;) {} } catch {} finally {} }",
        Fails(&[TIME]),
    ),
    kind(
        "a microtask loop",
        1,
        Executed,
        "const again = () => Promise.resolve().then(again); await again()",
        Fails(&[TIME, MEMORY]),
    ),
    kind(
        "a regular expression",
        1,
        Executed,
        "/^(a+)+$/.test('a'.repeat(50) + 'b')",
        Fails(&[TIME]),
    ),
    kind(
        "a getter that loops",
        1,
        Executed,
        "text({ get a() { for (;;) {} } })",
        Fails(&[TIME]),
    ),
    kind(
        "an error that loops",
        1,
        Executed,
        "throw { get message() { for (;;) {} }, get stack() { for (;;) {} }, toString() { for (;;) {} } }",
        Fails(&[TIME, "Error", "object"]),
    ),
    kind(
        "a heap bomb",
        3,
        Executed,
        "const kept = []; for (;;) kept.push(new Array(1_000).fill(kept.length + 0.5))",
        Fails(&[MEMORY, MORE_THAN_THERE_CAN_BE, TIME]),
    ),
    kind(
        "a bomb of strings",
        1,
        Executed,
        "const kept = []; for (let i = 0; ; i++) kept.push(`${i}`.repeat(1_000).split(''))",
        Fails(&[MEMORY, MORE_THAN_THERE_CAN_BE, TIME]),
    ),
    kind(
        "ArrayBuffers",
        2,
        Executed,
        "const kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1))",
        Fails(&[MEMORY]),
    ),
    kind(
        "an ArrayBuffer that is too large",
        1,
        Executed,
        "new ArrayBuffer(2 ** 31)",
        Fails(&["RangeError", MEMORY]),
    ),
    kind(
        "an output flood",
        2,
        Executed,
        "for (;;) text('x'.repeat(100_000))",
        Fails(&["RangeError", TIME]),
    ),
    kind(
        "an output flood that goes on",
        1,
        Executed,
        "for (;;) { try { text('x'.repeat(100_000)); } catch {} }",
        Fails(&[TIME]),
    ),
    kind(
        "a call flood",
        2,
        Executed,
        "for (let i = 0; i < 3_000; i++) tools.never({ i }); text('flooded')",
        As(|_| true),
    ),
    kind(
        "a timer flood",
        1,
        Executed,
        "for (;;) setTimeout(() => {}, 1e6)",
        Fails(&["RangeError"]),
    ),
    kind(
        "a store flood",
        1,
        Executed,
        "for (let i = 0; ; i++) store(`flood ${i % 4}`, 'x'.repeat(400_000 * (i + 1)))",
        Fails(&["RangeError", TIME, MEMORY]),
    ),
    kind(
        "a promise nobody settles",
        3,
        Executed,
        "await new Promise(() => {})",
        Fails(&["nothing will settle"]),
    ),
    kind(
        "an exception",
        4,
        Executed,
        "text('so far'); null.property",
        Fails(&["TypeError"]),
    ),
    kind(
        "a program that is none",
        2,
        Executed,
        "const = DRAWN",
        Fails(&["SyntaxError"]),
    ),
    kind(
        "an import that is not served",
        1,
        Executed,
        "import fs from 'node:fs'; text(fs)",
        Fails(&["node:fs"]),
    ),
    kind(
        "recursion",
        2,
        Executed,
        "const deep = () => deep() + 1; deep()",
        Fails(&["call stack"]),
    ),
    kind(
        "polluted prototypes",
        1,
        Executed,
        "Object.prototype.then = function (on) { on(); }; Array.prototype.push = Promise.prototype.then = () => { throw 1; };
Object.prototype.toJSON = () => { throw new Error('polluted'); }; text({})",
        Fails(&["polluted", "1"]),
    ),
    kind(
        "terminated, in a loop",
        3,
        Terminated,
        "text('begun'); for (;;) { try { for (;;) {} } catch {} }",
        Fails(&[TIME]),
    ),
    kind(
        "terminated, in a call",
        3,
        Terminated,
        "await tools.never({ a: DRAWN })",
        Never,
    ),
    kind(
        "terminated, in calls and timers",
        3,
        Terminated,
        "setInterval(() => text('tick'), 1); for (;;) await Promise.all([tools.later({}), tools.echo({})])",
        Fails(&[TIME, "RangeError"]),
    ),
    kind(
        "terminated, in garbage",
        2,
        Terminated,
        "let kept = []; for (let i = 0; ; i++) { kept.push({ i, text: `${i}` }); if (i % 5_000 === 0) kept = []; }",
        Fails(&[TIME]),
    ),
    kind(
        "left in a call",
        2,
        Left,
        "await tools.never({})",
        Never,
    ),
    kind(
        "left in a timer",
        1,
        Left,
        "await new Promise((on) => setTimeout(on, 1e8))",
        Never,
    ),
    kind("left in a loop", 1, Left, "for (;;) {}", Fails(&[TIME])),
    kind("left with a result", 1, Left, "text('unread')", Says("unread")),
];

/// About a second of a built-in that nothing interrupts, and then an end of it.
pub const WEDGED: Kind = kind(
    "wedged for a while",
    0,
    Executed,
    "new RegExp('[' + '\\\\p{L}'.repeat(2_000 + DRAWN % 3_000) + ']', 'u').test('a'); for (;;) {}",
    Fails(&[TIME]),
);

/// An allocation that ends other processes; the thread is lost for good.
pub const PARKED: Kind = kind(
    "parked",
    0,
    Executed,
    "Array.prototype.sort.call({ length: 2 ** 53 - 1 })",
    Fails(&[MORE_THAN_THERE_CAN_BE]),
);

/// Of this the middle was cut; a later cell reads its end.
pub const LOADS_WHAT_WAS_CUT: &str = "text(load_output('HANDLE', { start: -3 }))";

/// One of the kinds, by weight.
pub fn drawn(kinds: &'static [Kind], number: u64) -> &'static Kind {
    let all: u64 = kinds.iter().map(|kind| kind.weight).sum();
    let mut left = number % all;
    for kind in kinds {
        if left < kind.weight {
            return kind;
        }
        left -= kind.weight;
    }
    unreachable!("the weights add up")
}

impl Ends {
    /// Whether an answer is one that this script may have.
    pub fn fits(self, answer: &RuntimeResponse) -> bool {
        let error = answer.error_text();
        match self {
            Self::Says(said) => error.is_none() && answer.text() == said,
            // Whoever reads the answers has counted.
            Self::Numbers(_) => matches!(answer, RuntimeResponse::Result { .. }) && error.is_none(),
            Self::As(right) => error.is_none() && right(answer),
            Self::Fails(why) => {
                error.is_some_and(|error| why.iter().any(|why| error.contains(why)))
            }
            Self::Never => false,
        }
    }
}
