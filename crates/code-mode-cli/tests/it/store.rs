//! `--store`.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::support::Place;

const COUNT: &str = "const n = (load('n') ?? 0) + 1; store('n', n); text(n);";
const STORE: [&str; 2] = ["--store", "store.json"];

#[test]
fn stored_values_go_from_run_to_run() {
    let place = Place::new();
    assert_eq!(place.run(COUNT, STORE).with(0).stdout, "1\n");
    assert_eq!(place.run(COUNT, STORE).with(0).stdout, "2\n");
    assert_eq!(place.read("store.json"), "{\n  \"n\": 2\n}\n");
}

#[test]
fn what_a_script_does_not_touch_stays_to_the_digit() {
    let place = Place::new();
    place.write(
        "store.json",
        r#"{"big": 12345678901234567890, "gone": 1, "n": 41}"#,
    );
    place
        .run(&format!("{COUNT} store('gone', undefined);"), STORE)
        .with(0);
    assert_eq!(
        place.read("store.json"),
        "{\n  \"big\": 12345678901234567890,\n  \"n\": 42\n}\n"
    );
}

#[test]
fn what_was_stored_before_an_error_is_saved() {
    let place = Place::new();
    place
        .run(&format!("{COUNT} throw new Error('late')"), STORE)
        .with(1);
    let saved: Value = serde_json::from_str(&place.read("store.json")).unwrap();
    assert_eq!(saved["n"], 1);
}

#[test]
fn a_store_that_is_no_json_is_refused_with_its_place_and_kept() {
    let place = Place::new();
    for (text, says) in [
        ("{\n  \"n\": 1,\n  oops\n}\n", "line 3 column 3"),
        ("[1]", "line 1 column"),
        ("", "line 1 column 0"),
    ] {
        place.write("store.json", text);
        let ended = place.run(COUNT, STORE).with(2);
        assert_eq!(ended.stdout, "");
        let stderr = &ended.stderr;
        assert!(
            stderr.starts_with("code-mode: the store store.json is no JSON object: "),
            "{stderr}"
        );
        assert!(stderr.contains(says), "{stderr}");
        assert_eq!(place.read("store.json"), text);
    }
}

#[test]
fn a_store_that_is_no_file_is_refused() {
    let place = Place::new();
    let ended = place.run(COUNT, ["--store", "."]).with(2);
    assert!(
        ended
            .stderr
            .starts_with("code-mode: cannot read the store .: "),
        "{ended:?}"
    );
}

#[test]
fn a_store_that_cannot_be_saved_is_a_failure_that_is_said() {
    let place = Place::new();
    let ended = place
        .run(COUNT, ["--store", "no/such/folder/s.json"])
        .with(1);
    assert_eq!(ended.stdout, "1\n");
    assert!(
        ended
            .stderr
            .starts_with("code-mode: cannot write the store no/such/folder/s.json: "),
        "{ended:?}"
    );
}

#[test]
fn saving_keeps_links_and_permissions_and_leaves_nothing_else_behind() {
    let place = Place::new();
    place.write("real.json", "{}");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(place.path("real.json"), private).unwrap();
    symlink("real.json", place.path("store.json")).unwrap();
    place.run(COUNT, STORE).with(0);
    assert_eq!(place.read("real.json"), "{\n  \"n\": 1\n}\n");
    assert!(place.path("store.json").is_symlink());
    let metadata = std::fs::metadata(place.path("real.json")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let files = std::fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(files, 3, "the script, the link and the file");
}
