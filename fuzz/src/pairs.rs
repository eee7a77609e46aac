//! Programs in TypeScript and the same in JavaScript, made of bytes.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// How deep statements, expressions and types go.
const DEPTH: usize = 4;

/// One program, written twice.
#[derive(Default)]
pub struct Pair {
    pub typescript: String,
    pub javascript: String,
}

impl Pair {
    /// A program of a few statements.
    pub fn program(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut pair = Self::default();
        for _ in 0..u.int_in_range(1..=4)? {
            pair.statement(u, DEPTH)?;
            pair.both("\n");
        }
        Ok(pair)
    }

    fn both(&mut self, text: &str) {
        self.typescript.push_str(text);
        self.javascript.push_str(text);
    }

    /// Text that JavaScript does not have.
    fn only_types(&mut self, text: &str) {
        self.typescript.push_str(text);
    }

    fn statement(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        let kinds = if depth == 0 { 4 } else { 12 };
        let inner = depth.saturating_sub(1);
        match u.int_in_range(0..=kinds - 1)? {
            0 => {
                let name = word(u)?;
                self.both(&format!("{} {name}", u.choose(&["const", "let", "var"])?));
                self.annotation(u)?;
                self.both(" = ");
                self.expression(u, inner)?;
                self.both(";");
            }
            1 => {
                self.expression_statement(u, inner)?;
            }
            2 => {
                let name = u.choose(&["A", "type", "of", "B"])?;
                self.only_types(&format!("type {name}"));
                self.type_parameters(u)?;
                self.only_types(&format!(" = {};", type_text(u, DEPTH)?));
            }
            3 => {
                let members = type_members(u, DEPTH)?;
                self.only_types(&format!("interface A extends B<C> {members}"));
            }
            4 => {
                self.both(u.choose(&["function f", "async function f", "function* f"])?);
                self.function(u, inner)?;
            }
            5 => {
                self.both("if (");
                self.expression(u, inner)?;
                self.both(") {");
                self.statement(u, inner)?;
                self.both("} else {");
                self.statement(u, inner)?;
                self.both("}");
            }
            6 => {
                self.both("for (const x of ");
                self.expression(u, inner)?;
                self.both(") {");
                self.statement(u, inner)?;
                self.both("}");
            }
            7 => {
                self.only_types(u.choose(&["", "abstract "])?);
                self.class(u, inner)?;
            }
            8 => {
                self.both("try {");
                self.statement(u, inner)?;
                self.both("} catch (e");
                self.annotation_of(u, "unknown")?;
                self.both(") {}");
            }
            9 => {
                self.both("const { a, b: [c = ");
                self.expression(u, inner)?;
                self.both("], ...d }");
                self.annotation(u)?;
                self.both(" = ");
                self.expression(u, inner)?;
                self.both(";");
            }
            10 => {
                self.both("label: for (let i");
                self.annotation(u)?;
                self.both(" = 0; i < 3; i++) { ");
                self.statement(u, inner)?;
                self.both(" }");
            }
            _ => {
                self.both("switch (");
                self.expression(u, inner)?;
                self.both(") { case ");
                self.expression(u, inner)?;
                self.both(": ");
                self.statement(u, inner)?;
                self.both(" default: }");
            }
        }
        Ok(())
    }

    /// Begins with `void`, because what an expression begins with may be a statement.
    fn expression_statement(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        self.both("void ");
        self.primary(u, depth)?;
        self.both(";");
        Ok(())
    }

    fn annotation(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if u.ratio(2, 3)? {
            self.only_types(&format!(": {}", type_text(u, DEPTH)?));
        }
        Ok(())
    }

    fn annotation_of(&mut self, u: &mut Unstructured<'_>, of: &str) -> Result<()> {
        if u.arbitrary()? {
            self.only_types(&format!(": {of}"));
        }
        Ok(())
    }

