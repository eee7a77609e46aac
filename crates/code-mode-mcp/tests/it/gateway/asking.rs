//! Asking a person before a call, in both generations of the protocol.

use rmcp::model::{CallToolResponse, ElicitRequestParams, ElicitResult, ElicitationAction};
use rmcp::service::ServiceError;
use serde_json::{Value, json};

use super::client::{
    Asked, Client, Identity, REVISIONS, Revision, output, params, result, structured, text,
};
use super::rig::{LONG_MS, Rig, gateway, options, policy};
use super::server::{Server, tool};
use code_mode_mcp::policy::Action;

const CALL: &str =
    "text(await tools.mcp__test__echo({ text: 'done' }).catch((error) => error.message))";

impl Asked {
    /// The person fills in the form.
    pub fn says(self, decision: &str) {
        let content = json!({ "decision": decision });
        self.acts(ElicitResult::new(ElicitationAction::Accept).with_content(content));
    }

    fn acts(self, result: ElicitResult) {
        let _ = self.answer.send(result);
    }

    fn message(&self) -> &str {
        let ElicitRequestParams::FormElicitationParams { message, .. } = &self.form else {
            panic!("a form");
        };
        message
    }
}

async fn asking() -> Rig {
    Rig::asking("test/*").await
}

async fn person(rig: &Rig, revision: Revision) -> Client {
    rig.client_as(Identity::of(revision).with_person()).await
}

/// Runs a script while the person answers every question alike.
async fn exec_while(client: &Client, source: &str, answers: &[&str]) -> (String, usize) {
    let mut asked = 0;
    let running = client.exec(source);
    tokio::pin!(running);
    let result = loop {
        tokio::select! {
            result = &mut running => break result,
            question = client.is_asked() => {
                question.says(answers[asked.min(answers.len() - 1)]);
                asked += 1;
            }
        }
    };
    (output(&result), asked)
}

