use super::*;

/// Compares without the spaces, of which stripping makes many.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (typescript, javascript) in cases {
        let result = strip(typescript).unwrap_or_else(|why| panic!("{why:?} of: {typescript}"));
        assert_eq!(shape(typescript), shape(&result), "nothing moves: {result}");
        assert_eq!(
            result.replace(' ', ""),
            javascript.replace(' ', ""),
            "of: {typescript}"
        );
    }
}

/// The length of each line.
fn shape(text: &str) -> Vec<usize> {
    text.split('\n')
        .map(|line| line.encode_utf16().count())
        .collect()
}

#[test]
fn types_of_variables_parameters_and_results_go() {
    check(&[
        ("let x: number = 1;", "let x = 1;"),
        (
            "const a: string[] = [], b: A | B & C = 1;",
            "const a = [], b = 1;",
        ),
        ("let x!: T; let y: T", "let x ; let y"),
        (
            "const { a, b: { c = 1 } }: P = p;",
            "const { a, b: { c = 1 } } = p;",
        ),
        (
            "const [a, , b]: [A, B?, ...C[]] = p;",
            "const [a, , b] = p;",
        ),
        (
            "for (const x of xs as T[]) f(x!);",
            "for (const x of xs ) f(x );",
        ),
        (
            "for (let i: number = 0; i < 3; i++) {}",
            "for (let i = 0; i < 3; i++) {}",
        ),
        ("try {} catch (e: unknown) {}", "try {} catch (e ) {}"),
        (
            "function f<T>(a: T, b?: T, ...c: T[]): T { return a }",
            "function f (a , b , ...c ) { return a }",
        ),
        ("function f(this: Foo, a: A) {}", "function f( a ) {}"),
        (
            "function is(x: unknown): x is string { return true }",
            "function is(x ) { return true }",
        ),
        (
            "function a(x: unknown): asserts x is T {}",
            "function a(x ) {}",
        ),
        ("function a(x: unknown): asserts x {}", "function a(x ) {}"),
        (
            "async function* g<T,>(): AsyncGenerator<T> {}",
            "async function* g () {}",
        ),
        (
            "const o = { m<T>(a: T): void {}, get x(): number { return 1 }, async *g(a: A) {} };",
            "const o = { m (a ) {}, get x() { return 1 }, async *g(a ) {} };",
        ),
    ]);
}

#[test]
fn types_of_every_shape_are_passed_over() {
    for shape in [
        "{ a: string; b?: number, [k: string]: unknown; m(): void; readonly c: 1; -readonly [K in keyof T]-?: T[K] }",
        "(a: number, b?: string) => void",
        "new (...args: any[]) => T",
        "abstract new () => T",
        "<T extends object = {}>(x: T) => x is string",
        "A extends B ? (infer U extends string)[] : C extends D ? 1 : 2",
        "Array<Map<string, Set<number>>>",
        "Array<Array<() => void>>",
        "typeof x.y.z",
        "typeof import('m')",
        "import('m').A.B<C>",
        "keyof typeof o",
        "unique symbol",
        "readonly string[][]",
        "| 'a' | -1 | 2n | true | null | undefined",
        "`a${string}b${`c${number}`}`",
        "(string | number)[]",
        "T['a'][number]",
        "[a: string, b?: number, ...rest: boolean[]]",
        "asserts",
        "this",
    ] {
        check(&[(&format!("let x: {shape} = 1;"), "let x = 1;")]);
        check(&[(&format!("type X<T> = {shape};\n1"), ";\n1")]);
        check(&[(&format!("y = 1 as {shape};"), "y = 1 ;")]);
        check(&[(&format!("f<{shape}>(1);"), "f (1);")]);
        check(&[(
            &format!("const f = (x: {shape}) => x;"),
            "const f = (x ) => x;",
        )]);
        check(&[(
            &format!("class A {{ x: {shape}\n y }}"),
            "class A { x ;\ny }",
        )]);
    }
    check(&[(
        "const f = (x: A): x is B => true;",
        "const f = (x ) => true;",
    )]);
}

#[test]
fn an_arrow_after_a_type_in_parentheses_is_the_functions_own() {
    for result in [
        "(A | B)",
        "((A) extends B ? C : D)",
        "([A, B] | C)",
        "({ a: A } & B)",
        "(() => A)",
        "((a: A) => B)",
        "('a' | 1)",
        "(a: A) => (B | C)",
        "(a) => B",
        "([a]: A) => B",
    ] {
        let typescript = format!("const f = (x): {result} => x;");
        check(&[(&typescript, "const f = (x) => x;")]);
        check(&[(&format!("let x: {result};"), "let x;")]);
    }
}

