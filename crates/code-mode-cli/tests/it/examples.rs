//! The scripts of `examples/`, each run by the very command that its first comment gives.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installed;
use crate::support::{CODE_MODE, Ended, Place};

/// How the commands begin that run our executable from the repository's root.
const CARGO_RUN: &str = "cargo run -q --release -p code-mode-cli --";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The command in the comment an example begins with: its lines that are indented.
fn command_of(example: &str) -> String {
    let source = std::fs::read_to_string(repository().join("examples").join(example)).unwrap();
    let comment = source.lines().map_while(|line| line.strip_prefix("//"));
    let lines: Vec<&str> = comment
        .filter_map(|line| line.strip_prefix("     "))
        .collect();
    let command = lines.join("\n");
    let whole = format!("{CARGO_RUN} run examples/{example}");
    assert!(
        command.starts_with(&whole),
        "{example} begins with its command: {command}"
    );
    command
}

/// Runs the command with the executable under test in the place of `cargo run`.
fn run_command(command: &str, folder: &Path) -> Ended {
    let command = command.replace(CARGO_RUN, "\"$CODE_MODE\"");
    Command::new("sh")
        .args(["-c", &command])
        .current_dir(folder)
        .env("CODE_MODE", CODE_MODE)
        // The checkout may belong to somebody else, as in a container.
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .output()
        .unwrap()
        .into()
}

/// A folder that looks like the repository's root to an example, and is nobody else's.
fn root() -> Place {
    let place = Place::new();
    symlink(repository().join("examples"), place.path("examples")).unwrap();
    std::fs::create_dir(place.path("target")).unwrap();
    place
}

fn run(example: &str) -> Ended {
    run_command(&command_of(example), root().folder.path())
}

#[test]
fn every_example_is_tested_here() {
    let scripts = std::fs::read_dir(repository().join("examples")).unwrap();
    let mut names: Vec<String> = scripts
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".js"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "hello.js",
            "image.js",
            "parallel.js",
            "repo_report.js",
            "servers.js",
            "store.js",
            "yield.js"
        ]
    );
}