    fn type_parameters(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        const PARAMETERS: [&str; 5] = [
            "",
            "<T>",
            "<T extends object = {}>",
            "<const T, U>",
            "<T extends (a: A) => B<C<D>>>",
        ];
        self.only_types(u.choose(&PARAMETERS)?);
        Ok(())
    }

    /// From the type parameters to the end of the body.
    fn function(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        self.type_parameters(u)?;
        self.parameters(u, depth)?;
        self.result(u)?;
        self.both(" { ");
        self.statement(u, depth)?;
        self.both(" }");
        Ok(())
    }

    fn parameters(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        self.both("(");
        for number in 0..u.int_in_range(0..=2)? {
            self.both(&format!("p{number}"));
            if u.arbitrary()? {
                self.only_types("?");
                self.annotation(u)?;
            } else {
                self.annotation(u)?;
                if u.arbitrary()? {
                    self.both(" = ");
                    self.expression(u, depth.saturating_sub(1))?;
                }
            }
            self.both(", ");
        }
        self.both("...rest");
        self.annotation(u)?;
        self.both(")");
        Ok(())
    }

    fn result(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=3)? {
            0 => {}
            1 => self.only_types(": rest is string[]"),
            2 => self.only_types(": asserts rest"),
            _ => self.only_types(&format!(": {}", type_text(u, DEPTH)?)),
        }
        Ok(())
    }

    fn class(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        self.both("class C");
        self.type_parameters(u)?;
        self.both(" extends D");
        self.only_types(u.choose(&["", "<A>", "<A[]> implements I, J<K>", " implements I"])?);
        self.both(" {\n");
        for _ in 0..u.int_in_range(0..=3)? {
            self.only_types(u.choose(&["", "private ", "public readonly ", "override "])?);
            match u.int_in_range(0..=4)? {
                0 => {
                    self.both(u.choose(&["x", "static x", "#x", "'x y'", "[x]"])?);
                    self.annotation(u)?;
                    self.both(" = ");
                    self.expression(u, depth)?;
                    self.both(";\n");
                }
                1 => {
                    self.both("y");
                    self.only_types(u.choose(&["", "?", "!"])?);
                    self.annotation(u)?;
                    self.both(";\n");
                }
                2 => {
                    self.both("get z()");
                    self.annotation(u)?;
                    self.both(" { return 1 }\n");
                }
                _ => {
                    self.both(u.choose(&["m", "async m", "*m", "async *m", "get", "of"])?);
                    self.function(u, depth)?;
                    self.both("\n");
                }
            }
        }
        self.both("}");
        Ok(())
    }

    /// An expression that ends where what follows says so.
    fn expression(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        self.primary(u, depth)?;
        match u.int_in_range(0..=7)? {
            0 => self.only_types(&format!(" as {}", type_text(u, DEPTH)?)),
            1 => self.only_types(&format!(" satisfies {}", type_text(u, DEPTH)?)),
            2 => self.only_types(" as const"),
            3 if depth > 0 => {
                self.both(u.choose(&[
                    " + ",
                    " < ",
                    " >> ",
                    " ?? ",
                    " / ",
                    " in ",
                    " instanceof ",
                ])?);
                self.primary(u, depth - 1)?;
            }
            4 if depth > 0 => {
                self.both(" ? ");
                self.primary(u, depth - 1)?;
                self.both(" : ");
                self.primary(u, depth - 1)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn primary(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Result<()> {
        const ATOMS: [&str; 14] = [
            "a",
            "1",
            "'s'",
            "/[/]/g",
            "`t`",
            "null",
            "this.x",
            "as",
            "type",
            "-1",
            "a.b",
            "a?.[0]",
            "1n",
            "satisfies",
        ];
        if depth == 0 || u.is_empty() {
            self.both(u.choose(&ATOMS)?);
            return Ok(());
        }
        let inner = depth - 1;
        match u.int_in_range(0..=9)? {
            0 => self.both(u.choose(&ATOMS)?),
            1 => {
                self.both("(");
                self.expression(u, inner)?;
                self.both(")");
                self.only_types(u.choose(&["", "!", "!!"])?);
                self.both(u.choose(&["", ".x", "[0]", "()"])?);
            }
            2 => {
                self.both("f");
                if u.arbitrary()? {
                    self.only_types(&format!("<{}>", type_text(u, DEPTH)?));
                }
                self.both("(");
                self.expression(u, inner)?;
                self.both(")");
            }
            3 => {
                self.both("[");
                self.expression(u, inner)?;
                self.both(", ...");
                self.expression(u, inner)?;
                self.both("]");
            }
            4 => {
                self.both("({ a: ");
                self.expression(u, inner)?;
                self.both(", b, [c]: ");
                self.expression(u, inner)?;
                self.both(", ");
                self.both(u.choose(&["m", "async m", "type", "as"])?);
                self.function(u, inner)?;
                self.both(" })");
            }
            5 => {
                self.both("(");
                self.both(u.choose(&["", "async "])?);
                self.type_parameters(u)?;
                self.parameters(u, inner)?;
                self.result(u)?;
                self.both(" => ");
                self.primary(u, inner)?;
                self.both(")");
            }
            6 => {
                self.both("(function ");
                self.function(u, inner)?;
                self.both(")");
            }
            7 => {
                self.both("`a${");
                self.expression(u, inner)?;
                self.both("}b`");
            }
            8 => {
                self.both("new Map");
                if u.arbitrary()? {
                    self.only_types(&format!("<{}>", type_text(u, DEPTH)?));
                }
                self.both("(");
                self.expression(u, inner)?;
                self.both(")");
            }
            _ => {
                self.both("(");
                self.class(u, inner)?;
                self.both(")");
            }
        }
        Ok(())
    }
}

fn word(u: &mut Unstructured<'_>) -> Result<&'static str> {
    Ok(u.choose(&[
        "a", "type", "as", "of", "x1", "$", "é", "declare", "abstract",
    ])?)
}

fn type_text(u: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    const NAMES: [&str; 12] = [
        "string",
        "A",
        "unknown",
        "null",
        "'a'",
        "-1",
        "typeof x.y",
        "A.B",
        "void",
        "`a${string}b`",
        "unique symbol",
        "this",
    ];
    if depth == 0 || u.is_empty() {
        return Ok((*u.choose(&NAMES)?).to_owned());
    }
    let mut inner = || type_text(u, depth - 1);
    let (first, second) = (inner()?, inner()?);
    Ok(match u.int_in_range(0..=12)? {
        0 => first,
        1 => format!("({first})[]"),
        2 => format!("Map<{first}, {second}>"),
        3 => format!("Array<{first}>"),
        4 => format!("(({first}) | {second})"),
        5 => format!("(| ({first}) & {second})"),
        6 => format!("[a: {first}, b?: {second}]"),
        7 => format!("((a: {first}, ...b: A[]) => {second})"),
        8 => format!("(new () => {second})"),
        9 => format!("(keyof ({first}))"),
        10 => format!("(({first}) extends {second} ? A : B)"),
        11 => type_members(u, depth - 1)?,
        _ => format!("A<{first}>['a']"),
    })
}

fn type_members(u: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let mut text = "{ ".to_owned();
    for _ in 0..u.int_in_range(0..=3)? {
        let member = *u.choose(&[
            "a: ",
            "readonly b?: ",
            "[k: string]: ",
            "m(a: A): ",
            "'x y': ",
            "get c(): ",
            "new <T>(): ",
            "type: ",
            "readonly: ",
        ])?;
        let end = u.choose(&["; ", ", ", "\n"])?;
        text.push_str(&format!(
            "{member}{}{end}",
            type_text(u, depth.saturating_sub(1))?
        ));
    }
    text.push('}');
    Ok(text)
}