#[test]
fn declarations_of_types_go_whole() {
    check(&[
        (
            "interface A<T> extends B, C<T> { a: string; b(): void }\n1",
            ";\n1",
        ),
        ("type A = { a: 1 }\n1", ";\n1"),
        ("type A =\n  | 'a'\n  | 'b'\n(f)()", ";\n\n\n(f)()"),
        (
            "declare const x: number, y: string;\ndeclare let z: A\n1",
            ";\n;\n1",
        ),
        ("declare function f(a: A): B;\n1", ";\n1"),
        ("declare class A { m(): void; x: number }\n1", ";\n1"),
        (
            "declare module 'm' { export const x: `a${string}`; }\n1",
            ";\n1",
        ),
        ("declare module 'm'\nf()", ";\nf()"),
        ("declare global { interface Window { x: 1 } }\n1", ";\n1"),
        (
            "declare enum E { A = 1 << 2 }\ndeclare const enum F { A }\n1",
            ";\n;\n1",
        ),
        ("declare namespace N.M { let x: number }\n1", ";\n1"),
        (
            "namespace Types { export interface A { b: 1 } type C = 1 }\n1",
            ";\n1",
        ),
        (
            "export type A = 1;\nexport interface B {}\nexport declare const c: 1;\n1",
            ";\n;\n;\n1",
        ),
        ("export default interface A {}\n1", ";\n1"),
        (
            "function f(a: string): void;\nfunction f(a: any) {}",
            ";\nfunction f(a ) {}",
        ),
        (
            "export async function f(a: 1): P\nexport async function f(a) {}",
            ";\nexport async function f(a) {}",
        ),
    ]);
}

#[test]
fn imports_and_exports_of_types_go() {
    check(&[
        (
            "import type { A } from 'a';\nimport type B from 'b'\nimport type * as C from 'c';\n1",
            ";\n;\n;\n1",
        ),
        (
            "import { type A, text, type B as C } from 'code-mode';",
            "import { text, } from 'code-mode';",
        ),
        (
            "import d, { type A } from 'a'; let x: A",
            "import d, { } from 'a'; let x",
        ),
        (
            "import type, { type A } from 'a';",
            "import type, { } from 'a';",
        ),
        (
            "import type from 'a'; let x: A",
            "import type from 'a'; let x",
        ),
        (
            "import { type } from 'a'; import { type as t } from 'b'; let x: A",
            "import { type } from 'a'; import { type as t } from 'b'; let x",
        ),
        (
            "import j from 'a' with { type: 'json' }; import 'b'; let x: A",
            "import j from 'a' with { type: 'json' }; import 'b'; let x",
        ),
        (
            "export type { A } from 'a';\nexport type { B };\nexport { type C, d };\nexport * as e from 'e';\n",
            ";\n;\nexport { d };\nexport * as e from 'e';\n",
        ),
        (
            "const m = await import('m') as M; import.meta!;",
            "const m = await import('m') ; import.meta ;",
        ),
    ]);
}

#[test]
fn assertions_and_type_arguments_go() {
    check(&[
        ("const x = y as const satisfies Z;", "const x = y ;"),
        ("const x = <T>y + <const>['a'];", "const x = y + ['a'];"),
        ("a!.b![0]!(c!) = d! as T;", "a .b [0] (c ) = d ;"),
        (
            "new Map<string, number[]>(); f<T>`t`; g?.<A>(1);",
            "new Map (); f `t`; g?. (1);",
        ),
        ("const g = f<T>;\nh", "const g = f ;\nh"),
        (
            "await tools.read<{ a: string }>({ path: 'x' });",
            "await tools.read ({ path: 'x' });",
        ),
        (
            "class A extends B<C> implements D, E<F> {}",
            "class A extends B {}",
        ),
        (
            "x = cond ? a as A : b as B; y = a as A ? b : c;",
            "x = cond ? a : b ; y = a ? b : c;",
        ),
    ]);
}

