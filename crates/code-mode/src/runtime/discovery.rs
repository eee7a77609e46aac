//! `describe_tool` and `search_tools`: what a script asks about the tools it may call. Calls none.

use serde::Serialize;

use super::callbacks::{Arguments, Return, run};
use super::render::NoValue;
use super::tool_object::no_such_tool;
use super::{Thrown, kind_of, render};
use crate::description::{declared, described};

/// How many tools `search_tools` gives that was not told how many.
const DEFAULT_FOUND: usize = 10;
/// How many of the tools it finds come with their declarations.
const DECLARED: usize = 3;

/// `describe_tool(name)`
pub(super) fn describe_tool<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let Ok(name) = v8::Local::<v8::String>::try_from(args.get(0)) else {
            let got = kind_of(scope, args.get(0));
            let message = format!("describe_tool takes the name of a tool, got {got}");
            return Err(Thrown::Type(message));
        };
        let name = render::to_rust_string(scope, name);
        let tool = script.tools.get(&name).ok_or_else(|| {
            let message = no_such_tool(&script.tools, &name);
            Thrown::Type(format!("describe_tool: {message}"))
        })?;
        let text = v8::String::new(scope, &described(tool)).ok_or(Thrown::Pending)?;
        result.set(text.into());
        Ok(())
    });
}

/// `search_tools(query, { server?, limit? })`
pub(super) fn search_tools<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let Ok(query) = v8::Local::<v8::String>::try_from(args.get(0)) else {
            let got = kind_of(scope, args.get(0));
            let message = format!(
                "search_tools takes what the tool is to do as a string, such as \
                 search_tools(\"create a folder\"), got {got}"
            );
            return Err(Thrown::Type(message));
        };
        let (server, limit) = search_options(scope, args.get(1))?;
        let query = render::to_rust_string(scope, query);
        let found = script
            .tools
            .search(&query, server.as_deref(), limit)
            .map_err(|unknown| Thrown::Type(format!("search_tools: {unknown}")))?;
        let found: Vec<_> = (0..)
            .zip(found)
            .map(|(place, tool)| Found {
                name: &tool.global_name,
                server: tool.server(),
                description: tool.summary(),
                declaration: (place < DECLARED).then(|| declared(tool)),
            })
            .collect();
        let json = serde_json::to_string(&found).expect("strings always serialise");
        let found = render::from_json(scope, json.into()).map_err(|no_value| match no_value {
            NoValue::TooLong => {
                Thrown::Range("search_tools: too much was found; give a smaller limit".to_owned())
            }
            NoValue::Unreadable => Thrown::Pending,
        })?;
        result.set(found);
        Ok(())
    });
}

/// A tool as `search_tools` gives it.
#[derive(Serialize)]
struct Found<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    declaration: Option<String>,
}

/// The second argument of `search_tools`; may run script code.
fn search_options<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    options: v8::Local<'s, v8::Value>,
) -> Result<(Option<String>, usize), Thrown> {
    if options.is_null_or_undefined() {
        return Ok((None, DEFAULT_FOUND));
    }
    let Ok(options) = v8::Local::<v8::Object>::try_from(options) else {
        let got = kind_of(scope, options);
        return Err(Thrown::Type(format!(
            "search_tools: the second argument must be an object like {{ server: \"git\", limit: 5 }}, not {got}"
        )));
    };
    let server = render::get(scope, options, "server")?;
    let server = match v8::Local::<v8::String>::try_from(server) {
        Ok(name) => Some(render::to_rust_string(scope, name)),
        Err(_) if server.is_null_or_undefined() => None,
        Err(_) => {
            let got = kind_of(scope, server);
            return Err(Thrown::Type(format!(
                "search_tools: server must be the name of a server as a string, not {got}"
            )));
        }
    };
    let limit = render::get(scope, options, "limit")?;
    if limit.is_null_or_undefined() {
        return Ok((server, DEFAULT_FOUND));
    }
    let got = match v8::Local::<v8::Number>::try_from(limit) {
        Ok(number) if number.value() >= 1.0 && number.value().fract() == 0.0 => {
            return Ok((server, number.value() as usize));
        }
        Ok(number) => number.to_rust_string_lossy(scope),
        Err(_) => kind_of(scope, limit),
    };
    Err(Thrown::Type(format!(
        "search_tools: limit must be a whole number of at least 1, not {got}"
    )))
}
