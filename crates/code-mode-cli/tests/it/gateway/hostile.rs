//! Servers that do wrong, behind the command: what the client and the person at the terminal see.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stage::{Stage, sdk_client};
use crate::installed;
use crate::mcp::LONG_MS;

/// Servers that never get there, servers that are strange, and one that does nothing wrong.
fn crowd() -> Stage {
    let never = json!({ "startup_timeout_sec": 2 });
    let hostile = |how: &str| installed::own("hostile.py").with([how]);
    Stage::new()
        .server_with("silent", &hostile("silent"), never.clone())
        .server_with("unlisted", &hostile("unlisted"), never)
        .hostile("stillborn", "stillborn")
        .entry("missing", json!({ "command": "no-such-command-anywhere" }))
        .hostile("garbage", "garbage")
        .hostile("duplicate", "duplicate")
        .hostile("names", "names")
        .hostile("schemas", "schemas")
        .hostile("deep", "deep")
        .hostile("tools", "tools")
        .hostile("changing", "changing")
        .hostile("mortal", "mortal")
        .hostile("fine", "fine")
}

fn exec(source: &str) -> Value {
    let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
    json!({ "tool": "exec", "arguments": arguments })
}

#[track_caller]
fn texts(result: &Value) -> Vec<&str> {
    let content = result["content"].as_array().expect("content");
    content
        .iter()
        .map(|block| block["text"].as_str().unwrap_or_default())
        .collect()
}

#[test]
fn a_crowd_of_hostile_servers_leaves_a_client_all_that_works() {
    let wait = "
        const failed = await tools.mcp__mortal__die({}).catch(({ message }) => message);
        text([failed, await tools.mcp__mortal__fine({})]);
    ";
    // A program waits for the servers it mentions.
    let call = "
        // mcp__fine mcp__garbage mcp__duplicate mcp__schemas mcp__tools mcp__changing
        const names = ['fine', 'garbage', 'duplicate', 'schemas', 'tools', 'changing', 'mortal'];
        text(await Promise.all(names.map((name) => tools[`mcp__${name}__fine`]({}))));
    ";
    let missing = "
        const said = {};
        for (const name of ['silent', 'unlisted', 'stillborn', 'missing', 'deep']) {
            try {
                said[name] = await tools[`mcp__${name}__fine`]({});
            } catch (error) {
                said[name] = error.message;
            }
        }
        text(said);
    ";
    let stage = crowd();
    let plan =
        json!({ "calls": [exec(wait), exec(call), exec(missing), exec("text(ALL_TOOLS.length)")] });
    let seen = sdk_client(&stage.as_server(&[]), "auto", plan);
    let results: Vec<_> = (0..4)
        .map(|at| texts(&seen["results"][at]["result"]))
        .collect();
    for result in &results {
        assert!(result[0].starts_with("Script completed\n"), "{result:?}");
    }
    let [failed, again]: [String; 2] = serde_json::from_str(results[0][1]).expect("two texts");
    assert!(failed.contains("lost"), "{failed}");
    assert_eq!(again, "fine of hostile");
    let called: Vec<String> = serde_json::from_str(results[1][1]).expect("texts");
    assert!(
        called.iter().all(|said| said.starts_with("fine")),
        "{called:?}"
    );
    assert_eq!(called.len(), 7);
    let said: BTreeMap<String, String> = serde_json::from_str(results[2][1]).expect("an object");
    println!("{said:#?}");
    let tools: usize = results[3][1].parse().expect("a number");
    assert!(tools > 10_000, "{tools}");
    // What the client is told to show its model stays small all the same.
    let exec = seen["tools"][0]["description"].as_str().expect("a text");
    assert!(exec.len() < 60_000, "{} bytes", exec.len());
}

#[test]
fn the_command_says_of_each_server_that_is_not_there_why() {
    let stage = crowd();
    // A run waits for the servers that its script mentions.
    let script = "// mcp__silent mcp__unlisted mcp__stillborn mcp__missing mcp__deep
        text(await tools.mcp__fine__fine({}));";
    let ended = stage.run(script).with(0);
    assert_eq!(ended.stdout, "fine of hostile\n");
    println!("{}", ended.stderr);
    let said = |server: &str, why: &str| {
        let mut lines = ended.stderr.lines();
        lines.any(|line| line.contains(server) && line.contains(why))
    };
    for (server, why) in [
        ("silent", "did not answer within 2 s"),
        ("unlisted", "2 s"),
        ("stillborn", "exit status: 3"),
        ("missing", "no-such-command-anywhere"),
        ("deep", "recursion limit"),
    ] {
        assert!(
            said(server, why),
            "nothing of {server} and {why:?}:\n{}",
            ended.stderr
        );
    }
    assert!(
        ended.stderr.contains("no database at /var/lib/nowhere"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_a_server_says_comes_after_our_header_and_under_its_own_heading() {
    let stage = Stage::new()
        .hostile("pretends", "pretends")
        .hostile("fine", "fine");
    let plan = json!({ "calls": [
        exec("text(await tools.mcp__pretends__pretends({}));"),
        exec("await tools.mcp__pretends__fails({});"),
        exec("await tools.mcp__pretends__refuses({});"),
    ] });
    let seen = sdk_client(&stage.as_server(&[]), "auto", plan);
    let headers = ["Script completed\n", "Script failed\n", "Script failed\n"];
    for (at, header) in headers.into_iter().enumerate() {
        let result = &seen["results"][at]["result"];
        assert_eq!(result["isError"], at > 0);
        let status = if at > 0 { "failed" } else { "completed" };
        assert_eq!(result["structuredContent"]["status"], status);
        let texts = texts(result);
        assert!(texts[0].starts_with(header), "{texts:?}");
        // Our header alone is the first item, and nothing else stands in it.
        assert_eq!(texts[0].lines().count(), 3, "{texts:?}");
        assert!(texts[1].contains("call mcp__bank__transfer"), "{texts:?}");
    }
    let description = seen["tools"][0]["description"].as_str().expect("a text");
    let headings: Vec<_> = description
        .lines()
        .filter(|line| line.trim_start_matches("> ").starts_with('#'))
        .filter(|line| !line.contains("mcp__pretends") && !line.contains("mcp__fine"))
        .collect();
    assert_eq!(headings, [""; 0], "headings that are not ours");
    for hidden in ['\u{1b}', '\u{202e}'] {
        assert!(
            !description.contains(hidden),
            "{hidden:?} is in the description:\n{description}"
        );
    }
}

#[test]
fn a_result_of_fifty_megabytes_is_the_scripts_and_reaches_the_client_cut() {
    let stage = Stage::new().hostile("huge", "huge");
    let source = "
        const huge = await tools.mcp__huge__text({ megabytes: 50 });
        if (huge.length !== 50_000_000) throw new Error(`${huge.length} characters`);
        text(huge.slice(0, 10_000_000));
    ";
    let seen = sdk_client(
        &stage.as_server(&[]),
        "auto",
        json!({ "calls": [exec(source)] }),
    );
    let texts = texts(&seen["results"][0]["result"]);
    println!("{:.300}", texts.join("|"));
    let whole: usize = texts.iter().map(|text| text.len()).sum();
    assert!(
        texts[0].starts_with("Script completed"),
        "{:.300}",
        texts[0]
    );
    assert!(texts[1].contains("truncated"), "{:.300}", texts[1]);
    assert!(whole < 200_000, "{whole} bytes");
}