#[test]
fn comparisons_and_conditionals_are_no_types() {
    for javascript in [
        "a < b && c > (d)",
        "if (a < b || c >= d) {}",
        "f(a < b, c > d)",
        "a < b >= c",
        "a < b > c",
        "for (let i = 0; i < n; i++) {}",
        "x = a ? (b) : c",
        "x = a ? (b) : c => d",
        "x = a ? (b, c) : d",
        "x = a ? f(b) : { c }",
        "switch (a) { case (b): c(); case d: }",
        "x = a?.5:1",
        "x = { a: (b), c: d ? e : f }",
        "label: for (;;) break label",
        "type = 1; type\n(f)",
        "async(a, b); async\n(x)",
        "x = a / b / c; y = /[/]'\"`/g.test(z)",
        "x = `a ${ `b ${c}` } ${ { d: '}' }.d }`",
        "declare = 1; module.exports = 2; namespace.x = abstract + 3",
        "if (x) /re'/.test(y)",
        "yield_control(); let_ = of + as",
    ] {
        assert_eq!(
            strip(javascript),
            Err(NotStripped::NotTypeScript),
            "{javascript}"
        );
        let typed = format!("{javascript};let t: T");
        check(&[(&typed, &format!("{javascript};let t"))]);
    }
}

#[test]
fn arrows_keep_their_parameters() {
    check(&[
        (
            "const f = (a: A, { b }: B = {}, [c]?: C): R => a;",
            "const f = (a , { b } = {}, [c] ) => a;",
        ),
        (
            "const f = async <T,>(a: T) => a;",
            "const f = async (a ) => a;",
        ),
        (
            "const f = async (a?: A) => ({ a }) as R;",
            "const f = async (a ) => ({ a }) ;",
        ),
        ("const f = (): Promise<void> => {};", "const f = () => {};"),
        ("x = c ? (a: A) => b : d;", "x = c ? (a ) => b : d;"),
        ("x = c ? (a): R => b : d;", "x = c ? (a) => b : d;"),
        (
            "x = c ? (a) => (b: B) => 1 : d;",
            "x = c ? (a) => (b ) => 1 : d;",
        ),
        (
            "f((x: number) => x, (y): y is T => true)",
            "f((x ) => x, (y) => true)",
        ),
        (
            "const f = (a: (x: A) => B = (x: A): B => x) => a",
            "const f = (a = (x ) => x) => a",
        ),
    ]);
}

#[test]
fn classes_keep_what_runs() {
    check(&[
        (
            "abstract class A<T> { abstract m(): void; abstract x: T; n() {} }",
            "class A { ; ; n() {} }",
        ),
        (
            "class A { private x: number = 1; static readonly y = 2; public z?: string; w!: T }",
            "class A { x = 1; static y = 2; z ; w }",
        ),
        (
            "class A { declare x: T; [k: string]: T; m(a: A): void; m(a: any) {} }",
            "class A { ; ; ; m(a ) {} }",
        ),
        (
            "class A { constructor(a: A, readonly?: B) { super() } }",
            "class A { constructor(a , readonly ) { super() } }",
        ),
        (
            "class A { get x(): T { return 1 } set x(v: T) {} private static async *g<T>() {} static { let x: T } }",
            "class A { get x() { return 1 } set x(v ) {} static async *g () {} static { let x } }",
        ),
        (
            "class A { get: number = 1; static: T; async; declare\n abstract() {} }",
            "class A { get = 1; static ; async; declare\nabstract() {} }",
        ),
        (
            "class A { #p: T = 1; override m(): T { return this.#p! } }",
            "class A { #p = 1; m() { return this.#p } }",
        ),
        (
            "const A = class<T> extends (f() as B)<T> { };",
            "const A = class extends (f() ) { };",
        ),
    ]);
}

#[test]
fn lines_that_would_run_into_one_another_get_a_semicolon() {
    check(&[
        ("const a = b as T\n(c)", "const a = b ;\n(c)"),
        ("let a: T\n[b] = c", "let a ;\n[b] = c"),
        ("let a = 1\ninterface B {}\n(c)", "let a = 1\n;\n(c)"),
        (
            "class A { x: T\n['y']() {}\n}",
            "class A { x ;\n['y']() {}\n}",
        ),
        (
            "class A { x = 1\n private *g() {}\n readonly ['k'] = 1 }",
            "class A { x = 1\n; *g() {}\n; ['k'] = 1 }",
        ),
    ]);
}

#[test]
fn what_must_stay_on_its_line_is_moved_there() {
    check(&[
        (
            "const f = async <\n  T,\n>(x: T) => x",
            "const f = async (\n\nx ) => x",
        ),
        (
            "const f = (x: T):\n  Promise<R> => x",
            "const f = (x \n) => x",
        ),
        (
            "return_ = () => { return <\nT>(x) }",
            "return_ = () => { return (\nx) }",
        ),
    ]);
}

#[test]
fn columns_are_kept_in_utf_16_units() {
    assert_eq!(strip("let a: 'é😀' = 1;").unwrap(), "let a        = 1;");
    assert_eq!(
        strip("type 名 = '日\u{2028}本'\n1").unwrap(),
        ";          \u{2028}  \n1"
    );
}

