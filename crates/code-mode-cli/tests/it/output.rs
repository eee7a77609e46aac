//! What goes where: standard output, standard error, files, one document.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Ended, Place, Running, write_fifo};

/// One transparent pixel.
const PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

#[test]
fn each_text_is_a_line_and_notifications_go_to_standard_error() {
    let ended = Place::new()
        .run(
            "text('one'); notify('aside'); console.log('two', 2); text('three\\nfour');",
            [],
        )
        .with(0);
    assert_eq!(ended.stdout, "one\ntwo 2\nthree\nfour\n");
    assert_eq!(ended.stderr, "aside\n");
}

#[test]
fn text_is_seen_while_the_script_still_runs() {
    let place = Place::new();
    let gate = place.fifo("gate");
    let script = "text('before'); text(await tools.gate()); yield_control(); text('after');";
    let mut running = place.start(script, ["--tool", "gate=cat gate"]);
    assert_eq!(running.stdout_line(), "before");
    write_fifo(&gate, "open");
    assert_eq!(running.end().with(0).stdout, "open\nafter\n");
}

#[test]
fn an_uncaught_error_goes_to_standard_error_with_its_place() {
    let ended = Place::new()
        .run("text('kept');\nconst plan = {};\nplan.go();\n", [])
        .with(1);
    assert_eq!(ended.stdout, "kept\n");
    assert_eq!(
        ended.stderr,
        "TypeError: plan.go is not a function\n    at exec_main.mjs:3:6\n\n3 | plan.go();\n  |      ^\n"
    );
}

#[test]
fn a_syntax_error_fails_the_script() {
    let ended = Place::new().run("text('never'", []).with(1);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("SyntaxError: "), "{ended:?}");
}

#[test]
fn exit_is_a_success() {
    let ended = Place::new()
        .run("text('said'); exit(); text('never');", [])
        .with(0);
    assert_eq!(ended.stdout, "said\n");
}

