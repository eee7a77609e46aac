//! TypeScript: types are taken out where V8 would not have them, and everything stays in its place.

use crate::support::{error, run, texts};

#[tokio::test]
async fn typed_scripts_run() {
    let script = "import type { Missing } from 'anywhere';
                  import { type Also, text as say } from 'code-mode';
                  interface Row { id: number; tags?: string[] }
                  type Named<T> = T & { name: string };
                  declare const never: unique symbol;
                  enum_free<Row>({ id: 1 });
                  function enum_free<T extends object>(value: T, ...more: T[]): asserts value is T {
                      say({ ...(value as Named<T>), more: more.length satisfies number });
                  }
                  abstract class Base<T> { constructor(protected_: T) { this.value = protected_ } value!: T; abstract show(): void }
                  class Shown extends Base<string> implements Iterable<string> {
                      private static count: number = 0;
                      override show(): void { say(`${this.value!} ${Shown.count++}`) }
                      *[Symbol.iterator](): Iterator<string> { yield this.value }
                  }
                  const shown: Shown = new Shown('é' as string);
                  shown.show();
                  const [first] = [...shown] as const;
                  const result = await tools.echo({ first }) as { first: string };
                  say(result.first);
                  const pick = async <K extends keyof Row>(key: K, row?: Row): Promise<Row[K] | undefined> => row?.[key];
                  say(await pick('id', { id: 7 }));";
    assert_eq!(
        texts(script).await,
        [r#"{"id":1,"more":0}"#, "é 0", "é", "7"]
    );
}

#[tokio::test]
async fn lines_and_columns_are_those_of_the_typed_text() {
    for (script, place, frame) in [
        (
            "const s: 'é😀' | string = 'x'; const n: null = null as any; n.x;",
            "exec_main.mjs:1:63",
            "n.x;",
        ),
        (
            "interface A {\n  b: number;\n}\nfunction f<T>(x: T): T { throw new Error(`${x}`) }\nf<A | number>(1);",
            "at f (exec_main.mjs:4:32)\n    at exec_main.mjs:5:1\n",
            "4 | function f<T>(x: T): T { throw new Error(`${x}`) }\n  |                                ^",
        ),
        (
            "const call = async <\n  T,\n>(x: T): Promise<T> => {\n  throw new Error('late');\n};\nawait call<number>(1);",
            "at call (exec_main.mjs:4:9)",
            "4 |   throw new Error('late');\n  |         ^",
        ),
    ] {
        let told = error(script).await;
        assert!(told.contains(place), "{told}");
        assert!(told.contains(frame), "{told}");
    }
}

#[tokio::test]
async fn a_typed_line_does_not_run_into_the_next() {
    let script = "const f = (x: unknown) => text('called');
                  const a = f as unknown\n(1, 2);
                  let log: string[] = []\n;[1].forEach((n: number) => log.push(`${n}`));
                  text(typeof a); text(log);";
    assert_eq!(texts(script).await, ["function", r#"["1"]"#]);
}

#[tokio::test]
async fn what_types_do_not_explain_is_refused_by_name() {
    for (script, name, instead) in [
        ("enum Color { Red }", "an enum", "as const"),
        ("const enum Color { Red }", "an enum", "as const"),
        (
            "namespace N { export const x = 1 }",
            "a namespace with values",
            "const Shapes = {",
        ),
        (
            "class A { constructor(public x: number) {} }",
            "a parameter property",
            "this.x = x",
        ),
        ("import fs = require('fs');", "import … = …", "import {"),
        ("@dec class A {}", "a decorator", "a call"),
    ] {
        let told = error(script).await;
        let first = told.lines().next().unwrap();
        assert!(
            first.starts_with(&format!("SyntaxError: {name} is not supported")),
            "{told}"
        );
        assert!(first.contains(instead), "{told}");
        assert!(told.contains("\n    at exec_main.mjs:1:"), "{told}");
    }
}

#[tokio::test]
async fn an_error_beside_the_types_is_told_as_it_is() {
    for (script, expected) in [
        (
            "let x: number = 1;\nlet x = 2;",
            "SyntaxError: Identifier 'x' has already been declared\n    at exec_main.mjs:2:5",
        ),
        (
            "let x: number = 1;\nbreak;",
            "SyntaxError: Illegal break statement\n    at exec_main.mjs:2:1",
        ),
        (
            "import { nope, type T } from 'code-mode';",
            "SyntaxError: The requested module 'code-mode' does not provide an export named 'nope'\n    at exec_main.mjs:1:10",
        ),
        (
            "import type { T } from 'x';\nimport { y } from 'x';",
            "TypeError: cannot import \"x\"",
        ),
    ] {
        let told = error(script).await;
        assert!(told.starts_with(expected), "{told}");
    }
}

#[tokio::test]
async fn what_is_no_typescript_either_is_refused_with_v8s_first_word() {
    let told = error("let x: number = ;").await;
    assert_eq!(
        told,
        "SyntaxError: Unexpected token ':'\n    at exec_main.mjs:1:6\n\n1 | let x: number = ;\n  |      ^"
    );
}

#[tokio::test]
async fn javascript_that_looks_like_types_is_javascript() {
    let script = "const a = 1, b = 2, c = 3, d = (x) => x;
                  text([a < b, c > (d)].length); text(a < b > (c));
                  type: for (;;) break type;
                  var type = 1, declare = 2, abstract = 3, namespace = { x: 4 };
                  text(type + declare + abstract + namespace.x);";
    assert_eq!(texts(script).await, ["2", "false", "10"]);
}

#[tokio::test]
async fn hostile_sources_fail_their_cell_and_nothing_else() {
    for piece in [
        "[",
        "(",
        "{a:",
        "<T>(",
        "a<b<",
        "a?(b):c=>",
        "`${",
        "!",
        "+1",
        ".b!",
        "class{x=",
    ] {
        let told = error(&format!("let x: T = a{}", piece.repeat(100_000))).await;
        assert!(told.contains("Error: "), "{piece}: {told}");
    }
    let response = run("let n: number = 1; text(n)").await;
    assert_eq!(response.text(), "1");
}
