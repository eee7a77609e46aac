//! The official conformance suite, against our server and against our client side.
//!
//! Every check that does not pass has a line in `conformance_baseline.txt`, under the reason for it; a
//! check that passes has none there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::stage::{Listening, Stage, sdk_client};
use crate::installed::{self, CommandLine};
use crate::support::CODE_MODE;

/// What a run of the suite said of each check: by scenario and check, the worst of its verdicts.
type Verdicts = BTreeMap<(String, String), Verdict>;

#[derive(Debug, Clone)]
struct Verdict {
    status: Status,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Info,
    Skipped,
    Success,
    Warning,
    Failure,
}

impl Status {
    fn parse(text: &str) -> Self {
        match text {
            "INFO" => Self::Info,
            "SKIPPED" => Self::Skipped,
            "SUCCESS" => Self::Success,
            "WARNING" => Self::Warning,
            _ => Self::Failure,
        }
    }
}

/// Runs the suite to its end. Its exit code says nothing that its checks do not say.
#[track_caller]
fn run(stage: &Stage, suite: &CommandLine, arguments: &[&str]) -> Verdicts {
    let results = stage.place.path("results");
    let output = suite
        .command()
        .args(arguments)
        .arg("--output-dir")
        .arg(&results)
        .current_dir(stage.folder())
        .output()
        .expect("the suite starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let mut verdicts = Verdicts::new();
    read_results(&results, "", &mut verdicts);
    assert!(
        !verdicts.is_empty(),
        "the suite judged nothing: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    verdicts
}

/// Results lie in folders `SCENARIO-TIME`, with `server-` before it; a scenario may have a `/` in it.
fn read_results(folder: &Path, before: &str, verdicts: &mut Verdicts) {
    for entry in fs::read_dir(folder).expect("the results") {
        let entry = entry.expect("an entry");
        let name = format!("{before}{}", entry.file_name().display());
        let Ok(checks) = fs::read_to_string(entry.path().join("checks.json")) else {
            if entry.path().is_dir() {
                read_results(&entry.path(), &format!("{name}/"), verdicts);
            }
            continue;
        };
        const TIME: usize = "-2026-01-01T00-00-00-000Z".len();
        let scenario = name[..name.len() - TIME].trim_start_matches("server-");
        // The scenarios whose own names begin so.
        let scenario = match name.strip_prefix("server-server-") {
            Some(rest) => format!("server-{}", &rest[..rest.len() - TIME]),
            None => scenario.to_owned(),
        };
        let checks: Vec<Value> = serde_json::from_str(&checks).expect("JSON");
        if checks.is_empty() {
            let verdict = Verdict {
                status: Status::Failure,
                message: "nothing was checked".to_owned(),
            };
            verdicts.insert((scenario.clone(), "any".to_owned()), verdict);
        }
        for check in checks {
            let id = check["id"].as_str().expect("an id").to_owned();
            let verdict = Verdict {
                status: Status::parse(check["status"].as_str().expect("a status")),
                message: check["errorMessage"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            };
            let known = verdicts
                .entry((scenario.clone(), id))
                .or_insert_with(|| verdict.clone());
            if known.status < verdict.status {
                *known = verdict;
            }
        }
    }
}

/// Prints every verdict, and insists that those that do not pass are those of the baseline under this
/// run's name.
#[track_caller]
fn judge(run: &str, verdicts: &Verdicts) {
    let mut failing = BTreeSet::new();
    for ((scenario, check), verdict) in verdicts {
        println!(
            "{run} {scenario} {check}: {:?} {}",
            verdict.status, verdict.message
        );
        if verdict.status >= Status::Warning {
            failing.insert(format!("{run} {scenario} {check}"));
        }
    }
    let baseline: BTreeSet<String> = include_str!("conformance_baseline.txt")
        .lines()
        .filter(|line| line.split(' ').next() == Some(run))
        .map(str::to_owned)
        .collect();
    let count = |status| {
        verdicts
            .values()
            .filter(|verdict| verdict.status == status)
            .count()
    };
    println!(
        "{run}: {} passed, {} did not ({} expected), {} did not apply",
        count(Status::Success),
        failing.len(),
        baseline.len(),
        count(Status::Skipped)
    );
    let unexpected: Vec<_> = failing.difference(&baseline).collect();
    let stale: Vec<_> = baseline.difference(&failing).collect();
    assert!(
        unexpected.is_empty() && stale.is_empty(),
        "not in the baseline: {unexpected:#?}\nin the baseline, but passing or not run: {stale:#?}"
    );
}

/// The gateway with the suite's tools behind it, offered directly, and the proxy that gives them the
/// names that the suite knows.
struct UnderTest {
    stage: Stage,
    _gateway: Listening,
    proxy: Listening,
}

impl UnderTest {
    fn start() -> Self {
        let tools = |which: &str| installed::own("conformance_tools.py").with([which]);
        let stage = Stage::new()
            .server("handshake", &tools("handshake"))
            .server("stateless", &tools("stateless"));
        let gateway = stage.over_http(&["--short-names", "--expose-tools", "*/*"]);
        // A program waits for the servers it mentions: after it, their tools are offered.
        let call =
            json!({ "tool": "exec", "arguments": { "source": "// handshake__ stateless__" } });
        let server = json!({ "url": gateway.url });
        let seen = sdk_client(&server, "auto", json!({ "calls": [call] }));
        let offered = seen["tools"].as_array().expect("tools").len();
        assert_eq!(
            offered,
            2 + 19 + 8,
            "exec, wait, and the tools of both servers"
        );
        let proxy = installed::own("renaming_proxy.py").with([&gateway.url]);
        let proxy =
            Listening::that_says_where(proxy.command()).expect("the proxy says where it listens");
        Self {
            stage,
            _gateway: gateway,
            proxy,
        }
    }

    #[track_caller]
    fn judged(&self, suite: &CommandLine, which: &[&str]) -> Verdicts {
        let mut arguments = vec!["server", "--url", &self.proxy.url];
        arguments.extend(which);
        run(&self.stage, suite, &arguments)
    }
}

#[test]
fn the_server_conforms_to_revision_2025_11_25_but_for_the_baseline() {
    let under_test = UnderTest::start();
    let suite = installed::conformance();
    let verdicts = under_test.judged(&suite, &["--requirements", "2025-11-25"]);
    judge("server-2025-11-25", &verdicts);
}

#[test]
fn the_server_conforms_to_revision_2026_07_28_but_for_the_baseline() {
    let under_test = UnderTest::start();
    let suite = installed::conformance();
    let verdicts = under_test.judged(&suite, &["--requirements", "2026-07-28"]);
    judge("server-2026-07-28", &verdicts);
}

#[test]
fn the_server_conforms_to_revision_2025_06_18_but_for_the_baseline() {
    let under_test = UnderTest::start();
    let suite = installed::conformance();
    let which = ["--suite", "all", "--spec-version", "2025-06-18"];
    judge("server-2025-06-18", &under_test.judged(&suite, &which));
}

#[test]
fn the_server_passes_the_released_suite_but_for_the_baseline() {
    let under_test = UnderTest::start();
    let suite = installed::conformance_released();
    judge(
        "server-released",
        &under_test.judged(&suite, &["--suite", "all"]),
    );
}

#[track_caller]
fn judged_client(suite: &CommandLine, which: &[&str]) -> Verdicts {
    let stage = Stage::new();
    let client = installed::own("conformance_client.py").with([CODE_MODE]);
    let command = [vec![client.program()], client.args].concat().join(" ");
    let mut arguments = vec!["client", "--command", &command];
    arguments.extend(which);
    run(&stage, suite, &arguments)
}

#[test]
fn the_client_side_conforms_to_revision_2025_11_25_but_for_the_baseline() {
    let suite = installed::conformance();
    let verdicts = judged_client(&suite, &["--requirements", "2025-11-25"]);
    judge("client-2025-11-25", &verdicts);
}

#[test]
fn the_client_side_conforms_to_revision_2026_07_28_but_for_the_baseline() {
    let suite = installed::conformance();
    let verdicts = judged_client(&suite, &["--requirements", "2026-07-28"]);
    judge("client-2026-07-28", &verdicts);
}

#[test]
fn the_baseline_has_a_reason_for_each_of_its_checks() {
    let runs = [
        "server-2025-06-18",
        "server-2025-11-25",
        "server-2026-07-28",
        "server-released",
        "client-2025-11-25",
        "client-2026-07-28",
    ];
    let mut reason = None;
    for line in include_str!("conformance_baseline.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(said) = line.strip_prefix('[') {
            reason = Some(said.trim_end_matches(']')).filter(|said| said.len() > 20);
            continue;
        }
        let words: Vec<_> = line.split(' ').collect();
        assert!(words.len() == 3 && runs.contains(&words[0]), "{line:?}");
        assert!(reason.is_some(), "{line:?} stands under no reason");
    }
}
