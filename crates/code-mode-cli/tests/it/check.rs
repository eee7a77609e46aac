//! `types` and `run --check`, with TypeScript's own compiler.

use std::path::Path;

use crate::support::{Ended, Place};
use crate::tooling;

/// A folder whose node_modules has TypeScript.
fn place_with_typescript() -> Place {
    let place = Place::new();
    let modules = tooling::node_modules();
    std::os::unix::fs::symlink(modules, place.path("node_modules")).expect("a link");
    place
}

/// `code-mode run --check FILE` in the place.
fn check(place: &Place, file: &str, script: &str, arguments: &[&str]) -> Ended {
    place.write(file, script);
    let mut command = place.command(["run", "--check", file]);
    command.args(arguments).output().expect("it starts").into()
}

#[test]
fn types_prints_declarations_that_check_a_script_of_these_tools() {
    let place = place_with_typescript();
    let tools = ["--tool", "log=cat", "--text-tool", "shout=tr a-z A-Z"];
    let mut command = place.command(["types"]);
    let printed: Ended = command.args(tools).output().expect("it starts").into();
    let declarations = printed.with(0).stdout;
    assert!(
        declarations.contains("shout(input: string, options?: ToolCallOptions): Promise<string>;"),
        "{declarations}"
    );
    place.write("code-mode.d.ts", &declarations);
    place.write(
        "script.ts",
        "text((await tools.shout('a')).length); text(await tools.log({ any: 'thing' }));\n\
         // @ts-expect-error: there is no such tool\n\
         await tools.shoot('a');\n\
         export {};\n",
    );
    let flags = [
        "--noEmit", "--strict", "--target", "esnext", "--module", "esnext", "--lib", "esnext",
    ];
    let mut tsc = std::process::Command::new(place.path("node_modules/.bin/tsc"));
    let output = tsc
        .args(flags)
        .args(["code-mode.d.ts", "script.ts"])
        .current_dir(place.folder.path())
        .output()
        .expect("tsc starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn a_script_that_checks_well_is_run() {
    let place = place_with_typescript();
    let script = "const greet = (name) => `hello ${name}`; text(greet('you'));";
    assert_eq!(
        check(&place, "script.js", script, &[]).with(0).stdout,
        "hello you\n"
    );
    let script = "import { text } from 'code-mode'; const n: number = 6; text(n * 7);";
    assert_eq!(
        check(&place, "script.ts", script, &[]).with(0).stdout,
        "42\n"
    );
}

#[test]
fn a_script_that_checks_badly_is_not_run_and_each_finding_has_its_place() {
    let place = place_with_typescript();
    let script = "text('runs');\nawait tools.shoot('a');\ntxt(1);\n";
    let ended = check(&place, "script.js", script, &["--text-tool", "shout=cat"]).with(2);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("script.js(2,13): error TS"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("Did you mean 'shout'?"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("script.js(3,1): error TS"),
        "{}",
        ended.stderr
    );
}

#[test]
fn without_typescript_check_says_what_to_install_and_runs_nothing() {
    let place = Place::new();
    place.write("script.js", "text('runs')");
    let ended: Ended = place
        .command(["run", "--check", "script.js"])
        .env("PATH", place.folder.path())
        .output()
        .expect("it starts")
        .into();
    let ended = ended.with(2);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("npm install --global typescript"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_examples_check_well() {
    let place = place_with_typescript();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for example in ["hello.js", "image.js", "store.js", "yield.js"] {
        let source = std::fs::read_to_string(examples.join(example)).expect("an example");
        check(&place, example, &source, &[]).with(0);
    }
}
