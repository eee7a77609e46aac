//! What scripts get of servers: results, errors, types; under the policy, noted in the audit log.

use std::path::Path;
use std::sync::{Arc, Mutex};

use code_mode::{CancellationToken, CellId, ExecuteRequest, Notification, Session};
use code_mode_mcp::audit::{AuditLog, AuditOptions, AuditedArguments};
use code_mode_mcp::config::ServerConfig;
use code_mode_mcp::host::{
    Answer, CallEvents, CallProgress, EndedCall, McpHost, Question, StartedCall,
};
use code_mode_mcp::policy::{Action, Policy, Rule};
use code_mode_mcp::upstream::{Upstream, UpstreamOptions};
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Value, json};

use super::support::{catalogue, fake, in_time, stdio_with};
use crate::installed;

/// Long enough that only the end of a cell answers.
const LONG_MS: u64 = 100_000;

/// Hears everything, and answers questions as it is told to.
#[derive(Default)]
struct Events {
    heard: Mutex<Vec<String>>,
    /// Taken from the end; refuses when there is none.
    answers: Mutex<Vec<Answer>>,
}

impl Events {
    fn hear(&self, what: String) {
        self.heard.lock().unwrap().push(what);
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

impl CallEvents for Events {
    async fn ask(&self, question: Question, _cancellation: CancellationToken) -> Answer {
        let arguments = Value::Object(question.arguments);
        self.hear(format!(
            "ask {} {} {arguments}",
            question.server, question.tool
        ));
        let answer = self.answers.lock().unwrap().pop();
        answer.unwrap_or_else(|| Answer::Refuse("nobody is there".to_owned()))
    }

    async fn elicit(
        &self,
        call: &StartedCall,
        server: &str,
        _question: ElicitRequestParams,
    ) -> ElicitResult {
        self.hear(format!("elicit {} {server}", call.call_id));
        ElicitResult::new(ElicitationAction::Accept).with_content(json!({ "name": "Ada" }))
    }

    fn call_started(&self, call: &StartedCall) {
        self.hear(format!("start {} {}", call.call_id, call.tool));
    }

    fn call_ended(&self, call: &EndedCall) {
        self.hear(format!("end {} {}", call.call.call_id, call.ok));
    }

    fn call_progress(&self, progress: &CallProgress) {
        self.hear(format!(
            "progress {} {:?}",
            progress.progress, progress.total
        ));
    }

    fn notified(&self, notification: &Notification) {
        self.hear(format!("notify {}", notification.text));
    }

    fn cell_closed(&self, _cell_id: CellId) {
        self.hear("closed".to_owned());
    }
}

/// A session on one server `s`.
struct Fixture {
    upstream: Upstream,
    session: Session,
    events: Arc<Events>,
    audit: AuditLog,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(fake("s", "older"), Policy::default(), Vec::new()).await
    }

    async fn with(server: ServerConfig, policy: Policy, answers: Vec<Answer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = UpstreamOptions::default();
        options.policy = policy.clone();
        options.state_folder = Some(folder.path().join("state"));
        let upstream = Upstream::start(vec![server], options);
        in_time(upstream.settled()).await;
        let events = Arc::new(Events {
            answers: Mutex::new(answers),
            ..Events::default()
        });
        let audit =
            AuditOptions::new(folder.path().join("audit.jsonl")).arguments(AuditedArguments::Text);
        let audit = AuditLog::open(audit).unwrap();
        let host = McpHost::new(upstream.clone(), policy, "session-1", Arc::clone(&events))
            .audit(audit.clone());
        Self {
            upstream,
            session: Session::new(host),
            events,
            audit,
            folder,
        }
    }

    /// The output of a script, and its error after it.
    async fn run(&self, script: &str) -> String {
        let request = ExecuteRequest::new(script)
            .enabled_tools(self.upstream.catalogue().tools.clone())
            .yield_time_ms(LONG_MS);
        let response = in_time(self.session.execute(request)).await.unwrap();
        let error = response.error_text().unwrap_or_default();
        format!("{}{error}", response.text())
    }

    fn audited(&self) -> Vec<Value> {
        self.audit.flush();
        read_lines(&self.folder.path().join("audit.jsonl"))
    }

    async fn end(self) {
        self.session.shutdown().await;
        self.upstream.shutdown().await;
    }
}

fn read_lines(file: &Path) -> Vec<Value> {
    std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn policy(rules: &[(Action, &str)]) -> Policy {
    Policy::new(rules.iter().map(|(action, tools)| Rule {
        action: *action,
        tools: tools.parse().unwrap(),
    }))
}

#[tokio::test]
async fn results_are_values_and_raw_results_are_untouched() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture
            .run("text(await tools.mcp__s__echo({ value: [1] }))")
            .await,
        r#"{"value":[1]}"#
    );
    assert_eq!(
        fixture
            .run("text(await tools.mcp__s__echo.raw({ value: 1 }))")
            .await,
        r#"{"content":[{"type":"text","text":"structured"}],"structuredContent":{"value":1}}"#
    );
    assert_eq!(
        fixture
            .run("text(await tools.mcp__s__steps({ steps: 0 }))")
            .await,
        "done"
    );
    assert_eq!(
        fixture.run("text(await tools.mcp__s__fail.raw({}))").await,
        r#"{"content":[{"type":"text","text":"it is broken"}],"isError":true}"#
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_result_that_is_an_error_rejects_with_its_text_and_the_whole_result() {
    let fixture = Fixture::new().await;
    let script = "try { await tools.mcp__s__fail({}) } catch (error) {
        text([error.name, error.message, error.result.isError, error.result.content[0].text])
    }";
    assert_eq!(
        fixture.run(script).await,
        r#"["ToolError","it is broken",true,"it is broken"]"#
    );
    fixture.end().await;
}

#[tokio::test]
async fn an_error_of_the_server_says_server_tool_and_code() {
    let fixture = Fixture::new().await;
    let script = "try { await tools.mcp__s__refuse({}) } catch (error) { text(error.message) }";
    assert_eq!(
        fixture.run(script).await,
        "server s refused the call of tool refuse: not with TOKEN None (JSON-RPC error -32099)"
    );
    fixture.end().await;
}

#[tokio::test]
async fn calls_progress_and_notifications_are_heard_in_order() {
    let fixture = Fixture::new().await;
    fixture
        .run("notify('hello'); await tools.mcp__s__steps({ steps: 2 });")
        .await;
    let mut heard = fixture.events.heard();
    let position = heard.iter().position(|what| what == "notify hello");
    heard.remove(position.expect("the notification is heard"));
    heard.retain(|what| what != "closed");
    assert_eq!(
        heard,
        [
            "start 1 mcp__s__steps",
            "progress 1 Some(2.0)",
            "progress 2 Some(2.0)",
            "end 1 true",
        ]
    );
    fixture.end().await;
}

#[tokio::test]
async fn what_a_server_asks_in_a_call_goes_to_the_front_door() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.run("text(await tools.mcp__s__ask({}))").await,
        r#"{"action":"accept","content":{"name":"Ada"}}"#
    );
    assert!(fixture.events.heard().contains(&"elicit 1 s".to_owned()));
    fixture.end().await;
}

