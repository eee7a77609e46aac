//! The slips models make most, and what to do about each.
//!
//! A hint is given only where it is right: each slip is told by the error *and* by the text it came
//! from. No hint is better than a wrong one.

use super::lines::lines;
use super::typescript::only_functions;
use crate::description::ToolSet;

/// When a script failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    /// V8 refused the text.
    Compiling,
    Running,
}

/// A script that failed, as far as hints need to know.
pub(crate) struct Failed<'a> {
    /// The text that ran, or should have: of a code fence the inside.
    pub(crate) program: &'a str,
    pub(crate) stage: Stage,
    /// `Name: message`
    pub(crate) message: &'a str,
    /// The line and the column of the error, both from 1, columns in UTF-16 units.
    pub(crate) place: Option<(usize, usize)>,
    pub(crate) tools: &'a ToolSet,
}

impl<'a> Failed<'a> {
    /// The line the error is on.
    fn line(&self) -> &'a str {
        let number = self.place.and_then(|(line, _)| line.checked_sub(1));
        number
            .and_then(|number| lines(self.program).nth(number))
            .unwrap_or("")
    }

    /// The last line with text before [`Self::line`].
    fn line_before(&self) -> &'a str {
        let before = self.place.map_or(0, |(line, _)| line.saturating_sub(1));
        let with_text = |line: &&str| !line.trim().is_empty();
        let before = lines(self.program).take(before).filter(with_text).last();
        before.unwrap_or("")
    }

    /// Whether the error is where `word` begins.
    fn is_at(&self, word: &str) -> bool {
        let column = self.place.map_or(0, |(_, column)| column.saturating_sub(1));
        let units: Vec<u16> = self.line().encode_utf16().skip(column).collect();
        words(&String::from_utf16_lossy(&units)).next() == Some(word)
    }

    /// The name in `ReferenceError: name is not defined`.
    fn undefined_name(&self) -> Option<&'a str> {
        let name = self.message.strip_prefix("ReferenceError: ")?;
        name.strip_suffix(" is not defined")
    }
}

