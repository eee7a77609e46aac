//! What the command refuses, and how it explains itself.

use crate::support::{Ended, Place};

fn code_mode<const N: usize>(arguments: [&str; N]) -> Ended {
    let place = Place::new();
    place.write("ok.js", "text('ran')");
    place.command(arguments).output().unwrap().into()
}

/// Insists that nothing ran, and that standard error says all of this.
#[track_caller]
fn refused<const N: usize>(arguments: [&str; N], says: &[&str]) {
    let ended = code_mode(arguments).with(2);
    assert_eq!(ended.stdout, "");
    for expected in says {
        assert!(
            ended.stderr.contains(expected),
            "{expected:?} is not in {ended:#?}"
        );
    }
}

#[test]
fn help_names_every_flag_and_exit_code() {
    let help = code_mode(["run", "--help"]).with(0).stdout;
    for expected in [
        "--tool <NAME=COMMAND>",
        "--text-tool <NAME=COMMAND>",
        "--store <FILE.json>",
        "--out <DIR>",
        "--json",
        "--timeout <SECONDS>",
        "--heap-mb <MIB>",
        "--cpu-ms <MS>",
        "Exit codes:",
        "141",
    ] {
        assert!(help.contains(expected), "{expected:?} is not in:\n{help}");
    }
    assert!(code_mode(["--help"]).with(0).stdout.contains("run"));
}

#[test]
fn version_is_the_crates() {
    let version = concat!("code-mode ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(code_mode(["--version"]).with(0).stdout, version);
}

#[test]
fn no_arguments_show_the_help() {
    refused([], &["Usage: code-mode"]);
}

#[test]
fn unknown_flags_and_missing_values_are_refused() {
    refused(["run", "ok.js", "--jsno"], &["--jsno", "--json"]);
    refused(["run"], &["FILE"]);
    refused(["run", "ok.js", "--store"], &["--store"]);
    refused(["walk", "ok.js"], &["walk"]);
    refused(
        ["run", "ok.js", "--json", "--out", "o"],
        &["--json", "--out"],
    );
}

#[test]
fn bad_values_are_refused_with_what_would_do() {
    refused(["run", "ok.js", "--timeout", "soon"], &["soon", "2 or 0.5"]);
    refused(["run", "ok.js", "--timeout", "0"], &["over 0"]);
    refused(["run", "ok.js", "--heap-mb", "4"], &["8..=2048"]);
    refused(["run", "ok.js", "--cpu-ms", "0"], &["0"]);
    refused(["run", "ok.js", "--tool", "log"], &["NAME=COMMAND"]);
    refused(["run", "ok.js", "--tool", "log="], &["nothing after"]);
    refused(
        ["run", "ok.js", "--tool", "git-log=x"],
        &["git-log", "letters"],
    );
    refused(
        ["run", "ok.js", "--tool", "a=true", "--text-tool", "a=cat"],
        &["two tools are called a"],
    );
}

#[test]
fn scripts_that_cannot_be_read_are_refused() {
    refused(
        ["run", "no/such.js"],
        &["code-mode: cannot read the script no/such.js: No such file"],
    );
    let place = Place::new();
    std::fs::write(place.path("bytes.js"), b"text('\xff')").unwrap();
    let ended = Ended::from(place.command(["run", "bytes.js"]).output().unwrap()).with(2);
    assert!(ended.stderr.contains("UTF-8"), "{ended:?}");
}

#[test]
fn a_script_over_the_size_limit_is_refused() {
    let ended = Place::new().run(&"/".repeat(1024 * 1024 + 1), []).with(2);
    assert!(
        ended
            .stderr
            .starts_with("code-mode: the script has 1048577 bytes"),
        "{ended:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    refused(
        ["run", "ok.js", "--out", "ok.js/below"],
        &["cannot write ok.js/below"],
    );
}