#[test]
fn a_dash_reads_the_script_from_standard_input() {
    let place = Place::new();
    let mut child = place
        .command(["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"text(6 * 7)").unwrap();
    drop(stdin);
    let ended = Ended::from(child.wait_with_output().unwrap()).with(0);
    assert_eq!(ended.stdout, "42\n");
}

#[test]
fn images_and_audio_are_named_where_nothing_saves_them() {
    let script = format!(
        "image('{PIXEL}'); audio('data:audio/wav;base64,UklGRg=='); image('data:,not%20base64');"
    );
    let ended = Place::new().run(&script, []).with(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(
        ended.stderr,
        "code-mode: image-1: image/gif, 37 bytes (--out DIR saves it)\n\
         code-mode: audio-1: audio/wav, 4 bytes (--out DIR saves it)\n\
         code-mode: image-2: text/plain, 10 bytes (--out DIR saves it)\n"
    );
}

#[test]
fn images_and_audio_become_files_of_the_folder_given() {
    let place = Place::new();
    let script = format!(
        "image('{PIXEL}'); text('between'); audio('data:audio/mpeg;base64,SUQz');
         image('data:image/svg+xml,%3Csvg/%3E'); image('data:made/up;base64,AAE=');"
    );
    let ended = place.run(&script, ["--out", "new/pictures"]).with(0);
    assert_eq!(ended.stdout, "between\n");
    assert_eq!(
        ended.stderr,
        "code-mode: new/pictures/image-1.gif: image/gif, 37 bytes\n\
         code-mode: new/pictures/audio-1.mp3: audio/mpeg, 3 bytes\n\
         code-mode: new/pictures/image-2.svg: image/svg+xml, 6 bytes\n\
         code-mode: new/pictures/image-3.bin: made/up, 2 bytes\n"
    );
    assert_eq!(place.read("new/pictures/image-2.svg"), "<svg/>");
    let pixel = std::fs::read(place.path("new/pictures/image-1.gif")).unwrap();
    assert!(pixel.starts_with(b"GIF89a"));
}

#[test]
fn a_picture_that_cannot_be_read_is_named_and_the_rest_goes_on() {
    let script = "image('data:image/png;base64,%%%'); text('on');";
    let place = Place::new();
    let ended = place.run(script, ["--out", "out"]).with(0);
    assert_eq!(ended.stdout, "on\n");
    assert_eq!(
        ended.stderr,
        "code-mode: image-1 is no data: URL that can be read; left out\n"
    );
    assert_eq!(std::fs::read_dir(place.path("out")).unwrap().count(), 0);
}

#[test]
fn json_is_one_document_of_everything() {
    let script =
        format!("text('a'); yield_control(); text('b'); image('{PIXEL}', 'low'); store('k', [1]);");
    let ended = Place::new().run(&script, ["--json"]).with(0);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        document,
        json!({
            "status": "result",
            "cell_id": "1",
            "content_items": [
                { "type": "text", "text": "a" },
                { "type": "text", "text": "b" },
                { "type": "image", "image_url": PIXEL, "detail": "low" },
            ],
            "stored_values": { "k": [1] },
            "error_text": null,
        })
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn json_carries_the_error_too() {
    let ended = Place::new()
        .run("text('a'); throw new RangeError('no')", ["--json"])
        .with(1);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["content_items"][0]["text"], "a");
    let error_text = document["error_text"].as_str().unwrap();
    assert!(error_text.starts_with("RangeError: no\n"), "{error_text}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_reader_that_goes_away_ends_the_script_quietly() {
    let place = Place::new();
    let script = "for (;;) { text('line'); await new Promise((resolve) => setTimeout(resolve)); }";
    let mut running = place.start(script, ["--store", "store.json"]);
    assert_eq!(running.stdout_line(), "line");
    let (mut child, mut stderr) = running.close_stdout();
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(std::io::read_to_string(&mut stderr).unwrap(), "");
    assert!(!place.path("store.json").exists());
}

#[test]
fn what_a_finished_script_stored_is_saved_even_if_nobody_reads_its_output() {
    let place = Place::new();
    // More than a pipe holds: it cannot all be written before the reader is gone.
    place.write(
        "script.js",
        "store('n', 1); text('unread'.repeat(1_000_000));",
    );
    // With --json nothing is written before the script has ended.
    let mut command = place.command(["run", "script.js", "--json", "--store", "store.json"]);
    let (mut child, _) = Running::new(&mut command).close_stdout();
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(place.read("store.json"), "{\n  \"n\": 1\n}\n");
}

#[test]
fn a_picture_that_cannot_be_written_is_a_failure_and_the_text_before_it_stays() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("out/image-1.gif")).unwrap();
    let script = format!("text('before'); image('{PIXEL}');");
    let ended = place.run(&script, ["--out", "out"]).with(1);
    assert_eq!(ended.stdout, "before\n");
    assert!(
        ended
            .stderr
            .starts_with("code-mode: cannot write out/image-1.gif: "),
        "{ended:?}"
    );
}

#[test]
fn a_full_disk_under_standard_output_is_a_failure_that_is_said() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        return; // Only Linux has one.
    };
    let place = Place::new();
    place.write("script.js", "text('a')");
    let mut command = place.command(["run", "script.js"]);
    let ended = Ended::from(
        command
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap(),
    )
    .with(1);
    assert!(
        ended
            .stderr
            .starts_with("code-mode: cannot write to standard output: "),
        "{ended:?}"
    );
}

#[test]
fn json_of_too_much_output_ends_the_script_and_keeps_what_came_before() {
    let place = Place::new();
    let script = "for (let i = 0;; i++) { text(String(i).padEnd(5_000_000, '.')); }";
    let ended = place.run(script, ["--json"]).with(1);
    assert!(ended.stderr.contains("256 MiB"), "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["status"], "terminated");
    assert!(!document["content_items"].as_array().unwrap().is_empty());
}