/// Why a slip is one, and what to do, if it is this one.
type Slip = fn(&Failed<'_>) -> Option<String>;

/// In this order: the first that fits is told.
const WHILE_COMPILING: [Slip; 7] = [
    json_instead_of_a_script,
    prose_around_a_script,
    shell_instead_of_a_script,
    top_level_return,
    await_in_a_plain_function,
    python_instead_of_a_script,
    unclosed_at_the_end,
];

const WHILE_RUNNING: [Slip; 6] = [
    tool_as_a_global,
    missing_global,
    python_name,
    shell_instead_of_a_script,
    promise_as_a_value,
    tool_misspelt_as_a_global,
];

/// The last line of an error text, for errors that come of a slip.
pub(crate) fn hint(failed: &Failed<'_>) -> Option<String> {
    let slips: &[Slip] = match failed.stage {
        Stage::Compiling => &WHILE_COMPILING,
        Stage::Running => &WHILE_RUNNING,
    };
    let hint = slips.iter().find_map(|slip| slip(failed))?;
    Some(format!("Hint: {hint}"))
}

/// What goes under the text of a promise that a script showed before it settled.
pub(crate) const PENDING_PROMISE: &str =
    "Hint: this promise has not settled; show what it resolves to: text(await …)";

/// A script that only defines functions, so that running it did nothing.
pub(crate) struct Uncalled {
    pub(crate) message: String,
    /// Where the function is, in bytes of the program.
    pub(crate) offset: usize,
    pub(crate) hint: String,
}

/// Whether a program that had no effect is one that could have none.
pub(crate) fn uncalled(program: &str) -> Option<Uncalled> {
    let definition = only_functions(program)?;
    let offset = definition.offset;
    let (message, hint) = match definition.name {
        Some(name) => (
            format!("Error: the script defines {name} and never calls it, so nothing happened"),
            format!("Hint: call it in a last line: await {name}();"),
        ),
        None => (
            "Error: the script is a function that nothing calls, so nothing happened".to_owned(),
            "Hint: send the body without the function around it; await works at the top level"
                .to_owned(),
        ),
    };
    Some(Uncalled {
        message,
        offset,
        hint,
    })
}

/// `{"code": "…"}`
fn json_instead_of_a_script(failed: &Failed<'_>) -> Option<String> {
    const SCRIPT_FIELDS: [&str; 7] = [
        "code",
        "source",
        "script",
        "input",
        "javascript",
        "js",
        "program",
    ];
    let text = failed.program.trim();
    if !text.starts_with('{') {
        return None;
    }
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let field = SCRIPT_FIELDS
        .iter()
        .find(|&&field| fields.get(field).is_some_and(serde_json::Value::is_string));
    Some(match field {
        Some(field) => format!("this is JSON, not a script; send the text of its {field:?} alone"),
        None => "this is JSON, not a script; send the JavaScript that does it, such as text(await tools.name({ … }))".to_owned(),
    })
}

/// A code fence with words before or after it, or two of them.
fn prose_around_a_script(failed: &Failed<'_>) -> Option<String> {
    let (before, _) = failed.program.split_once("```")?;
    // Behind a backtick it may be the text of a template.
    let begins_line = before.trim_end_matches(' ').ends_with('\n') || before.trim().is_empty();
    let is_fence = begins_line && !before.contains('`');
    is_fence.then(|| "send the script alone, without Markdown or words around it".to_owned())
}

/// Commands whose name alone begins a line of shell.
const COMMANDS: [&str; 38] = [
    "ls", "cd", "cat", "grep", "rg", "find", "sed", "awk", "head", "tail", "echo", "curl", "wget",
    "mkdir", "rm", "cp", "mv", "touch", "chmod", "pwd", "git", "npm", "npx", "pnpm", "yarn",
    "node", "python", "python3", "pip", "pip3", "bash", "sh", "sudo", "apt", "apt-get", "docker",
    "cargo", "make",
];

/// `ls -la`, `#!/bin/bash`, `curl https://…`
fn shell_instead_of_a_script(failed: &Failed<'_>) -> Option<String> {
    let hashbang = lines(failed.program).next().unwrap_or("");
    let is_shell =
        failed.stage == Stage::Compiling && hashbang.starts_with("#!") && hashbang.ends_with("sh");
    let line = failed.line().trim();
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let is_command = COMMANDS.contains(&command)
        && !rest
            .trim_start()
            .starts_with(['=', '(', '.', ',', '?', ':', '+', '*', '['])
        && !line.ends_with(['{', ';', ',', ')'])
        && failed.undefined_name().is_none_or(|name| name == command);
    (is_shell || is_command).then(|| {
        "this is shell; exec runs JavaScript, and commands run only through a tool: ALL_TOOLS lists the tools there are".to_owned()
    })
}

/// `return x` outside a function.
fn top_level_return(failed: &Failed<'_>) -> Option<String> {
    (failed.message == "SyntaxError: Illegal return statement").then(|| {
        "a script is no function body; show a value with text(value), and end early with exit()"
            .to_owned()
    })
}

/// `await` in a function that is not `async`.
fn await_in_a_plain_function(failed: &Failed<'_>) -> Option<String> {
    let refused = failed
        .message
        .starts_with("SyntaxError: await is only valid")
        || failed.message == "SyntaxError: Unexpected reserved word" && failed.is_at("await");
    refused.then(|| "write async before the function that awaits: async () => { … }, async function f() { … }".to_owned())
}

/// Lines that are Python and no JavaScript.
fn python_instead_of_a_script(failed: &Failed<'_>) -> Option<String> {
    // V8 often notices only on the next line.
    let found = is_python(failed.line()) || is_python(failed.line_before());
    found.then(|| "this is Python; exec runs JavaScript".to_owned())
}

fn is_python(line: &str) -> bool {
    let line = line.trim();
    let block = line.ends_with(':')
        && [
            "def ",
            "async def ",
            "class ",
            "if ",
            "elif ",
            "for ",
            "while ",
            "with ",
            "except ",
            "try:",
            "else:",
            "except:",
        ]
        .iter()
        .any(|start| line.starts_with(start))
        && !line.contains('{');
    let module_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|next| next.is_alphanumeric() || "_., ".contains(next))
    };
    let import = line
        .strip_prefix("import ")
        .is_some_and(|names| module_name(names) && !names.contains(" from"))
        || line
            .strip_prefix("from ")
            .and_then(|rest| rest.split_once(" import "))
            .is_some_and(|(from, _)| module_name(from));
    let print =
        line.starts_with("print ") || line.starts_with("print(f\"") || line.starts_with("print(f'");
    block || import || print || line.starts_with("\"\"\"")
}

/// A text that ends inside a bracket, a string or a template.
fn unclosed_at_the_end(failed: &Failed<'_>) -> Option<String> {
    (failed.message == "SyntaxError: Unexpected end of input").then(|| {
        "the script ends too early: a bracket or a template is not closed, or the text was cut off".to_owned()
    })
}

/// `read_file(…)` where there is `tools.read_file`.
fn tool_as_a_global(failed: &Failed<'_>) -> Option<String> {
    let tool = failed.tools.get(failed.undefined_name()?)?;
    Some(format!("it is a tool: await tools.{}(…)", tool.global_name))
}

/// `read_fil(…)` where there is `tools.read_file`.
fn tool_misspelt_as_a_global(failed: &Failed<'_>) -> Option<String> {
    let name = failed.undefined_name()?;
    if !failed.line().contains(&format!("{name}(")) {
        return None;
    }
    let closest = failed.tools.closest(name);
    let closest = closest.first()?;
    Some(format!("did you mean the tool await tools.{closest}(…)?"))
}

