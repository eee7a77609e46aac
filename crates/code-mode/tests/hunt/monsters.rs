//! Texts without measure for whatever reads texts: source code, regular expressions, JSON, URLs.

use crate::chance::Chance;
use crate::script::{PRELUDE, Script};

/// A text that goes on or in: `start`, many of `open`, `middle`, as many of `close`, `end`.
///
/// `#` in `open` is a number that is another one each time.
#[derive(Clone, Copy)]
struct Pattern {
    start: &'static str,
    open: &'static str,
    middle: &'static str,
    close: &'static str,
    end: &'static str,
}

const fn deep(open: &'static str, middle: &'static str, close: &'static str) -> Pattern {
    around("", open, middle, close, "")
}

const fn long(start: &'static str, open: &'static str, end: &'static str) -> Pattern {
    around(start, open, "", "", end)
}

const fn around(
    start: &'static str,
    open: &'static str,
    middle: &'static str,
    close: &'static str,
    end: &'static str,
) -> Pattern {
    Pattern {
        start,
        open,
        middle,
        close,
        end,
    }
}

const CODE: &[Pattern] = &[
    deep("(", "1", ")"),
    deep("[", "", "]"),
    deep("{", "", "}"),
    deep("({a:", "1", "})"),
    deep("a=>", "1", ""),
    deep("(a=", "1", ")=>1"),
    deep("((a)=>", "1", ")"),
    deep("(({a=", "1", "})=>1)"),
    deep("async()=>", "1", ""),
    deep("function f(){", "", "}"),
    deep("(function(){", "", "})()"),
    deep("class A{static{", "", "}}"),
    deep("class A extends class ", "{}", "{}"),
    deep("class A{x=class{", "", "}}"),
    deep("class A{[", "1", "]}"),
    deep("`${", "1", "}`"),
    deep("a`${", "1", "}`"),
    deep("!", "1", ""),
    deep("- ", "1", ""),
    deep("typeof ", "1", ""),
    deep("new ", "Object", ""),
    deep("new (", "Object", ")"),
    deep("await ", "1", ""),
    deep("delete ", "1", ""),
    deep("if(1)", ";", ""),
    deep("if(0);else ", ";", ""),
    deep("for(;0;)", ";", ""),
    deep("for(a of [])", ";", ""),
    deep("try{", "", "}catch{}"),
    deep("try{", "", "}finally{}"),
    deep("a#:", ";", ""),
    deep("switch(1){default:", "", "}"),
    deep("with({})", ";", ""),
    deep("do ", ";", " while(0)"),
    deep("1?", "1", ":1"),
    deep("1?1:", "1", ""),
    deep("1**", "1", ""),
    deep("a=", "1", ""),
    deep("a??=", "1", ""),
    deep("(1,", "1", ")"),
    deep("f(", "1", ")"),
    deep("f(...", "[]", ")"),
    deep("[...", "[]", "]"),
    deep("a?.[", "1", "]"),
    deep("{let a#;", "", "}"),
    deep("{using a#=null;", "", "}"),
    deep("(()=>{let a#;", "", "})()"),
    deep("{function a(){", "", "}}"),
    deep("yield ", "1", ""),
    around("let ", "{a:", "a", "}", "={}"),
    around("let ", "[", "a", "]", "=[]"),
    around("let ", "[[],...", "a", "]", "=[]"),
    around("(", "[", "a", "]", "=[])"),
    around("(", "{a:", "a", "}", ")=>1"),
    around("for(let ", "{a=", "1", "}", "of [])"),
    long("", "1+", "1"),
    long("", "1,", "1"),
    long("", "''+a+", "1"),
    long("", "a&&", "1"),
    long("", "a||b&&", "1"),
    long("", "a??", "1"),
    long("", "1;", ""),
    long("", ";", ""),
    long("", "a#;", ""),
    long("", "'a#';", ""),
    long("", "1.#;", ""),
    long("", "let a#;", ""),
    long("", "var a#=#;", ""),
    long("", "function a#(){}", ""),
    long("", "const f#=()=>1;", ""),
    long("", "class A#{}", ""),
    long("a", ".b", ""),
    long("a", "?.b", ""),
    long("a", "()", ""),
    long("a", "[1]", ""),
    long("a", "``", ""),
    long("a", "\\u0061", ""),
    long("[", "1,", "]"),
    long("[", ",", "]"),
    long("[", "[],", "]"),
    long("[", "{},", "]"),
    long("[", "1.5,", "]"),
    long("[", "'a#',", "]"),
    long("[", "...[],", "]"),
    long("[", "()=>1,", "]"),
    long("[", "/a/,", "]"),
    long("[", "/a#/,", "]"),
    long("[", "``,", "]"),
    long("[", "a``,", "]"),
    long("[", "#n,", "]"),
    long("({", "a#:1,", "})"),
    long("({", "#:1,", "})"),
    long("({", "get a#(){},", "})"),
    long("({", "[1]:1,", "})"),
    long("({", "...{},", "})"),
    long("({", "__proto__:null,", "})"),
    long("f(", "1,", ")"),
    long("f(", "...[],", ")"),
    long("new Object(", "1,", ")"),
    long("(function(", "a#,", "a){})"),
    long("(function(", "a#=1,", "a){})"),
    long("((", "a#,", "a)=>1)"),
    long("((", "a,", "a)=>1)"),
    long("((", "{a#},", "a)=>1)"),
    long("switch(1){", "case #:", "}"),
    long("switch(1){", "case 'a#':;", "}"),
    long("(class{", "a#;", "})"),
    long("(class{", "#a#;", "})"),
    long("(class{", "static a#=1;", "})"),
    long("(class{", "static{}", "})"),
    long("(class{", "get a#(){}", "})"),
    long("(class{", "[a]=1;", "})"),
    long("(class{", "accessor a#;", "})"),
    long("`", "${1}", "`"),
    long("a`", "${1}", "`"),
    long("`", "\\u0061", "`"),
    long("'", "\\u0061", "'"),
    long("", "try{}catch{}", ""),
    long("", "for(;0;);", ""),
    long("", "a#:for(;;)break a#;", ""),
    long("", "if(a);else;", ""),
    long("if(0);", "else if(0);", ""),
    long("", "/*", "*/"),
    long("", "//\n", ""),
    long("", "<!--\n", ""),
    long("", "\n", ""),
    long("", "export let a#;", ""),
    long("", "import 'a#';", ""),
    long("", "import a# from 'tools.js';", ""),
    long("", "import('tools.js');", ""),
    long("", "await 1;", ""),
    long("export {", "a as a#,", "}; let a"),
    long("", "(function(){try{return 1}finally{}})();", ""),
    long("0x", "f", "n"),
    long("", "9", "n"),
    long("1.", "9", ""),
    long("1e", "9", ""),
    long("", "let[a#]=[];", ""),
    long("let{", "a#,", "...b}={}"),
    long("let{", "a:{},", "...b}={}"),
    long("let[", ",", "]=[]"),
    long("using ", "a#=null,", "a=null"),
];

