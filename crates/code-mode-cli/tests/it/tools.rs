//! `--tool` and `--text-tool`.

use crate::support::{ENDLESS, Place, wait_until_gone, wait_until_started, write_fifo};

#[test]
fn a_function_tool_takes_json_and_gives_json() {
    let ended = Place::new()
        .run(
            "const got = await tools.echo({ a: [1, 'ä'], b: null }); text(got.a[1]); text(await tools.echo());",
            ["--tool", "echo=cat"],
        )
        .with(0);
    assert_eq!(ended.stdout, "ä\n{}\n");
}

#[test]
fn what_is_no_json_is_text_without_its_last_newline() {
    let ended = Place::new()
        .run(
            "text(JSON.stringify([await tools.say(), await tools.nothing()]))",
            [
                "--tool",
                "say=printf 'two\\nlines\\n'",
                "--tool",
                "nothing=true",
            ],
        )
        .with(0);
    assert_eq!(ended.stdout, "[\"two\\nlines\",\"\"]\n");
}

#[test]
fn a_text_tool_takes_text_and_gives_text_even_if_it_looks_like_json() {
    let ended = Place::new()
        .run(
            "const size = await tools.size('four'); text(typeof size + ' ' + size.trim());",
            ["--text-tool", "size=wc -c"],
        )
        .with(0);
    assert_eq!(ended.stdout, "string 4\n");
}

#[test]
fn the_script_finds_its_tools_described() {
    let ended = Place::new()
        .run(
            "text(ALL_TOOLS)",
            ["--tool", "b=cat x", "--text-tool", "a=tr a b"],
        )
        .with(0);
    for expected in ["tr a b", "cat x"] {
        assert!(ended.stdout.contains(expected), "{ended:?}");
    }
}

#[test]
fn a_failing_command_rejects_with_its_status_and_its_last_words() {
    let script = "try { await tools.bad() } catch (error) { text(`${error.name} of ${error.tool}: ${error.message}`) }";
    let ended = Place::new()
        .run(
            script,
            ["--tool", "bad=echo out; echo 'no such thing' >&2; exit 3"],
        )
        .with(0);
    assert_eq!(
        ended.stdout,
        "ToolError of bad: the command failed (exit status: 3): no such thing\n"
    );
    assert_eq!(ended.stderr, "");

    let ended = Place::new()
        .run(script, ["--tool", "bad=kill -9 $$"])
        .with(0);
    assert_eq!(
        ended.stdout,
        "ToolError of bad: the command failed (signal: 9 (SIGKILL)), saying nothing on standard error\n"
    );
}

#[test]
fn what_a_command_that_succeeds_says_on_standard_error_is_passed_on() {
    let ended = Place::new()
        .run("await tools.warn()", ["--tool", "warn=echo careful >&2"])
        .with(0);
    assert_eq!(ended.stderr, "careful\n");
}

#[test]
fn input_and_output_larger_than_a_pipe_go_through() {
    let script = "const big = 'x'.repeat(3_000_000); text((await tools.same(big)) === big);";
    let ended = Place::new()
        .run(script, ["--text-tool", "same=cat"])
        .with(0);
    assert_eq!(ended.stdout, "true\n");
}

#[test]
fn input_that_the_command_does_not_read_is_no_failure() {
    let script = "await tools.deaf('x'.repeat(3_000_000)); text('fine');";
    let ended = Place::new()
        .run(script, ["--text-tool", "deaf=true"])
        .with(0);
    assert_eq!(ended.stdout, "fine\n");
}

#[test]
fn a_command_that_prints_without_end_is_killed() {
    let script = "try { await tools.flood() } catch (error) { text(error.message) }";
    let ended = Place::new().run(script, ["--tool", "flood=yes"]).with(0);
    assert_eq!(
        ended.stdout,
        "the command printed more than 16 MiB and was killed; let it print less\n"
    );
}

#[test]
fn many_calls_at_once_are_all_answered() {
    let script = "const calls = Array.from({ length: 300 }, (_, i) => tools.echo({ i }));
                  text((await Promise.all(calls)).every(({ i }, place) => i === place));";
    let ended = Place::new().run(script, ["--tool", "echo=cat"]).with(0);
    assert_eq!(ended.stdout, "true\n");
}

#[test]
fn a_command_nobody_waits_for_is_killed_with_its_children_when_the_script_ends() {
    let place = Place::new();
    let alive = place.fifo("alive");
    let gate = place.fifo("gate");
    let endless = format!("endless={ENDLESS}");
    let script = "tools.endless(); await tools.gate(); text('done');";
    let running = place.start(script, ["--tool", &endless, "--tool", "gate=cat gate"]);
    let alive = wait_until_started(&alive);
    write_fifo(&gate, "");
    assert_eq!(running.end().with(0).stdout, "done\n");
    wait_until_gone(alive);
}
