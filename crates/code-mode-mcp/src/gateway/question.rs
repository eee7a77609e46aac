//! Asking a person whether a call may go ahead, or what a server wants to know: the forms, what the
//! answers mean, and the state that a client hands back with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use code_mode::CellId;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    EnumSchema, InputRequest, InputRequests, InputRequiredResult,
};
use serde_json::Value;

use super::cell::{self, Reply};
use crate::host::{Answer, Question};

/// The one field of the form.
const DECISION: &str = "decision";
const ALLOW_ONCE: &str = "Allow once";
const ALLOW_ALWAYS: &str = "Allow for this session";
const REFUSE: &str = "Refuse";

/// How much of the arguments a person is shown, in characters.
const SHOWN_CHARACTERS: usize = 8_000;

/// The form for one question.
pub(super) fn form(question: &Question) -> ElicitRequestParams {
    let choices = [ALLOW_ONCE, ALLOW_ALWAYS, REFUSE].map(str::to_owned);
    let decision = EnumSchema::builder(choices.into())
        .title("Decision")
        .description("Whether the script may make this call")
        .build();
    let schema = ElicitationSchema::builder()
        .required_enum_schema(DECISION, decision)
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message(question),
        requested_schema: schema,
    }
}

fn message(question: &Question) -> String {
    let arguments =
        serde_json::to_string_pretty(&question.arguments).expect("a JSON object always serialises");
    let lines: Vec<String> = arguments.lines().map(visible).collect();
    let arguments = bounded(&lines.join("\n"));
    format!(
        "A script wants to call the tool {} of the server {} with these arguments:\n\n{arguments}",
        visible(&question.tool),
        visible(&question.server),
    )
}

/// What a server asks, with its name before it: a server may say that it is somebody else.
pub(super) fn of_server(server: &str, mut asked: ElicitRequestParams) -> ElicitRequestParams {
    let (ElicitRequestParams::FormElicitationParams { message, .. }
    | ElicitRequestParams::UrlElicitationParams { message, .. }) = &mut asked
    else {
        return asked;
    };
    let lines: Vec<String> = message.lines().map(visible).collect();
    let said = bounded(&lines.join("\n"));
    *message = format!("The server {} asks:\n\n{said}", visible(server));
    asked
}

/// Characters that a person would not see, or that change how others are seen, as escapes: nobody is
/// to approve something else than they read.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_invisible(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The beginning and the end, and how much is missing between them.
fn bounded(text: &str) -> String {
    let characters = text.chars().count();
    if characters <= SHOWN_CHARACTERS {
        return text.to_owned();
    }
    let half = SHOWN_CHARACTERS / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(characters - half).collect();
    let hidden = characters - 2 * half;
    format!("{head}\n[… {hidden} characters are not shown …]\n{tail}")
}

/// What a person's answer means for the call.
pub(super) fn answer(result: &ElicitResult) -> Answer {
    let refused = |why: &str| Answer::Refuse(why.to_owned());
    match result.action {
        ElicitationAction::Accept => {}
        ElicitationAction::Decline => return refused("the user refused the call"),
        // And whatever else a later revision calls no consent.
        _ => return refused("the user closed the question without an answer"),
    }
    let decision = result.content.as_ref().map(|content| &content[DECISION]);
    match decision.and_then(Value::as_str) {
        Some(ALLOW_ONCE) => Answer::AllowOnce,
        Some(ALLOW_ALWAYS) => Answer::AllowAlways,
        Some(REFUSE) => refused("the user refused the call"),
        _ => refused("the answer to the question about the call was none of its choices"),
    }
}

/// What a client hands back with the answers. It comes from outside: it only finds a cell, and is
/// believed only if that cell did begin the round.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestState {
    /// The handle of the session, where the connection is not the session.
    pub(super) session: Option<String>,
    pub(super) cell_id: CellId,
    pub(super) round: String,
}