const REGEXPS: &[Pattern] = &[
    deep("(", "a", ")"),
    deep("(?:", "a", ")"),
    deep("(?:", "a", ")?"),
    deep("(?:", "a", ")*"),
    deep("(?:", "a", "){2}"),
    deep("(?:", "a", "){0,3}?"),
    deep("(", "a", ")+"),
    deep("(?=", "a", ")"),
    deep("(?!", "a", ")"),
    deep("(?<=", "a", ")"),
    deep("(?<!", "a", ")"),
    deep("(?i:", "a", ")"),
    deep("(?<a#>", "a", ")"),
    deep("(?:a|", "b", ")"),
    deep("(?:a|", "b", "|c)"),
    deep("(?:|", "b", ")*"),
    deep("[", "a", "]"),
    deep("[a&&[", "a", "]]"),
    deep("[a--[", "a", "]]"),
    deep("[^", "a", "]"),
    deep("[\\q{a|b}", "a", "]"),
    around("[", "a--", "a", "", "]"),
    around("[", "[a-z]&&", "[a-z]", "", "]"),
    long("", "a?", "b"),
    long("", "a*", "b"),
    long("", "a{3}", "b"),
    long("", "a{1000}", "b"),
    long("", "(a)", "b"),
    long("", "()", "\\1"),
    long("", "(a)\\1", ""),
    long("", "(?<a#>x)", "\\k<a1>"),
    long("", "\\k<a>", "(?<a>x)"),
    long("", "a|", "b"),
    long("", "a#|", "b"),
    long("", "ab#|", "b"),
    long("", ".", ""),
    long("", "\\b", ""),
    long("", "^", ""),
    long("", "\\u{10000}", ""),
    long("", "\\ud83d\\ude00", ""),
    long("[", "\\q{ab|c#}", "]"),
    long("[", "a-z", "]"),
    long("[", "\\u{1#}", "]"),
    long("", "[^a]", ""),
    long("", "\\W", ""),
    long("", "\\p{L}", ""),
    long("", "\\P{Script=Greek}", ""),
    long("[", "\\p{RGI_Emoji}", "]"),
    long("", "\\p{RGI_Emoji}", ""),
    long("", "(?=a)", ""),
    long("", "(?<=a*)", ""),
    long("a{", "9", "}"),
    long("(?:a{", "9", "}){2,}"),
    long("\\", "9", ""),
    long("(?<", "a", ">)"),
    long("", "\\x41", ""),
    long("", "(?i:a)(?-i:b)", ""),
    long("", "x*x*y", "z"),
    long("", "(?:x|y#)*", "z"),
];