#[test]
fn what_makes_code_is_refused_by_name_and_place() {
    use Construct::*;
    for (source, construct, at) in [
        ("let a: T; enum E { A }", Enum, "enum"),
        ("const enum E { A }", Enum, "const"),
        ("export enum E { A }", Enum, "enum"),
        ("namespace N { export const x = 1 }", Namespace, "namespace"),
        ("export namespace N { f() }", Namespace, "namespace"),
        (
            "class A { constructor(private x: T) {} }",
            ParameterProperty,
            "private",
        ),
        (
            "class A { constructor(a, readonly x = 1) {} }",
            ParameterProperty,
            "readonly",
        ),
        ("import fs = require('fs');", ImportEquals, "import"),
        ("f(); export = f;", ExportEquals, "export"),
        ("@sealed class A {}", Decorator, "@"),
        ("class A { @observed x = 1 }", Decorator, "@"),
    ] {
        let offset = source.find(at).unwrap();
        let unsupported = Unsupported { construct, offset };
        assert_eq!(
            strip(source),
            Err(NotStripped::Unsupported(unsupported)),
            "{source}"
        );
    }
}

#[test]
fn what_is_no_typescript_either_is_left_alone() {
    for source in [
        "",
        "text(1)",
        "let x: = 1",
        "def f(x: int) -> str:\n  return x",
        "import os\nprint(os)",
        "ls -la | grep x",
        "{\"code\": \"text(1)\"}",
        "let x: number = 'a",
        "let x: T = `a${",
        "let x: T /* a",
        "f((a: T))",
        "let x: T = /a\n/",
        "class { x: T }}",
        "let x: {",
        "type A = ;",
        "\u{0}",
        "'",
        "interface A",
    ] {
        assert_eq!(strip(source), Err(NotStripped::NotTypeScript), "{source}");
    }
}

#[test]
fn hostile_sources_end_soon_and_within_the_stack() {
    const MANY: usize = 100_000;
    for (before, repeated, after) in [
        ("let x: T = ", "[", "]"),
        ("let x: T = ", "(", ")"),
        ("let x: T = ", "{a:", "}"),
        ("let x: T = ", "<T>(", ")"),
        ("let x: T = ", "a<b<", ""),
        ("let x: T = ", "f(a<", ""),
        ("let x: T = ", "a?(b):c=>", ":d"),
        ("let x: T = ", "a?(b)=>(", "):c"),
        ("let x: T = ", "a<(", ""),
        ("let x: T = ", "a=>", ""),
        ("let x: T = ", "async<T>(", ")"),
        ("let x: T = ", "`${", "}`"),
        ("let x: T = ", "class{x=", "}"),
        ("let x: T; ", "{", "}"),
        ("let x: T; ", "if(a)", ""),
        ("let x: T; ", "a:", ""),
        ("let x: T; ", "namespace A{", "}"),
        ("let x: T; ", "class A{m(){", "}}"),
        ("let x: T; ", "export ", ""),
    ] {
        for tail in [after.repeat(MANY), String::new()] {
            let source = format!("{before}{}{tail}", repeated.repeat(MANY));
            assert_eq!(
                strip(&source),
                Err(NotStripped::NotTypeScript),
                "{repeated}"
            );
        }
    }
    // Those need no depth.
    for (before, repeated, after) in [
        ("let x: T = 1", "+1", ""),
        ("let x: T = ", "!", "1"),
        ("let x: T = ", "new ", "A"),
        ("let x: T", "[]", ""),
        ("let x: ", "(a:", "1"),
        ("let x: ", "{a:", "1"),
        ("let x: ", "A|", "B"),
        ("let x: ", "A extends B?", "1"),
        ("let x: ", "keyof ", "A"),
        ("let x: T = a", ".b!", ""),
        ("let x: T = a", " as T", ""),
        ("let x: T; ", "if(a);else ", ";"),
    ] {
        let source = format!("{before}{}{after}", repeated.repeat(MANY));
        let closers = match repeated {
            "(a:" => ")".repeat(MANY),
            "{a:" => "}".repeat(MANY),
            "A extends B?" => ":1".repeat(MANY),
            _ => String::new(),
        };
        assert!(strip(&(source + &closers)).is_ok(), "{repeated}");
    }
}

#[test]
fn any_piece_of_a_program_ends_in_an_answer() {
    let program = include_str!("tests.ts");
    assert!(strip(program).is_ok());
    for (cut, _) in program.char_indices() {
        let _ = strip(&program[..cut]);
        let _ = strip(&program[cut..]);
    }
}