impl RequestState {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let session = parts.next().filter(|session| !session.is_empty());
        let cell_id = parts.next()?.parse().ok()?;
        let round = parts.next()?.to_owned();
        parts.next().is_none().then_some(Self {
            session: session.map(str::to_owned),
            cell_id,
            round,
        })
    }

    fn to_text(&self) -> String {
        let session = self.session.as_deref().unwrap_or_default();
        format!("{session}.{}.{}", self.cell_id, self.round)
    }
}

/// The answer that asks all these questions, by id.
pub(super) fn input_required(
    questions: &[cell::Question],
    state: &RequestState,
) -> InputRequiredResult {
    let requests: InputRequests = questions
        .iter()
        .map(|question| {
            let request = ElicitRequest::new(question.form.clone());
            (question.id.clone(), InputRequest::Elicitation(request))
        })
        .collect();
    InputRequiredResult::new(Some(requests), Some(state.to_text()))
}

/// What the client says to the questions, by id. What is no answer to a form is none.
pub(super) fn replies(responses: BTreeMap<String, Value>) -> Vec<(String, Reply)> {
    responses
        .into_iter()
        .map(|(id, response)| {
            let reply = serde_json::from_value::<ElicitResult>(response).map_or_else(
                |error| Reply::Nobody(format!("the client's answer cannot be read: {error}")),
                Reply::Said,
            );
            (id, reply)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(arguments: Value) -> String {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        let question = Question {
            cell_id: "1".parse().unwrap(),
            server: "files".to_owned(),
            tool: "write\u{202e}".to_owned(),
            arguments,
        };
        message(&question)
    }

    #[test]
    fn what_a_person_cannot_see_is_shown_as_an_escape() {
        let message = shown(json!({ "path": "a\u{202e}b\u{200b}\nc\u{7f}" }));
        assert!(message.contains(r"write\u{202e}"), "{message}");
        assert!(
            message.contains(r"a\u{202e}b\u{200b}\nc\u{7f}"),
            "{message}"
        );
    }

    #[test]
    fn long_arguments_are_shown_with_their_beginning_their_end_and_what_is_missing() {
        let message = shown(json!({ "a": "x".repeat(100_000), "z": "the end" }));
        assert!(message.chars().count() < SHOWN_CHARACTERS + 300);
        assert!(message.contains("\"a\": \"xxx"), "{message}");
        assert!(message.contains("characters are not shown"), "{message}");
        assert!(message.ends_with("\"z\": \"the end\"\n}"), "{message}");
    }

    #[test]
    fn only_the_two_allowing_choices_of_an_accepted_form_allow() {
        let accepted = |content: Value| {
            answer(&ElicitResult::new(ElicitationAction::Accept).with_content(content))
        };
        assert_eq!(
            accepted(json!({ "decision": ALLOW_ONCE })),
            Answer::AllowOnce
        );
        assert_eq!(
            accepted(json!({ "decision": ALLOW_ALWAYS })),
            Answer::AllowAlways
        );
        for other in [
            json!({ "decision": REFUSE }),
            json!({}),
            json!({ "decision": true }),
            json!([]),
        ] {
            assert!(matches!(accepted(other), Answer::Refuse(_)));
        }
        for action in [ElicitationAction::Decline, ElicitationAction::Cancel] {
            let result = ElicitResult::new(action).with_content(json!({ "decision": ALLOW_ONCE }));
            assert!(matches!(answer(&result), Answer::Refuse(_)));
        }
    }

    #[test]
    fn a_state_is_read_back_as_it_was_written_and_nothing_else_is_one() {
        for session in [None, Some("abc".to_owned())] {
            let state = RequestState {
                session,
                cell_id: "7".parse().unwrap(),
                round: "r1".to_owned(),
            };
            assert_eq!(RequestState::parse(&state.to_text()), Some(state));
        }
        for wrong in ["", ".", "..", "a.0.r", ".x.r", ".1.r.more", "1"] {
            assert_eq!(RequestState::parse(wrong), None, "{wrong:?}");
        }
    }
}