const JSONS: &[Pattern] = &[
    deep("[", "", "]"),
    deep("{\"a\":", "1", "}"),
    deep("[{\"a#\":", "1", "}]"),
    long("[", "1,", "1]"),
    long("[", "[],", "1]"),
    long("[", "{},", "1]"),
    long("[", "{\"a#\":1},", "1]"),
    long("[", "1e#,", "1]"),
    long("[", "\"a#\",", "1]"),
    long("{", "\"a#\":1,", "\"a\":1}"),
    long("{", "\"#\":1,", "\"a\":1}"),
    long("{", "\"a\":1,", "\"a\":1}"),
    long("\"", "\\u0061", "\""),
    long("\"", "\\n", "\""),
    long("", "9", ""),
    long("0.", "9", ""),
    long("1e", "9", ""),
    long("", " ", "1"),
];

const PLAIN: &[Pattern] = &[
    long("http://", "a.", "b/"),
    long("http://", "xn--a.", "b/"),
    long("http://", "\u{e9}", "/"),
    long("http://", "%61", "/"),
    long("http://[", "1:", "]/"),
    long("http://", "1.", "1/"),
    long("http://a/", "../", ""),
    long("http://a/", "a/", ""),
    long("http://a/?", "a=b&", ""),
    long("http://a/", "\\ud800", ""),
    long("data:image/png;base64,", "AAAA", ""),
    long("data:", ";a=b", ",x"),
    long("en-u-", "ca-", "chinese"),
    long("en", "-abcde#", ""),
    long("en-x", "-a", ""),
    long("", "1", ""),
    long("", "\u{130}", ""),
    long("", "\u{fdfa}", ""),
    long("", "a\u{300}\u{301}", ""),
    long("", "\\ud800", ""),
    long("", "\\udc00\\ud800", ""),
    long("", "\u{e01}\u{e32}", ""),
    long("", "\u{3042}", ""),
    long("2020-", "01-", "01"),
    long("", "(", ""),
    long("", "a b ", ""),
    long("", "$<a>$1$&", ""),
    long("", "%F0%9F%98%80", ""),
];

/// What V8 takes outside of its heap to read a text of this size is known to be much.
const MOST_MIB: u64 = 4_000;

/// What reads the text `s`.
const READ_CODE: &[&str] = &[
    "(0, eval)(s)",
    "eval(s)",
    "new Function(s)",
    "new Function(s)()",
    "new Function(s, '')",
    "new (async () => {}).constructor(s)()",
    "new (function* () {}).constructor(s)().next()",
    "eval('(async () => {' + s + '})')()",
    "eval('\"use strict\"; (() => {' + s + '})')",
    "eval('(() => {' + s + '})')()",
    "String(eval('(() => {' + s + '})'))",
];

const FLAGS: &[&str] = &["", "i", "u", "iu", "v", "iv", "dgimsy", "gsuy"];

const READ_REGEXP: &[&str] = &[
    "const r = new RegExp(s, flags); r.test('a'); r.test('\\u1234' + 'a'.repeat(100)); 'ab'.replace(r, '$<a>$1'); text(r)",
    "eval('/' + s + '/' + flags).exec('a'.repeat(1000))",
    "'a'.repeat(100).split(new RegExp(s, flags))",
    "[...'aab'.matchAll(new RegExp(s, flags + 'g'))]",
    "new RegExp('x'.repeat(100) + s, flags).exec('x'.repeat(100) + 'a\\ud83d\\ude00')",
    "RegExp.escape(s)",
];

