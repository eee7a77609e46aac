//! `search_tools` and `ToolSet::search`: whether they find the tool that is meant.

use std::fmt::Write as _;

use code_mode::{Session, Tool, ToolDefinition, ToolSet};
use serde_json::{Value, json};

use crate::snapshot::assert_snapshot;
use crate::support::{host, run_in, text_items};
use crate::typescript::servers;

/// The recorded tools of the five servers, as a gateway has them.
fn recorded() -> ToolSet {
    let mut definitions = Vec::new();
    for (server, tools) in servers() {
        let server = server.replace("mcp-server-", "").replace("server-", "");
        for tool in tools {
            let text = |key: &str| tool[key].as_str().unwrap_or("").to_owned();
            let mut definition = ToolDefinition::function(text("name"), text("description"))
                .namespace(format!("mcp__{server}"))
                .input_schema(tool["inputSchema"].clone());
            if let Some(schema) = tool.get("outputSchema") {
                definition = definition.output_schema(schema.clone());
            }
            definitions.push(definition);
        }
    }
    assert_eq!(definitions.len(), 50);
    ToolSet::new(definitions)
}

/// A question, and the global names of the tools that answer it.
struct Question {
    asked: &'static str,
    expected: Vec<&'static str>,
}

fn questions(file: &'static str) -> Vec<Question> {
    file.lines()
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '=']))
        .map(|line| {
            let (expected, asked) = line.split_once(": ").expect(line);
            Question {
                asked,
                expected: expected.split(" | ").collect(),
            }
        })
        .collect()
}

impl Question {
    /// Whether it has a word of the name of a tool that answers it.
    fn has_a_word_of_the_name(&self, tools: &ToolSet) -> bool {
        let asked = self.asked.to_lowercase();
        let asked: Vec<_> = asked
            .split(|letter: char| !letter.is_alphanumeric())
            .collect();
        self.expected.iter().any(|name| {
            let own = &tools
                .get(name)
                .expect("a tool of that name")
                .definition
                .name;
            own.split(['_', '-']).any(|word| asked.contains(&word))
        })
    }

    /// The place of the first tool that answers it, from 1.
    fn rank(&self, found: &[&std::sync::Arc<Tool>]) -> Option<usize> {
        let position = found
            .iter()
            .position(|tool| self.expected.contains(&&*tool.global_name));
        position.map(|position| position + 1)
    }
}

#[test]
fn questions_find_their_tools() {
    let tools = recorded();
    let questions = questions(include_str!("discovery.txt"));
    assert!(questions.len() >= 48);
    let without = questions
        .iter()
        .filter(|question| !question.has_a_word_of_the_name(&tools))
        .count();
    assert!(2 * without >= questions.len(), "{without}");

    let rates = checked(&tools, &questions, "description/discovery_ranks.txt");
    assert!(10 * rates.first_three >= 9 * questions.len());
}

#[test]
fn questions_of_other_kinds_find_their_tools() {
    let file = include_str!("discovery_other.txt");
    let tools = file.lines().filter_map(|line| line.strip_prefix("= "));
    let tools = ToolSet::new(tools.map(|line| {
        let (head, description) = line.split_once("): ").expect(line);
        let (name, parameters) = head.split_once(" (").expect(line);
        let (namespace, name) = name.split_once(' ').expect(line);
        let parameters = parameters.split(", ");
        let properties: serde_json::Map<_, _> = parameters
            .map(|parameter| (parameter.to_owned(), json!({ "type": "string" })))
            .collect();
        ToolDefinition::function(name, description)
            .namespace(namespace)
            .input_schema(json!({ "type": "object", "properties": properties }))
    }));
    let questions = questions(file);
    assert_eq!((tools.len(), questions.len()), (40, 41));
    let rates = checked(&tools, &questions, "description/discovery_other_ranks.txt");
    assert!(10 * rates.first_three >= 8 * questions.len());
}

/// How many questions find their tools.
struct Rates {
    first_three: usize,
}

/// Asks the questions, and compares the ranks of the answers with a snapshot.
fn checked(tools: &ToolSet, questions: &[Question], snapshot: &str) -> Rates {
    let (mut first, mut first_three, mut without, mut others) = (0, 0, 0, String::new());
    for question in questions {
        let found = tools.search(question.asked, None, usize::MAX).unwrap();
        let rank = question.rank(&found);
        first += usize::from(rank == Some(1));
        first_three += usize::from(rank.is_some_and(|rank| rank <= 3));
        without += usize::from(!question.has_a_word_of_the_name(tools));
        if rank != Some(1) {
            let rank = rank.map_or("never".to_owned(), |rank| rank.to_string());
            let names: Vec<_> = found
                .iter()
                .map(|tool| &*tool.global_name)
                .take(3)
                .collect();
            let _ = writeln!(
                others,
                "{rank}: {} ({})\n    {}",
                question.asked,
                question.expected.join(" | "),
                names.join(", ")
            );
        }
    }
    let rates = format!(
        "{} questions, {without} of them without a word of the tool's name: {first} find it first, \
         {first_three} among the first three.\n",
        questions.len()
    );
    println!("{rates}");
    let text = format!("{rates}\nNot first, by question, with what was found before:\n\n{others}");
    assert_snapshot(snapshot, &text);
    Rates { first_three }
}

