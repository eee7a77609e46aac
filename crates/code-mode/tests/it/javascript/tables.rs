//! Tables of cases in text files: a script of one line, then what it appends.
//!
//! Under a script, one indented line for each item, in order, as a JSON string:
//! `=` the whole item, `^` how it starts, `$` how it ends; `-` stands for no item at all; `!` last, for
//! the error it throws, as `String(error)`. `#` begins a comment. Cases share an isolate, each in a
//! function of its own; those after `## alone` change built-ins and get one each.
//!
//! Items read as in [`shown`].

use code_mode::ContentItem;

use crate::support::run;

struct Case<'a> {
    script: &'a str,
    expected: Vec<Expected>,
    alone: bool,
}

enum Expected {
    Whole(String),
    Start(String),
    End(String),
    Error(String),
}

impl Expected {
    fn fits(&self, item: &str) -> bool {
        match self {
            Self::Whole(whole) => item == whole,
            Self::Start(start) => item.starts_with(start),
            Self::End(end) => item.ends_with(end),
            Self::Error(error) => item.strip_prefix(THREW) == Some(error),
        }
    }
}

/// Begins the item that a case's error becomes; a control character keeps it apart from others.
const THREW: &str = "\u{1}threw ";
/// Begins the item that opens each case.
const CASE: &str = "\u{1}case";

/// An item as tables write it: the text of a text item, `image <detail> <url>`, `audio <url>`,
/// `resource <JSON>`.
pub fn shown(item: &ContentItem) -> String {
    match item {
        ContentItem::Text { text } => text.clone(),
        ContentItem::Image { image_url, detail } => format!("image {detail} {image_url}"),
        ContentItem::Audio { audio_url } => format!("audio {audio_url}"),
        ContentItem::Resource { resource } => format!("resource {resource}"),
        other => panic!("an item of a new kind: {other:?}"),
    }
}

/// Runs every case of a table.
pub async fn check(table: &str) {
    let cases = parse(table);
    let (alone, together): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.alone);
    assert!(!cases.is_empty());
    let mut failures = Vec::new();
    check_in_one_isolate(&together, &mut failures).await;
    for case in alone {
        check_in_one_isolate(&[case], &mut failures).await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn parse(table: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut alone = false;
    for line in table.lines() {
        alone |= line == "## alone";
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(expectation) = line.strip_prefix("    ") else {
            let expected = Vec::new();
            let script = line;
            cases.push(Case {
                script,
                expected,
                alone,
            });
            continue;
        };
        let case = cases.last_mut().expect("a script comes first");
        let (mark, text) = expectation.split_at(1);
        if mark == "-" {
            continue;
        }
        let text: String = serde_json::from_str(text).expect(line);
        case.expected.push(match mark {
            "=" => Expected::Whole(text),
            "^" => Expected::Start(text),
            "$" => Expected::End(text),
            "!" => Expected::Error(text),
            _ => panic!("no such mark: {line}"),
        });
    }
    cases
}

async fn check_in_one_isolate(cases: &[&Case<'_>], failures: &mut Vec<String>) {
    let mut script = String::from("const tell = text;\n");
    for case in cases {
        script.push_str(&format!(
            "tell('\\x01case'); try {{ (() => {{ {}\n}})() }} catch (e) {{ tell('\\x01threw ' + e) }}\n",
            case.script
        ));
    }
    let response = run(&script).await;
    assert_eq!(response.error_text(), None);
    let items: Vec<_> = response.content_items().iter().map(shown).collect();
    let outcomes: Vec<_> = items.split(|item| item == CASE).skip(1).collect();
    assert_eq!(outcomes.len(), cases.len());
    for (case, items) in cases.iter().zip(outcomes) {
        let fits = case.expected.len() == items.len()
            && case
                .expected
                .iter()
                .zip(items)
                .all(|(expected, item)| expected.fits(item));
        if !fits {
            failures.push(format!("{}\n    gave {items:?}", case.script));
        }
    }
}