const READ_JSON: &[&str] = &[
    "JSON.parse(s)",
    "JSON.parse(s, function (k, v, c) { return v })",
    "text(JSON.parse(s))",
    "store('k', JSON.parse(s)); load('k')",
    "await tools.echo(JSON.parse(s))",
    "structuredClone(JSON.parse(s))",
    "console.log(JSON.parse(s))",
    "notify(JSON.parse(s))",
    "JSON.stringify(JSON.parse(s), null, 10)",
    "JSON.rawJSON(s)",
    "JSON.parse(s).flat?.(Infinity)",
    "String(JSON.parse(s))",
    "(0, eval)('(' + s + ')')",
    "image({ image_url: s }); image(JSON.parse(s))",
    "forward_output(JSON.parse(s))",
];

const READ_PLAIN: &[&str] = &[
    "new URL(s).href",
    "URL.canParse(s)",
    "new URL('http://a').host = s",
    "new URL('http://a').pathname = s",
    "new URLSearchParams(s).sort()",
    "image(s)",
    "audio(s)",
    "search_tools(s)",
    "describe_tool(s)",
    "tools[s]",
    "load_output(s)",
    "store(s, 1); load(s)",
    "notify(s)",
    "import(s)",
    "throw new Error(s)",
    "throw { name: s, message: s, stack: s }",
    "new Function(s)",
    "class A { static name = s }; throw new A()",
    "s.normalize('NFKD')",
    "s.normalize('NFC')",
    "s.toLocaleUpperCase('lt')",
    "s.toLocaleLowerCase('tr')",
    "s.localeCompare(s + 'a', 'de', { numeric: true })",
    "s.localeCompare(s + 'a', 'zh-u-co-pinyin')",
    "s.isWellFormed() || s.toWellFormed()",
    "for (const granularity of ['grapheme', 'word', 'sentence']) [...new Intl.Segmenter('th', { granularity }).segment(s)]",
    "new Intl.Locale(s).maximize()",
    "Intl.getCanonicalLocales(s)",
    "new Intl.DateTimeFormat('en', { timeZone: s })",
    "new Intl.NumberFormat('en', { style: 'unit', unit: s })",
    "new Intl.NumberFormat('ar').format(s)",
    "new Intl.NumberFormat('en', { notation: 'compact', compactDisplay: 'long' }).formatToParts(s)",
    "new Intl.NumberFormat('en').formatRange(s, s + '1')",
    "new Intl.ListFormat('en').format(s.split(''))",
    "new Intl.DisplayNames('en', { type: 'language' }).of(s)",
    "new Intl.PluralRules('en').select(s)",
    "new Intl.PluralRules('ar').selectRange(1, Number(s))",
    "BigInt(s)",
    "BigInt(s).toLocaleString('de')",
    "Number(s) + parseFloat(s) + parseInt(s, 36)",
    "new Date(s).toLocaleString('ar-u-ca-islamic')",
    "Date.parse(s)",
    "encodeURIComponent(s)",
    "decodeURIComponent(s)",
    "escape(unescape(s))",
    "btoa(s)",
    "atob(s)",
    "new TextEncoder().encode(s)",
    "new TextDecoder(s)",
    "new TextDecoder('utf-16').decode(new TextEncoder().encode(s))",
    "'a'.replaceAll('', s)",
    "s.replace(/(?<a>.)(.)/gu, s.slice(0, 100))",
    "s.split('')",
    "[...s]",
    "Object.keys(s)",
    "Object.getOwnPropertyDescriptors(s)",
    "new Set(s)",
    "Array.from(s).sort().join(s.slice(0, 10))",
    "({ [s]: 1 })[s]",
    "Symbol.for(s).description",
    "Uint8Array.fromBase64(s)",
    "Uint8Array.fromHex(s)",
    "text({ [s]: s }); console.log({ [s]: Symbol(s) })",
    "performance.mark?.(s); new DOMException(s, s); structuredClone(new Error(s))",
    "setTimeout(s); setTimeout(() => {}, s); await null",
    "new Event(s); new EventTarget().addEventListener(s, () => {})",
    "s.padEnd(2 ** 26 - 30, s)",
    "s.lastIndexOf('b'.repeat(1000) + 'a')",
    "s.at(-1) + s.substring(1).trim().trimEnd()",
    "crypto.getRandomValues(new TextEncoder().encode(s))",
    "String.raw({ raw: s }, ...s.slice(0, 1e5))",
];