/// Names of other surroundings, and what a script does here instead.
const MISSING_GLOBALS: [(&[&str], &str); 10] = [
    (
        &["require", "module", "exports"],
        "a script is an ES module without packages; its helpers and tools are globals, and everything else is reached through tools",
    ),
    (
        &["process", "__dirname", "__filename"],
        "there is no process: no environment, arguments or working directory; exit() ends the script",
    ),
    (
        &[
            "fetch",
            "XMLHttpRequest",
            "WebSocket",
            "EventSource",
            "axios",
        ],
        "there is no network; only tools reach the outside, and ALL_TOOLS lists them",
    ),
    (
        &["fs", "path", "os", "child_process", "Deno", "Bun"],
        "there are no files and no processes; only tools reach the outside, and ALL_TOOLS lists them",
    ),
    (
        &["Buffer"],
        "there is no Buffer; use Uint8Array, TextEncoder, TextDecoder, atob and btoa",
    ),
    (
        &["window", "document", "navigator", "location", "self"],
        "there is no browser and no page; globalThis is the global object",
    ),
    (
        &["localStorage", "sessionStorage"],
        "use store(key, value) and load(key)",
    ),
    (
        &["alert", "prompt", "confirm"],
        "there is nobody to ask; text(value) shows a value",
    ),
    (&["global"], "the global object is globalThis"),
    (&["setImmediate"], "use setTimeout(f, 0)"),
];

/// `require`, `process`, `fetch`, `fs`, …
fn missing_global(failed: &Failed<'_>) -> Option<String> {
    let name = failed.undefined_name()?;
    let (_, advice) = MISSING_GLOBALS
        .iter()
        .find(|(names, _)| names.contains(&name))?;
    let closest = failed.tools.closest(name);
    Some(match closest.first() {
        Some(tool) => format!("{advice} (is it tools.{tool} you want?)"),
        None => (*advice).to_owned(),
    })
}

/// Names of Python's and what JavaScript has.
const PYTHON_NAMES: [(&str, &str); 9] = [
    ("print", "text(value)"),
    ("None", "null"),
    ("True", "true"),
    ("False", "false"),
    ("len", "value.length"),
    ("str", "String(value)"),
    ("int", "Number(value)"),
    (
        "range",
        "a for loop, or Array.from({ length: n }, (_, i) => i)",
    ),
    ("isinstance", "value instanceof Class"),
];

fn python_name(failed: &Failed<'_>) -> Option<String> {
    let name = failed.undefined_name()?;
    let (_, instead) = PYTHON_NAMES.iter().find(|(python, _)| *python == name)?;
    Some(format!("{name} is Python; in JavaScript it is {instead}"))
}

/// A tool's promise used as if it were the result.
fn promise_as_a_value(failed: &Failed<'_>) -> Option<String> {
    let told = "a tool gives a promise; await it before using the result: (await tools.…(…))";
    if failed
        .message
        .ends_with("\"[object Promise]\" is not valid JSON")
    {
        return Some(told.to_owned());
    }
    let message = failed.message.strip_prefix("TypeError: ")?;
    let name = match message.strip_prefix("Cannot read properties of undefined (reading '") {
        Some(read) => owner_of(failed.line(), read.strip_suffix("')")?)?,
        None => {
            let (used, _) = [" is not a function", " is not iterable"]
                .iter()
                .find_map(|end| message.split_once(end))?;
            let receiver = used.rsplit_once('.').map_or(used, |(receiver, _)| receiver);
            let is_call = receiver.ends_with("(...)") || message.contains("its return value");
            if used.starts_with("tools.") && is_call {
                return Some(told.to_owned());
            }
            receiver
        }
    };
    is_unawaited(failed.program, name)
        .then(|| format!("{name} is a promise; await the call: {name} = await tools.…(…)"))
}

/// The `a` of `a.b.read` in a line.
fn owner_of<'a>(line: &'a str, read: &str) -> Option<&'a str> {
    line.match_indices(&format!(".{read}")).find_map(|(at, _)| {
        let before = &line[..at];
        let chain = before.trim_end_matches(|next| is_name_character(next) || next == '.');
        let (owner, _) = before[chain.len()..].split_once('.')?;
        (!owner.is_empty()).then_some(owner)
    })
}

/// Whether `name = tools.…` is in the source, and never `name = await`.
fn is_unawaited(source: &str, name: &str) -> bool {
    let assigned = |value: &str| {
        source.match_indices(name).any(|(at, _)| {
            let starts_word = !source[..at].ends_with(is_name_character);
            let after = source[at + name.len()..].trim_start();
            let after = after.strip_prefix('=').map(str::trim_start);
            starts_word && after.is_some_and(|after| after.starts_with(value))
        })
    };
    !name.is_empty() && assigned("tools") && !assigned("await")
}

/// The names and keywords in a line.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character| !is_name_character(character))
        .filter(|word| !word.is_empty())
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}
