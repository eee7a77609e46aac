//! `load_output`: reading from a script what was cut.

use std::time::Duration;

use code_mode::{ExecuteRequest, Limits, RuntimeResponse, Session, ToolSet, WaitRequest};

use super::{done, failed, shortened, shown, text, within};
use crate::probe::{probed, request};
use crate::support::{LONG_MS, host, run_in, text_items};

/// What the tests read: characters of one and two UTF-16 units, ends of lines of both kinds.
const WHOLE: &str = "one\ntwo é\r\nthree 😀 four\n\nfive two\n";

/// A session that keeps `whole` as `out-1-1`.
fn keeping(whole: &str) -> Session {
    keeping_in(Limits::default(), whole)
}

fn keeping_in(limits: Limits, whole: &str) -> Session {
    let session = Session::builder().limits(limits).build(host());
    let formatted = session.format(&done(vec![text(whole)]), within(0));
    assert_eq!(formatted.truncated.unwrap().handle.to_string(), "out-1-1");
    session
}

async fn texts_in(session: &Session, script: &str) -> Vec<String> {
    let response = run_in(session, &ToolSet::default(), script).await;
    assert_eq!(response.error_text(), None, "of: {script}");
    text_items(&response)
}

async fn error_in(session: &Session, script: &str) -> String {
    let response = run_in(session, &ToolSet::default(), script).await;
    let error = response.error_text().expect(script);
    error.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_later_script_reads_what_was_cut_by_what_the_marker_says() {
    let session = Session::new(host());
    let script = "for (let i = 0; i < 500; i++) console.log('line', i, '→'); throw new Error('no')";
    let response = run_in(&session, &ToolSet::default(), script).await;
    let formatted = session.format(&response, within(200));
    let items = shown(&formatted);
    let marked = items.iter().find_map(|item| shortened(item)).unwrap();
    assert_eq!(marked.handle, "out-1-1");

    let script = format!(
        "text(load_output('{0}')); text(load_output('{0}', {{ start: {1}, end: {2} }})); text(load_output('{0}', {{ grep: /^line 49\\d/ }}))",
        marked.handle, marked.start, marked.end
    );
    let read = texts_in(&session, &script).await;
    let error = response.error_text().unwrap();
    assert_eq!(
        read[0],
        format!("{}\nScript error:\n{error}", response.text())
    );
    let (head, rest) = read[0].split_once(&read[1]).unwrap();
    assert!(head.ends_with(marked.head), "{head}");
    assert!(rest.starts_with(marked.tail), "{rest}");
    let expected: Vec<_> = (490..500)
        .map(|n| format!("{}:line {n} →", n + 1))
        .collect();
    assert_eq!(read[2], expected.join("\n"));
}

#[tokio::test]
async fn the_same_script_reads_what_was_cut_of_it() {
    let (session, mut probe) = probed();
    let script = "text('x'.repeat(1000)); yield_control(); await tools.call(); text(load_output('out-1-1').length)";
    let response = session.execute(request(script)).await.unwrap();
    assert!(matches!(response, RuntimeResponse::Yielded { .. }));
    session.format(&response, within(10));
    probe.answer().await;
    let wait = WaitRequest::new(response.cell_id()).yield_time_ms(LONG_MS);
    assert_eq!(text_items(&session.wait(wait).await.unwrap()), ["1000"]);
}

#[tokio::test]
async fn start_and_end_are_read_as_slice_reads_them() {
    let session = keeping(WHOLE);
    let script = "const whole = load_output('out-1-1');
        const ends = [undefined, 0, 1, 5, 17, 18, 19, 20, 1000, -1, -5, -1000, 2.7, -2.7, NaN, Infinity, -Infinity];
        let wrong = 0;
        for (const start of ends) for (const end of ends) {
            if (load_output('out-1-1', { start, end }) !== whole.slice(start, end)) wrong++;
        }
        text(whole.length); text(wrong); text(whole);";
    let length = WHOLE.encode_utf16().count().to_string();
    assert_eq!(texts_in(&session, script).await, [&*length, "0", WHOLE]);
}

#[tokio::test]
async fn grep_gives_the_lines_that_match_with_their_numbers() {
    let session = keeping(WHOLE);
    for (options, expected) in [
        ("{ grep: 'two' }", "2:two é\n5:five two"),
        ("{ grep: 't.o' }", ""),
        ("{ grep: /t.o/ }", "2:two é\n5:five two"),
        ("{ grep: /TWO/i }", "2:two é\n5:five two"),
        ("{ grep: /two$/ }", "5:five two"),
        ("{ grep: /é$/ }", "2:two é"),
        ("{ grep: /^.{8}four$/u }", "3:three 😀 four"),
        ("{ grep: /^$/ }", "4:"),
        (
            "{ grep: /o/g }",
            "1:one\n2:two é\n3:three 😀 four\n5:five two",
        ),
        ("{ grep: /t/y }", "2:two é\n3:three 😀 four"),
        (
            "{ grep: '' }",
            "1:one\n2:two é\n3:three 😀 four\n4:\n5:five two",
        ),
        ("{ grep: /nowhere/ }", ""),
        ("{ grep: /two/, start: 10 }", "5:five two"),
        ("{ grep: /./, start: 5, end: 8 }", "2:wo "),
        ("{ grep: /./, start: 18, end: 19 }", "3:\u{fffd}"),
        ("{ grep: null, start: null, end: 3 }", "one"),
        ("{}", WHOLE),
        ("null", WHOLE),
        ("undefined", WHOLE),
    ] {
        let script = format!("text(load_output('out-1-1', {options}))");
        assert_eq!(texts_in(&session, &script).await, [expected], "{options}");
    }
}

#[tokio::test]
async fn a_pattern_is_as_new_after_it_was_used() {
    let session = keeping(WHOLE);
    let script = "const pattern = /o/g; pattern.lastIndex = 3;
                  text(load_output('out-1-1', { grep: pattern, end: 3 })); text(pattern.lastIndex);";
    assert_eq!(texts_in(&session, script).await, ["1:one", "0"]);
}

#[tokio::test]
async fn a_pattern_of_the_scripts_own_making_runs_as_its_code() {
    let session = keeping(WHOLE);
    let script = "const pattern = /x/; pattern.exec = (line) => line.length > 8 ? [line] : null;
                  text(load_output('out-1-1', { grep: pattern }));
                  pattern.exec = () => { throw new RangeError('mine') };
                  try { load_output('out-1-1', { grep: pattern }) } catch (e) { text(e.message) }
                  try { load_output('out-1-1', { get start() { throw new Error('also mine') } }) } catch (e) { text(e.message) }";
    assert_eq!(
        texts_in(&session, script).await,
        ["3:three 😀 four", "mine", "also mine"]
    );
}

#[tokio::test]
async fn wrong_arguments_are_type_errors_that_name_what_is_accepted() {
    let session = keeping(WHOLE);
    for (arguments, expected) in [
        (
            "",
            "first argument must be a handle such as \"out-3-1\", not undefined",
        ),
        (
            "7",
            "first argument must be a handle such as \"out-3-1\", not a number",
        ),
        (
            "{ handle: 'out-1-1' }",
            "a handle such as \"out-3-1\", not an object",
        ),
        (
            "'out-1-1', 5",
            "an object with start and end (numbers, as String.prototype.slice takes them) and grep (a string or a RegExp), not a number",
        ),
        (
            "'out-1-1', /two/",
            "grep (a string or a RegExp), not a RegExp",
        ),
        (
            "'out-1-1', [0, 5]",
            "grep (a string or a RegExp), not an array",
        ),
        (
            "'out-1-1', () => 5",
            "grep (a string or a RegExp), not a function",
        ),
        (
            "'out-1-1', { offset: 5 }",
            "there is no option \"offset\"; there are start and end (numbers",
        ),
        (
            "'out-1-1', { start: '5' }",
            "start must be a number, as String.prototype.slice takes it, not a string",
        ),
        (
            "'out-1-1', { end: {} }",
            "end must be a number, as String.prototype.slice takes it, not an object",
        ),
        (
            "'out-1-1', { grep: ['two'] }",
            "grep must be a string or a RegExp, not an array",
        ),
    ] {
        let error = error_in(&session, &format!("load_output({arguments})")).await;
        assert!(error.starts_with("TypeError: load_output: "), "{error}");
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}

#[tokio::test]
async fn an_output_that_never_was_and_one_that_is_gone_are_told_apart() {
    let session = keeping_in(Limits::default().max_kept_output_bytes(200), WHOLE);
    assert_eq!(
        error_in(&session, "load_output('out-7-1')").await,
        "RangeError: load_output: no output \"out-7-1\" was ever kept in this session; kept are out-1-1"
    );
    session.format(&done(vec![text("y".repeat(100))]), within(0));
    assert_eq!(
        error_in(&session, "load_output('out-1-1')").await,
        "RangeError: load_output: output out-1-1 was dropped to make room for newer ones, \
         for a session keeps 200 bytes of output; run its script again and print less, or only what is needed; \
         kept are out-1-2"
    );
    let script = "text(load_output('out-1-2').length)";
    assert_eq!(texts_in(&session, script).await, ["100"]);
}

#[tokio::test]
async fn a_pattern_runs_within_the_cells_own_time() {
    let limits = Limits::default().cpu_time(Duration::from_millis(50));
    let session = keeping_in(
        limits,
        &"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n".repeat(100_000),
    );
    for endless in [
        "for (;;) load_output('out-1-1', { grep: /^(a+)+$/ })",
        "const p = /x/; p.exec = () => { for (;;) {} }; for (;;) try { load_output('out-1-1', { grep: p }) } catch {}",
        "for (;;) try { load_output('out-1-1', { grep: 'b' }) } catch {}",
        "for (;;) try { load_output('out-1-1', { grep: /b/ }) } catch {}",
    ] {
        let error = error_in(&session, endless).await;
        assert!(error.contains("computed for "), "{error}");
    }
}

#[tokio::test]
async fn a_script_that_reads_is_terminated_like_any_other() {
    let session = keeping(&"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n".repeat(1_000));
    let script =
        "yield_control(); for (;;) try { load_output('out-1-1', { grep: /^(a+)+$/ }) } catch {}";
    let request = ExecuteRequest::new(script).yield_time_ms(LONG_MS);
    let id = session.execute(request).await.unwrap().cell_id();
    let response = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(response, RuntimeResponse::Terminated { .. }));
}

#[tokio::test]
async fn a_large_output_is_read_whole() {
    let whole = "0123456789abcdé\n".repeat(1 << 17);
    let session = keeping(&whole);
    let script = "const whole = load_output('out-1-1'); text(whole.length); text(load_output('out-1-1', { start: -3 }));
                  text(load_output('out-1-1', { grep: /0/ }).length);";
    let lines = 1 << 17;
    let numbers: usize = (1..=lines).map(|n: usize| n.to_string().len() + 1).sum();
    assert_eq!(
        texts_in(&session, script).await,
        [
            (16 * lines).to_string(),
            "dé\n".to_owned(),
            (numbers + 16 * lines - 1).to_string(),
        ]
    );
}

#[tokio::test]
async fn the_error_text_is_read_with_the_output() {
    let session = Session::new(host());
    let error = format!("Error: {}", "e".repeat(10_000));
    session.format(&failed(vec![text("a"), text("b")], &error), within(100));
    let script = "const read = load_output('out-1-1'); text(read.slice(0, 30)); text(read.length)";
    let expected = ["a\nb\nScript error:\nError: eeeee", "10025"];
    assert_eq!(texts_in(&session, script).await, expected);
}