/// Every reader with every text of its kind, at each of these sizes, in random order.
pub fn all(chance: &mut Chance) -> Vec<Script> {
    let mut scripts = Vec::new();
    for size in [2_000, 100_000, 3_000_000, 40_000_000] {
        for pattern in CODE {
            scripts.push(script(pattern, size, chance.pick(READ_CODE), ""));
            if size <= 900_000 {
                scripts.push(as_source(pattern, size));
            }
        }
        for pattern in REGEXPS {
            for flags in [chance.pick(FLAGS), chance.pick(FLAGS)] {
                scripts.push(script(pattern, size, chance.pick(READ_REGEXP), flags));
            }
        }
        for pattern in JSONS {
            for _ in 0..3 {
                scripts.push(script(pattern, size, chance.pick(READ_JSON), ""));
            }
        }
        for read in READ_PLAIN {
            for _ in 0..2 {
                scripts.push(script(&chance.pick(PLAIN), size, read, ""));
            }
        }
    }
    chance.shuffle(&mut scripts);
    scripts
}

/// One of them at a random size, and at random not on plain ground.
pub fn one(chance: &mut Chance) -> Script {
    let size = chance.size(50, 60_000_000);
    let flags = chance.pick(FLAGS);
    let (pattern, read) = match chance.below(5) {
        0 => (chance.pick(CODE), chance.pick(READ_CODE)),
        1 | 2 => (chance.pick(REGEXPS), chance.pick(READ_REGEXP)),
        3 => (chance.pick(JSONS), chance.pick(READ_JSON)),
        _ => (chance.pick(PLAIN), chance.pick(READ_PLAIN)),
    };
    let mut script = script(&pattern, size, read, flags);
    let body = script.pieces.pop().unwrap_or_default();
    let is_plain = body.contains("await ");
    script.pieces.push(match chance.below(4) {
        0 if !is_plain => format!("atBottom(() => {{ {body} }})"),
        1 if !is_plain => format!("below(() => {{ {body} }}, {})", chance.size(1, 4_000)),
        2 => format!(
            "fill({}); {body}",
            script.heap_mib * 1024 - 2_048 - chance.size(64, 8_192)
        ),
        _ => body,
    });
    script
}

fn script(pattern: &Pattern, size: usize, read: &str, flags: &str) -> Script {
    let Pattern { start, end, .. } = pattern;
    let unit = pattern.open.len() + pattern.close.len();
    let times = (size / unit).max(1);
    Script {
        name: format!("{} × {times}: {read}", pattern.open),
        pieces: vec![
            PRELUDE.to_owned(),
            format!(
                "const times = {times}, flags = '{flags}'; const many = (t) => t.includes('#') ? Array.from({{ length: Math.min(times, 3e5) }}, (_, i) => t.replaceAll('#', (h, at) => at == 0 && t.startsWith('#a') ? '#' : i)).join('') : t.repeat(times);"
            ),
            format!(
                "const s = {} + many({}) + {} + many({}) + {};",
                quoted(start),
                quoted(pattern.open),
                quoted(pattern.middle),
                quoted(pattern.close),
                quoted(end)
            ),
            read.to_owned(),
        ],
        heap_mib: 64,
        cpu_ms: 300,
        most_mib: Some(MOST_MIB),
    }
}

/// A literal of this text. Half characters, which Rust's strings cannot have, are escapes already.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'");
    let text = text.replace("\\\\ud", "\\ud").replace('\n', "\\n");
    format!("'{text}'")
}

/// The text is the script itself.
fn as_source(pattern: &Pattern, size: usize) -> Script {
    let times = (size / (pattern.open.len() + pattern.close.len())).max(1);
    let many = |unit: &str| -> String {
        (0..times)
            .map(|i| match unit.strip_prefix("#a") {
                Some(rest) => format!("#a{}", rest.replace('#', &i.to_string())),
                None => unit.replace('#', &i.to_string()),
            })
            .collect()
    };
    let mut source = pattern.start.to_owned() + &many(pattern.open);
    source += pattern.middle;
    source += &many(pattern.close);
    source += pattern.end;
    source.truncate(1_000_000);
    Script {
        name: format!("{} × {times} as source", pattern.open),
        pieces: vec![source],
        heap_mib: 64,
        cpu_ms: 300,
        most_mib: Some(MOST_MIB),
    }
}
