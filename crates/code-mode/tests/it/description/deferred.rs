//! Tools that are not declared, and `describe_tool`.

use code_mode::{
    ExecDescriptionOptions, Session, augment_tool_definition, build_exec_tool_description,
};

use super::{tool_set, tools};
use crate::support::{host, run_in, text_items};

#[test]
fn a_deferred_tool_is_counted_and_not_named() {
    let text = build_exec_tool_description(&tool_set(), &ExecDescriptionOptions::default());
    assert!(
        text.contains("1 more tool can be called but is not declared here"),
        "{text}"
    );
    assert!(!text.contains("mail__send"), "{text}");
}

#[tokio::test]
async fn a_script_finds_a_deferred_tool_and_its_declaration() {
    let script = "
        const [found] = ALL_TOOLS.filter((tool) => /mail/i.test(tool.name + tool.description));
        text(found.name);
        text(describe_tool(found.name));";
    let response = run_in(&Session::new(host()), &tool_set(), script).await;
    assert_eq!(
        text_items(&response),
        [
            "mail__send",
            "Sends a mail.\n\n```ts\ndeclare const tools: { mail__send(args?: unknown): Promise<unknown>; };\n```"
        ]
    );
}

#[tokio::test]
async fn describe_tool_takes_original_names_and_says_what_an_augmented_definition_says() {
    let script = "text(describe_tool('weather__now')); text(describe_tool('read-file'));";
    let response = run_in(&Session::new(host()), &tool_set(), script).await;
    let texts = text_items(&response);
    let augmented = augment_tool_definition(&tools()[4]);
    assert_eq!(texts[0], augmented.description);
    assert!(texts[1].contains("git__read_file("), "{texts:?}");
}

#[tokio::test]
async fn describe_tool_refuses_what_names_no_tool_and_names_the_closest() {
    let script = "
        for (const name of ['mail_send', 5]) {
            try { describe_tool(name) } catch (error) { text(`${error.name}: ${error.message}`) }
        }";
    let response = run_in(&Session::new(host()), &tool_set(), script).await;
    assert_eq!(
        text_items(&response),
        [
            "TypeError: describe_tool: there is no tool \"mail_send\"; did you mean mail__send?",
            "TypeError: describe_tool takes the name of a tool, got a number"
        ]
    );
}