#[tokio::test]
async fn an_aborted_signal_cancels_the_call_at_the_server() {
    let fixture = Fixture::new().await;
    let script = "const controller = new AbortController();
        const call = tools.mcp__s__hang({}, { signal: controller.signal });
        await tools.mcp__s__hanging({});
        controller.abort();
        try { await call } catch (error) { text(error.name) }
        text(await tools.mcp__s__cancelled({}));";
    let output = fixture.run(script).await;
    assert!(
        output.ends_with("the caller does not want the result any more"),
        "{output}"
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_denied_tool_is_refused_also_to_who_knows_it() {
    let policy = policy(&[(Action::Deny, "s/echo")]);
    let fixture = Fixture::with(fake("s", "older"), policy.clone(), Vec::new()).await;
    let known = "text(ALL_TOOLS.some((tool) => tool.name === 'mcp__s__echo'))";
    assert_eq!(fixture.run(known).await, "false");

    // A cell that was given the tool before the policy hid it.
    let open = Fixture::new().await;
    let request = ExecuteRequest::new("await tools.mcp__s__echo({})")
        .enabled_tools(open.upstream.catalogue().tools.clone())
        .yield_time_ms(LONG_MS);
    let response = in_time(fixture.session.execute(request)).await.unwrap();
    let error = response.error_text().unwrap();
    assert!(
        error.contains("the policy denies tool echo of server s"),
        "{error}"
    );
    let audited = fixture.audited();
    assert_eq!(audited[0]["decision"], "denied");
    assert_eq!(audited[0]["outcome"], "error");
    open.end().await;
    fixture.end().await;
}

#[tokio::test]
async fn a_person_is_asked_with_server_tool_and_arguments() {
    let policy = policy(&[(Action::Ask, "s/echo")]);
    let answers = vec![
        Answer::AllowAlways,
        Answer::Refuse("not today".to_owned()),
        Answer::AllowOnce,
    ];
    let fixture = Fixture::with(fake("s", "older"), policy, answers).await;
    let script = "for (const value of [1, 2, 3, 4]) {
        try { text((await tools.mcp__s__echo({ value })).value + ' ') }
        catch (error) { text(error.message + ' ') }
    }";
    assert_eq!(
        fixture.run(script).await.replace('\n', ""),
        "1 tool echo of server s was not called: not today 3 4 "
    );
    let asked: Vec<String> = fixture.events.heard();
    let asked: Vec<&String> = asked
        .iter()
        .filter(|what| what.starts_with("ask"))
        .collect();
    // Not a fourth time: the third answer was for good.
    assert_eq!(
        asked,
        [
            r#"ask s echo {"value":1}"#,
            r#"ask s echo {"value":2}"#,
            r#"ask s echo {"value":3}"#,
        ]
    );
    let audited = fixture.audited();
    let decisions: Vec<_> = audited.iter().map(|line| &line["decision"]).collect();
    assert_eq!(decisions, ["asked", "refused", "asked", "asked"]);
    fixture.end().await;
}

#[tokio::test]
async fn each_call_is_audited_without_secrets() {
    let command = installed::own("upstream.py").with(["older"]);
    let server = stdio_with("s", command, [("TOKEN", "sesame")]);
    let fixture = Fixture::with(server, Policy::default(), Vec::new()).await;
    fixture
        .run("await tools.mcp__s__echo({ value: 'a' })")
        .await;
    fixture.run("await tools.mcp__s__refuse({})").await;
    fixture.run("await tools.mcp__s__fail.raw({})").await;
    let mut audited = fixture.audited();
    for line in &mut audited {
        let line = line.as_object_mut().unwrap();
        assert!(line.remove("time").unwrap().is_string());
        assert!(line.remove("ms").unwrap().is_u64());
        assert!(line.remove("cell").unwrap().is_string());
    }
    let common = json!({ "session": "session-1", "server": "s", "decision": "allow" });
    let line = |rest: Value| {
        let mut line = common.as_object().unwrap().clone();
        line.extend(rest.as_object().unwrap().clone());
        Value::Object(line)
    };
    let refused = "server s refused the call of tool refuse: not with TOKEN … \
                   (JSON-RPC error -32099)";
    assert_eq!(
        audited,
        [
            line(json!({ "tool": "echo", "arguments": { "value": "a" }, "outcome": "ok" })),
            line(json!({
                "tool": "refuse", "arguments": {}, "outcome": "error", "error": refused,
            })),
            line(json!({
                "tool": "fail", "arguments": {}, "outcome": "error", "error": "it is broken",
            })),
        ]
    );
    fixture.end().await;
}

#[tokio::test]
async fn types_of_results_are_learned_shown_and_kept() {
    let fixture = Fixture::new().await;
    let tool = |upstream: &Upstream| {
        let catalogue = upstream.catalogue();
        let tool = catalogue.tools.get("mcp__s__echo").unwrap();
        (
            tool.definition.observed_output,
            tool.definition.output_schema.clone(),
        )
    };
    assert_eq!(tool(&fixture.upstream), (false, None));
    fixture.run("await tools.mcp__s__echo({ value: 1 })").await;
    let schema = json!({
        "type": "object",
        "required": ["value"],
        "properties": { "value": { "type": "integer" } },
    });
    catalogue(&fixture.upstream, |now| {
        now.tools
            .get("mcp__s__echo")
            .unwrap()
            .definition
            .observed_output
    })
    .await;
    assert_eq!(tool(&fixture.upstream), (true, Some(schema.clone())));
    // What is learned is no promise: JSON in a text is still read.
    let version = *fixture.upstream.changes().borrow();
    fixture.run("await tools.mcp__s__echo({ value: 2 })").await;

    // Shutting down keeps it, also what was learned a moment ago.
    fixture.run("await tools.mcp__s__steps({ steps: 0 })").await;
    fixture.upstream.shutdown().await;
    assert_eq!(*fixture.upstream.changes().borrow(), version + 1);
    let mut options = UpstreamOptions::default();
    options.state_folder = Some(fixture.folder.path().join("state"));
    let again = Upstream::start(vec![fake("s", "older")], options);
    in_time(again.settled()).await;
    assert_eq!(tool(&again), (true, Some(schema)));
    let catalogue = again.catalogue();
    let steps = &catalogue.tools.get("mcp__s__steps").unwrap().definition;
    assert_eq!(steps.output_schema, Some(json!({ "type": "string" })));
    again.shutdown().await;
    fixture.end().await;
}