fn names(tools: &ToolSet, question: &str, server: Option<&str>, limit: usize) -> Vec<String> {
    let found = tools.search(question, server, limit).unwrap();
    found.iter().map(|tool| tool.global_name.clone()).collect()
}

#[test]
fn the_same_tools_in_any_order_give_the_same_answer() {
    let tools = recorded();
    let mut backwards: Vec<_> = tools.iter().map(|tool| tool.definition.clone()).collect();
    backwards.reverse();
    let backwards = ToolSet::new(backwards);
    for question in questions(include_str!("discovery.txt")) {
        assert_eq!(
            names(&tools, question.asked, None, usize::MAX),
            names(&backwards, question.asked, None, usize::MAX),
            "{}",
            question.asked
        );
    }
}

#[test]
fn the_name_of_a_tool_finds_that_tool_first() {
    let tools = recorded();
    for tool in tools.iter() {
        for name in [&tool.global_name, &tool.flat_name, &tool.definition.name] {
            let found = names(&tools, &format!(" {name} "), None, 1);
            assert_eq!(found[0], tool.global_name);
        }
    }
}

#[test]
fn a_server_narrows_the_search_by_either_of_its_names() {
    let tools = recorded();
    for server in ["git", "mcp__git"] {
        let found = names(&tools, "create", Some(server), 100);
        assert_eq!(found[0], "mcp__git__git_create_branch");
        assert!(
            found.iter().all(|name| name.starts_with("mcp__git__")),
            "{found:?}"
        );
    }
    let unknown = tools.search("create", Some("github"), 1).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no server \"github\"; there are everything, filesystem, git, memory, time"
    );
    let alone = ToolSet::new([ToolDefinition::function("a", "")]);
    let unknown = alone.search("a", Some("git"), 1).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no server \"git\"; no tool is of a server, so leave it out"
    );
}

#[test]
fn a_question_without_words_finds_every_tool_by_name_and_one_of_other_words_none() {
    let tools = recorded();
    let mut all: Vec<_> = tools.iter().map(|tool| tool.global_name.clone()).collect();
    all.sort();
    assert_eq!(names(&tools, "", None, usize::MAX), all);
    assert_eq!(
        names(&tools, " ?", Some("time"), 10),
        ["mcp__time__convert_time", "mcp__time__get_current_time"]
    );
    assert!(names(&tools, "xylophone zzyzx", None, 10).is_empty());
}

#[test]
fn words_of_every_part_of_a_definition_are_found() {
    let tools = ToolSet::new([
        ToolDefinition::function("a", "Zero.\nThen the aardvark.")
            .annotations(json!({ "title": "Badger" }))
            .namespace("camel")
            .input_schema(json!({ "type": "object", "properties": {
                "dolphinCount": { "anyOf": [{ "type": "number" }, { "$ref": "#/$defs/x" }] },
                "e": { "type": "array", "items": { "description": "An elephant.", "enum": ["ferret", 1] } }
            }, "$defs": { "x": { "const": "gorilla" } } }))
            .output_schema(json!({ "properties": { "hedgehogs": { "description": "Of the iguana." } } })),
        ToolDefinition::function("b", "Nothing of the sort."),
    ]);
    for animal in [
        "aardvark",
        "badger",
        "camel",
        "dolphins",
        "elephants",
        "ferret",
        "gorilla",
        "hedgehog",
        "iguana",
    ] {
        assert_eq!(names(&tools, animal, None, 10), ["camel__a"], "{animal}");
    }
}

