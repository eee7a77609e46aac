//! JavaScript expressions made of bytes: values that are hard to put into words. None of them goes on
//! for ever.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// How deep expressions go.
const DEPTH: usize = 4;

/// An expression that may throw.
pub fn expression(u: &mut Unstructured<'_>) -> Result<String> {
    within(u, DEPTH)
}

/// A string literal of any text.
pub fn literal(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    // As a lone surrogate is written, which no text of ours has.
    json.replace('\u{fffd}', "\\ud800")
}

fn within(u: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    const ATOMS: [&str; 54] = [
        "undefined",
        "null",
        "true",
        "0",
        "-0",
        "NaN",
        "-Infinity",
        "1e21",
        "1n",
        "-(2n**200n)",
        "''",
        "'\\ud800'",
        "'\\0'",
        "Symbol()",
        "Symbol('s')",
        "Symbol.iterator",
        "()=>1",
        "class A {}",
        "async function* f() {}",
        "/[/]\\n/giu",
        "new Date(0)",
        "new Date(NaN)",
        "new Date(8.64e15)",
        "new Error('e')",
        "new TypeError()",
        "new AggregateError([1, new Error('e')], 'a')",
        "globalThis",
        "tools",
        "ALL_TOOLS",
        "Math",
        "JSON",
        "Reflect",
        "Intl",
        "new Intl.NumberFormat('de')",
        "Promise.resolve(1)",
        "Promise.reject(1).catch(() => 1) && Promise.resolve()",
        "new Promise(() => {})",
        "new WeakMap()",
        "new WeakRef({})",
        "new ArrayBuffer(9, { maxByteLength: 99 })",
        "new Uint8Array(300)",
        "new DataView(new ArrayBuffer(2))",
        "new Float16Array([1.1, NaN])",
        "[,1,,]",
        "Array(5)",
        "Object.create(null)",
        "(function () { return arguments })(1, 2)",
        "(function* () { yield 1 })()",
        "new Proxy({}, {})",
        "[1, 2][Symbol.iterator]()",
        "new URL('http://x/?a#b')",
        "new AbortController()",
        "new DOMException('m', 'AbortError')",
        "new TextEncoder().encode('é')",
    ];
    if depth == 0 || u.is_empty() {
        return Ok((*u.choose(&ATOMS)?).to_owned());
    }
    let kind = u.int_in_range(0..=27)?;
    let a = match kind {
        0 | 1 => return Ok((*u.choose(&ATOMS)?).to_owned()),
        2 => return Ok(literal(u.arbitrary()?)),
        3 => return Ok(format!("({:?})", u.arbitrary::<f64>()?).replace("inf", "Infinity")),
        4 => return Ok(format!("{}n", u.arbitrary::<i64>()?)),
        _ => within(u, depth - 1)?,
    };
    let b = within(u, depth - 1)?;
    let key = literal(&super::json::name(u)?);
    Ok(match kind {
        5 => format!("[{a}, {b}]"),
        6 => format!("({{ {key}: {a}, [{key}]: {b} }})"),
        7 => format!("({{ get {key}() {{ return ({a}) }}, b: ({b}) }})"),
        8 => format!("({{ get {key}() {{ throw ({a}) }} }})"),
        9 => format!("({{ toJSON() {{ return ({a}) }}, b: ({b}) }})"),
        10 => format!("new Map([[{a}, {b}]])"),
        11 => format!("new Set([{a}, {b}])"),
        12 => format!(
            "new (class {key_name} {{ a = ({a}); #b = ({b}) }})",
            key_name = "K"
        ),
        13 => format!("new Proxy(Object({a}), {{ get() {{ return ({b}) }} }})"),
        14 => format!("new Proxy(Object({a}), {{ ownKeys() {{ throw ({b}) }} }})"),
        15 => format!("Object.assign(Object({a}), {{ {key}: ({b}) }})"),
        16 => format!("Object.setPrototypeOf(Object({a}), Object({b}))"),
        17 => format!("Object.assign(new Error({key}, {{ cause: ({a}) }}), {{ b: ({b}) }})"),
        18 => format!("Object.assign(new Error({key}), {{ stack: ({a}), name: ({b}) }})"),
        19 => format!("Object.defineProperty(Object({a}), Symbol.toStringTag, {{ value: ({b}) }})"),
        20 => format!("Object.assign(Object({a}), {{ toString() {{ return ({b}) }} }})"),
        21 => format!("((o) => {{ try {{ o.self = o }} catch {{}} return o }})(Object({a}))"),
        22 => format!("Object.freeze(Object({a}))"),
        23 => format!("Array(12).fill({a})"),
        24 => format!("String({a}).repeat(20)"),
        25 => format!("({a})?.[{key}]"),
        26 => format!("JSON.stringify({a}, null, 2)"),
        _ => format!("Object.assign(Object({a}), {{ constructor: ({b}) }})"),
    })
}