#[tokio::test]
async fn a_person_sees_server_tool_and_arguments_and_three_choices() {
    let rig = asking().await;
    for revision in REVISIONS {
        let client = person(&rig, revision).await;
        let running = client
            .exec("text(await tools.mcp__test__echo({ text: 'a\\u202eb', deep: { n: [1] } }))");
        let (result, ()) = tokio::join!(running, async {
            let asked = client.is_asked().await;
            let message = asked.message();
            assert!(
                message.contains("the tool echo of the server test"),
                "{message}"
            );
            assert!(message.contains(r#""text": "a\u{202e}b""#), "{message}");
            assert!(message.contains("\"deep\": {\n"), "{message}");
            let form = json!(asked.form);
            assert_eq!(
                form["requestedSchema"]["properties"]["decision"]["enum"],
                json!(["Allow once", "Allow for this session", "Refuse"])
            );
            assert_eq!(form["requestedSchema"]["required"], json!(["decision"]));
            asked.says("Allow once");
        });
        assert_eq!(output(&result), "a\u{202e}b");
    }
}

#[tokio::test]
async fn allow_once_is_for_one_call_and_allow_for_this_session_for_all_that_follow() {
    let rig = asking().await;
    for revision in REVISIONS {
        let twice = "for (const text of ['a', 'b', 'c']) console.log(await tools.mcp__test__echo({ text }))";
        let client = person(&rig, revision).await;
        assert_eq!(
            exec_while(&client, twice, &["Allow once"]).await,
            ("a\nb\nc".to_owned(), 3)
        );
        let answers = ["Allow once", "Allow for this session"];
        assert_eq!(
            exec_while(&client, twice, &answers).await,
            ("a\nb\nc".to_owned(), 2)
        );
        assert_eq!(
            exec_while(&client, twice, &["Refuse"]).await,
            ("a\nb\nc".to_owned(), 0)
        );
        let other = person(&rig, revision).await;
        assert_eq!(
            exec_while(&other, CALL, &["Allow once"]).await,
            ("done".to_owned(), 1)
        );
    }
}

#[tokio::test]
async fn allowing_for_the_session_answers_the_questions_that_are_open_already() {
    let rig = asking().await;
    for revision in REVISIONS {
        let client = person(&rig, revision).await;
        // The two cells ask one after the other; the second is not watched when the first is answered.
        let source = "yield_control(); text((await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => tools.mcp__test__echo({ text: `${n}` })))).join())";
        client.exec(source).await;
        let waiting = client.call("wait", json!({ "cell_id": "1" }));
        tokio::pin!(waiting);
        let mut asked = 0;
        let result = loop {
            tokio::select! {
                result = &mut waiting => break result,
                question = client.is_asked() => {
                    asked += 1;
                    question.says("Allow for this session");
                }
            }
        };
        assert!(
            output(&result).ends_with("1,2,3,4,5,6,7,8,9,10,11,12"),
            "{}",
            text(&result)
        );
        // Over 2026-07-28 all that are open are in one answer; before, they come one by one.
        match revision {
            Revision::V2025_11_25 => assert_eq!(asked, 1),
            Revision::V2026_07_28 => assert!((1..=12).contains(&asked), "{asked}"),
        }
    }
}

#[tokio::test]
async fn whatever_is_no_consent_refuses_the_call_in_words() {
    let rig = asking().await;
    for revision in REVISIONS {
        let client = person(&rig, revision).await;
        let accept =
            |content: Value| ElicitResult::new(ElicitationAction::Accept).with_content(content);
        let cases = [
            (
                accept(json!({ "decision": "Refuse" })),
                "the user refused the call",
            ),
            (
                accept(json!({ "decision": "allow once" })),
                "none of its choices",
            ),
            (
                ElicitResult::new(ElicitationAction::Decline),
                "the user refused the call",
            ),
            (
                ElicitResult::new(ElicitationAction::Cancel),
                "closed the question",
            ),
        ];
        for (answer, expected) in cases {
            let (result, ()) = tokio::join!(client.exec(CALL), async {
                client.is_asked().await.acts(answer);
            });
            assert!(output(&result).contains(expected), "{}", text(&result));
            assert_eq!(structured(&result)["calls"][0]["ok"], false);
        }
    }
}

#[tokio::test]
async fn a_client_that_cannot_ask_anybody_has_the_call_refused_at_once() {
    let rig = asking().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let result = client.exec(CALL).await;
        assert!(
            output(&result).contains(
                "the policy has a person asked about it, and this client cannot ask anybody"
            ),
            "{}",
            text(&result)
        );
    }
}

#[tokio::test]
async fn what_a_server_asks_in_a_call_reaches_the_person_with_the_servers_name() {
    let server = Server::with_tools("test", vec![tool("asks")]).await;
    let gateway = gateway(&[&server], Default::default(), options()).await;
    let mut rig = Rig { gateway, server };
    for revision in REVISIONS {
        let client = person(&rig, revision).await;
        let source =
            json!({ "source": "text(await tools.mcp__test__asks())", "yield_time_ms": LONG_MS });
        let running = client.call("exec", source);
        let (result, ()) = tokio::join!(running, async {
            let asked = client.is_asked().await;
            assert_eq!(
                asked.message(),
                "The server test asks:\n\nWhich branch?\\u{200b}"
            );
            let content = json!({ "branch": "main" });
            asked.acts(ElicitResult::new(ElicitationAction::Accept).with_content(content));
        });
        assert_eq!(
            output(&result),
            "the person said accept {\"branch\":\"main\"}"
        );

        let nobody = rig.client(revision).await;
        let result = nobody.exec("text(await tools.mcp__test__asks())").await;
        assert_eq!(output(&result), "the person said decline null");
    }
    assert!(rig.server.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_question_that_nobody_watches_waits_for_the_next_wait() {
    let rig = asking().await;
    for revision in REVISIONS {
        let client = person(&rig, revision).await;
        client.exec(&format!("yield_control(); {CALL}")).await;
        let (result, ()) = tokio::join!(client.call("wait", json!({ "cell_id": "1" })), async {
            client.is_asked().await.says("Allow once");
        });
        assert_eq!(output(&result), "done");
    }
}

#[tokio::test]
async fn a_yield_from_before_a_question_is_answered_before_it() {
    let server = Server::with_tools("test", vec![tool("echo"), tool("gate")]).await;
    let gateway = gateway(&[&server], policy(Action::Ask, "test/echo"), options()).await;
    let mut rig = Rig { gateway, server };
    for revision in REVISIONS {
        let client = person(&rig, revision).await;
        client
            .exec(
                "yield_control(); await tools.mcp__test__gate();
                 yield_control();
                 const asked = tools.mcp__test__echo({ text: 'done' });
                 await tools.mcp__test__gate();
                 text(await asked);",
            )
            .await;
        rig.server.call().await.answer_text("");
        // The script has yielded and asked by now, and nobody watched.
        let gate = rig.server.call().await;
        let wait = params("wait", json!({ "cell_id": "1" }));
        let CallToolResponse::Complete(yielded) = client.call_once(wait).await else {
            panic!("the yield came first");
        };
        assert_eq!(structured(&yielded)["status"], "running");
        gate.answer_text("");
        let (result, ()) = tokio::join!(client.call("wait", json!({ "cell_id": "1" })), async {
            client.is_asked().await.says("Allow once");
        });
        assert_eq!(output(&result), "done");
    }
}

#[tokio::test]
async fn the_yield_timer_stands_still_while_a_person_is_asked() {
    let mut rig = asking().await;
    let client = person(&rig, Revision::V2025_11_25).await;
    client
        .exec("yield_control(); await tools.mcp__test__held()")
        .await;
    // The question is open from here on.
    let first = client.begin("wait", json!({ "cell_id": "1" })).await;
    let withdrawn = client.is_asked().await;
    first.cancel(None).await.unwrap();
    let mut withdrawn = withdrawn.answer;
    withdrawn.closed().await;

    // Without the question this would answer at once.
    let waiting = client
        .begin("wait", json!({ "cell_id": "1", "yield_time_ms": 0 }))
        .await;
    client.is_asked().await.says("Allow once");
    let call = rig.server.call().await;
    let yielded = result(waiting).await;
    assert_eq!(structured(&yielded)["status"], "running");
    call.answer_text("");
}

#[tokio::test]
async fn a_request_goes_on_watching_its_cell_once_its_question_is_answered() {
    let rig = asking().await;
    let client = person(&rig, Revision::V2026_07_28).await;
    let exec = params("exec", json!({ "source": CALL }));
    let CallToolResponse::InputRequired(asked) = client.call_once(exec.clone()).await else {
        panic!("a question");
    };
    let state = asked.request_state.unwrap();
    let (id, _) = asked.input_requests.unwrap().pop_first().unwrap();
    let yes = json!({ "action": "accept", "content": { "decision": "Allow once" } });
    let again = exec
        .with_request_state(state)
        .with_input_responses([(id, yes)].into());
    let CallToolResponse::Complete(result) = client.call_once(again).await else {
        panic!("a result");
    };
    assert_eq!(output(&result), "done");
    assert_eq!(
        structured(&result)["cell_id"],
        "1",
        "no other cell was started"
    );
}

#[tokio::test]
async fn a_request_state_is_believed_only_by_the_session_and_the_cell_it_was_given_for() {
    let rig = asking().await;
    let client = person(&rig, Revision::V2026_07_28).await;
    let other = person(&rig, Revision::V2026_07_28).await;
    let exec = params("exec", json!({ "source": CALL }));
    let CallToolResponse::InputRequired(asked) = client.call_once(exec.clone()).await else {
        panic!("a question");
    };
    other.call_once(exec.clone()).await;
    let state = asked.request_state.unwrap();
    let (id, _) = asked.input_requests.unwrap().pop_first().unwrap();
    let yes = json!({ "action": "accept", "content": { "decision": "Allow once" } });
    let answered = |client: &Client, state: String| {
        let again = exec
            .clone()
            .with_request_state(state)
            .with_input_responses([(id.clone(), yes.clone())].into());
        let peer = client.service.peer().clone();
        async move {
            match peer.call_tool_once(again).await {
                Ok(CallToolResponse::Complete(result)) => text(&result),
                // Not a result: nothing that a model could have got wrong.
                Err(ServiceError::McpError(error)) => {
                    format!("{}: {}", error.code.0, error.message)
                }
                other => panic!("a result, not {other:?}"),
            }
        }
    };
    let refusal = "-32602: the request state is none that this server gave";
    for forged in [
        "",
        ".1.",
        ".1.0",
        "x.1.y",
        ".2.00000000000000000000000000000000",
    ] {
        assert!(
            answered(&client, forged.to_owned()).await.contains(refusal),
            "{forged:?}"
        );
    }
    assert!(answered(&other, state.clone()).await.contains(refusal));
    // And none of that answered the question.
    assert!(answered(&client, state.clone()).await.contains("done"));
    assert!(
        answered(&client, state).await.contains(refusal),
        "its cell is gone"
    );
}

#[tokio::test]
async fn a_question_about_a_call_that_is_gone_is_taken_back() {
    let server = Server::with_tools("test", vec![tool("held"), tool("gate")]).await;
    let gateway = gateway(&[&server], policy(Action::Ask, "test/held"), options()).await;
    let mut rig = Rig { gateway, server };
    let client = person(&rig, Revision::V2025_11_25).await;
    let source = "const abort = new AbortController();
        const call = tools.mcp__test__held({}, { signal: abort.signal }).catch(() => 'aborted');
        await tools.mcp__test__gate();
        abort.abort();
        text(await call);
        await tools.mcp__test__held()";
    let running = client
        .begin(
            "exec",
            json!({ "source": source, "yield_time_ms": LONG_MS }),
        )
        .await;

    let mut first = client.is_asked().await;
    rig.server.call().await.answer_text("");
    first.answer.closed().await;

    let mut second = client.is_asked().await;
    let terminate = json!({ "cell_id": "1", "terminate": true });
    let ended = client.call("wait", terminate).await;
    second.answer.closed().await;
    assert_eq!(structured(&ended)["status"], "terminated");
    let answers = [output(&ended), output(&result(running).await)];
    assert!(
        answers.iter().any(|answer| answer == "aborted"),
        "{answers:?}"
    );
}