#[test]
fn ten_thousand_tools_with_hostile_texts_are_searched() {
    let mut deep = json!({ "description": "the bottom" });
    for _ in 0..100 {
        deep = json!({ "properties": { "down": deep } });
    }
    let word = "wordwithoutanyend".repeat(200);
    let tools = ToolSet::new((0..10_000).map(|index| {
        let text = match index % 4 {
            0 => format!("{word} {index}"),
            1 => (0..500)
                .map(|number| format!("w{index}x{number} "))
                .collect(),
            2 => "\u{202e}\u{0}\u{ffff} \u{1f600}\u{301}\u{301}".repeat(200),
            _ => "a".repeat(3_000),
        };
        let tool = ToolDefinition::function(format!("tool_{index}"), &text);
        match index {
            9_000 => tool.input_schema(std::mem::take(&mut deep)),
            9_001 => tool.input_schema(
                json!({ "enum": [&text, null], "properties": { &text: [1] }, "items": "x" }),
            ),
            9_002 => tool.input_schema(
                json!({ "anyOf": vec![json!({ "properties": { "n": true } }); 20_000] }),
            ),
            _ => tool,
        }
    }));
    assert_eq!(names(&tools, "tool_7777", None, 1), ["tool_7777"]);
    assert_eq!(names(&tools, "w5x77 w5x78", None, 1), ["tool_5"]);
    let endless = "w5x77 tool ".repeat(1_000_000);
    assert_eq!(names(&tools, &endless, None, 3), ["tool_5"]);
    assert_eq!(names(&tools, &word, None, 3).len(), 3);
}

/// What `search_tools(…)` gives a script.
async fn found(tools: &ToolSet, arguments: &str) -> Value {
    let script = format!("text(search_tools({arguments}))");
    let response = run_in(&Session::new(host()), tools, &script).await;
    assert_eq!(response.error_text(), None, "{arguments}");
    serde_json::from_str(&text_items(&response)[0]).unwrap()
}

#[tokio::test]
async fn a_script_gets_the_best_tools_with_declarations_of_the_first_three() {
    let tools = recorded();
    let all = found(&tools, "'create a directory'").await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 10);
    assert_eq!(
        all[0],
        json!({
            "name": "mcp__filesystem__create_directory",
            "server": "filesystem",
            "description": tools.get("create_directory").unwrap().definition.description,
            "declaration": "declare const tools: { mcp__filesystem__create_directory(args: { path: string }): \
                            Promise<{ content: string }>; };"
        })
    );
    for (place, tool) in all.iter().enumerate() {
        assert_eq!(tool.get("declaration").is_some(), place < 3, "{tool}");
    }
    let two = found(&tools, "'create', { server: 'memory', limit: 2 }").await;
    assert_eq!(
        two.as_array()
            .unwrap()
            .iter()
            .map(|tool| &tool["name"])
            .collect::<Vec<_>>(),
        [
            "mcp__memory__create_entities",
            "mcp__memory__create_relations"
        ]
    );
    for none in [
        "null",
        "undefined",
        "{}",
        "{ server: undefined, limit: null }",
    ] {
        let same = found(&tools, &format!("'create a directory', {none}")).await;
        assert_eq!(same.as_array(), Some(all), "{none}");
    }
}

#[tokio::test]
async fn a_tool_without_namespace_has_no_server_and_one_line_of_description() {
    let tools =
        ToolSet::new([
            ToolDefinition::freeform("shell", "\n  Runs a command. \r\nAnd more.").deferred(),
        ]);
    assert_eq!(
        found(&tools, "'command'").await,
        json!([{
            "name": "shell",
            "description": "Runs a command.",
            "declaration": "declare const tools: { shell(input: string): Promise<unknown>; };"
        }])
    );
    assert_eq!(found(&ToolSet::default(), "'command'").await, json!([]));
}

#[tokio::test]
async fn wrong_arguments_of_search_tools_are_refused_in_words() {
    let script = "
        for (const args of [[], [5], ['a', 5], ['a', 'git'], ['a', { server: 5 }], ['a', { server: 'svn' }],
                ['a', { limit: '1' }], ['a', { limit: 0 }], ['a', { limit: 1.5 }], ['a', { limit: NaN }],
                ['a', { limit: Infinity }], ['a', { get limit() { throw new RangeError('mine') } }]]) {
            try { text(search_tools(...args)) } catch (error) { text(`${error.name}: ${error.message}`) }
        }";
    let response = run_in(&Session::new(host()), &recorded(), script).await;
    let query = "TypeError: search_tools takes what the tool is to do as a string, such as \
                 search_tools(\"create a folder\"), got";
    let options = "TypeError: search_tools: the second argument must be an object like \
                   { server: \"git\", limit: 5 }, not";
    let limit = "TypeError: search_tools: limit must be a whole number of at least 1, not";
    assert_eq!(
        text_items(&response),
        [
            format!("{query} undefined"),
            format!("{query} a number"),
            format!("{options} a number"),
            format!("{options} a string"),
            "TypeError: search_tools: server must be the name of a server as a string, not a number".to_owned(),
            "TypeError: search_tools: there is no server \"svn\"; there are everything, filesystem, git, memory, time".to_owned(),
            format!("{limit} a string"),
            format!("{limit} 0"),
            format!("{limit} 1.5"),
            format!("{limit} NaN"),
            format!("{limit} Infinity"),
            "RangeError: mine".to_owned(),
        ]
    );
}