#[test]
fn hello() {
    let ended = run("hello.js").with(0);
    assert_eq!(
        ended.stdout,
        "Hello, MERCURY, VENUS, EARTH!\n{\"planets\":3,\"longest\":7}\n"
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn parallel() {
    let ended = run("parallel.js").with(0);
    assert_eq!(
        ended.stdout,
        "Six calls at once: hello, pipe; hello, pipe; hello, pipe\n\
         fulfilled\nfulfilled\nfulfilled\nToolError: remove failed\n"
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn store() {
    let root = root();
    let command = command_of("store.js");
    let first = run_command(&command, root.folder.path()).with(0);
    assert_eq!(first.stdout, "This is the first run.\n");
    let second = run_command(&command, root.folder.path()).with(0);
    assert_eq!(second.stdout, "This is run 2.\n");
}

#[test]
fn yields() {
    let ended = run("yield.js").with(0);
    assert_eq!(
        ended.stdout,
        "fetch: done\nsort: done\nprint: done\nleaving from a timer\n"
    );
    assert_eq!(
        ended.stderr,
        "working on: fetch\nworking on: sort\nworking on: print\n"
    );
}

#[test]
fn image() {
    let root = root();
    let ended = run_command(&command_of("image.js"), root.folder.path()).with(0);
    assert_eq!(ended.stdout, "12420 bytes of PNG\n");
    assert_eq!(
        ended.stderr,
        "code-mode: target/pictures/image-1.png: image/png, 12420 bytes\n"
    );
    let png = std::fs::read(root.path("target/pictures/image-1.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
}

/// The pinned servers under the names that examples/mcp.json starts them by.
fn servers_on_the_path(place: &Place) -> std::ffi::OsString {
    let (everything, filesystem) = (
        installed::everything(),
        installed::filesystem(Path::new(".")),
    );
    let (node, time) = (everything.program(), installed::time());
    let npx = format!(
        "#!/bin/sh\ncase $2 in\n*/server-everything) exec '{node}' '{}' ;;\n*/server-filesystem) shift 2; exec '{node}' \
         '{}' \"$@\" ;;\nesac\n",
        everything.args[0], filesystem.args[0]
    );
    let uvx = format!(
        "#!/bin/sh\nexec '{}' -m \"$(echo \"$1\" | tr - _)\"\n",
        time.program()
    );
    std::fs::create_dir(place.path("bin")).unwrap();
    for (name, script) in [("npx", npx), ("uvx", uvx)] {
        let path = place.path("bin").join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(place.path("bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}

#[test]
fn servers() {
    let place = Place::new();
    let command = command_of("servers.js").replace(CARGO_RUN, "\"$CODE_MODE\"");
    let output = Command::new("sh")
        .args(["-c", &command])
        .current_dir(repository())
        .env("CODE_MODE", CODE_MODE)
        .env("PATH", servers_on_the_path(&place))
        .env("XDG_STATE_HOME", place.path("state"))
        .output()
        .unwrap();
    let ended = Ended::from(output).with(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "When it is 18:00 in Berlin", "{ended:?}");
    assert!(lines[1].starts_with("  New York: 1"), "{ended:?}");
    assert_eq!(lines[4], "The smallest of 7 scripts");
    assert_eq!(lines[8], "ToolError, isError: true");
    assert!(
        ended.stderr.starts_with("code-mode: image-1: image/png, "),
        "{ended:?}"
    );
}

#[test]
fn repo_report_of_a_small_repository() {
    let root = root();
    let git = |arguments: &str| {
        let script = format!(
            "git -c user.name=n -c user.email=e -c commit.gpgsign=false -c core.hooksPath=none {arguments}"
        );
        let done = Command::new("sh")
            .args(["-c", &script])
            .current_dir(root.folder.path())
            .env("GIT_AUTHOR_DATE", "2020-02-03T04:05:06Z")
            .env("GIT_COMMITTER_DATE", "2020-02-03T04:05:06Z")
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments}: {done:?}");
    };
    git("init -q");
    std::fs::create_dir_all(root.path("src/deep/er")).unwrap();
    root.write("README.md", "one\n");
    root.write("src/main.rs", "1\n2\n3\n");
    root.write("src/with space.js", "1\n2\n");
    root.write("src/deep/er/a.py", "1\n");
    root.write("src/gone.rs", "1\n");
    root.write("notes.txt", "not source\n");
    git("add README.md src notes.txt");
    git("commit -q -m first");
    root.write("src/main.rs", "1\n2\n3\n4\n");
    git("commit -q -a -m second");
    std::fs::remove_file(root.path("src/gone.rs")).unwrap();

    let ended = run_command(&command_of("repo_report.js"), root.folder.path()).with(0);
    assert_eq!(
        ended.stdout,
        "\
4 source files in 3 folders, 8 lines

folder    files  lines  largest file
src           2      6  main.rs (4)
.             1      1  README.md (1)
src/deep      1      1  er/a.py (1)

most changed       commits  lines  last
src/main.rs              2      4  2020-02-03
README.md                1      1  2020-02-03
src/deep/er/a.py         1      1  2020-02-03
src/with space.js        1      2  2020-02-03
"
    );
    // What is deleted but not committed is `wc`'s to mention.
    assert!(ended.stderr.contains("src/gone.rs"), "{ended:?}");
}

#[test]
fn repo_report_of_this_checkout() {
    if !repository().join(".git").exists() {
        return; // Unpacked from an archive.
    }
    let ended = run_command(&command_of("repo_report.js"), &repository()).with(0);
    assert!(ended.stdout.contains(" source files in "), "{ended:?}");
    assert!(ended.stdout.contains("crates/code-mode "), "{ended:?}");
}
