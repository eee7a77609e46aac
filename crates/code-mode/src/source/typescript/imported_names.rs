//! The names that a program imports.

use std::collections::HashSet;

use super::Stop;
use super::tokens::{Kind, Lexer};

/// The names that the static imports of a module take, and some more: words that stand in what may be
/// an import are among them. `None` if it may take names that are not told here, such as all of them.
///
/// The keyword of a declaration cannot be written in another way, so nothing is missed that begins
/// elsewhere, and the program need not be parsed. What a comment or a string says like an import does
/// no harm.
pub(crate) fn imported_names(source: &str) -> Option<HashSet<String>> {
    // Of `import it from "…"`.
    let mut names = HashSet::from(["default".to_owned()]);
    let mut lexer = Lexer::new(source);
    for keyword in ["import", "export"] {
        for (start, _) in source.match_indices(keyword) {
            lexer.go_to(start + keyword.len());
            match clause(&mut lexer, &mut names) {
                Clause::Names => {}
                Clause::Anything => return None,
            }
        }
    }
    Some(names)
}

enum Clause {
    /// All that it takes is among the names, or it is no clause of an import.
    Names,
    Anything,
}

/// What stands between the keyword and `from`.
fn clause(lexer: &mut Lexer<'_>, names: &mut HashSet<String>) -> Clause {
    let mut in_braces = false;
    loop {
        let token = match lexer.next() {
            Ok(token) => token,
            // No token of an import.
            Err(Stop::Syntax) => return Clause::Names,
            Err(_) => return Clause::Anything,
        };
        let text = lexer.text(token);
        match token.kind {
            Kind::Word | Kind::String if text.contains('\\') => return Clause::Anything,
            // An export with code of its own, where a `*` may stand.
            Kind::Word if !in_braces && ["function", "class"].contains(&text) => {
                return Clause::Names;
            }
            Kind::Word => {
                names.insert(text.to_owned());
            }
            Kind::String => {
                names.insert(text[1..text.len() - 1].to_owned());
            }
            Kind::Punctuator if text == "*" => return Clause::Anything,
            Kind::Punctuator if ["{", "}"].contains(&text) => in_braces = text == "{",
            Kind::Punctuator if text == "," => {}
            _ => return Clause::Names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_told(source: &str, name: &str) -> bool {
        imported_names(source).is_none_or(|names| names.contains(name))
    }

    #[test]
    fn names_are_told_however_they_are_imported() {
        for source in [
            "import{echo}from'tools.js'",
            "import { echo } from 'tools.js';",
            "import /* { */ { /* } */ a, // import\n echo as b, } from \"tools.js\"",
            "import { \"echo\" as b } from 'tools.js'",
            "import { class as a, function as b, echo } from 'tools.js'",
            "import c, { echo } from 'tools.js'",
            "f(); /* it's */ import { echo } from 'tools.js' with { type: 'x' }",
            "const a = `${'}'}`; const r = /['\"`]/; import\n{ echo }\nfrom 'tools.js'",
            "export { echo } from 'tools.js'",
            "export { echo as default } from 'tools.js'",
            "import { a } from 'code-mode'\nimport { echo } from 'tools.js'",
            "import { \\u0065cho as e } from 'tools.js'",
            "import { \"\\x65cho\" as e } from 'tools.js'",
            "import * as all from 'tools.js'",
            "import/**/*/**/as all from 'tools.js'",
            "import standard, * as all from 'tools.js'",
            "export * from 'tools.js'",
            "export * as all from 'tools.js'",
        ] {
            assert!(is_told(source, "echo"), "{source}");
        }
        assert!(is_told("import it from 'tools.js'", "default"));
    }

    #[test]
    fn what_imports_nothing_takes_no_names() {
        for source in [
            "import 'tools.js'; echo()",
            "await import('tools.js'); echo()",
            "const important = 2 * echo; text(important)",
            "import.meta.echo; export const a = { echo: 1 }",
            "// import ~ these\necho()",
            "export function* all() { echo() } export class A { *b() { echo() } }",
            "export async function* all() { echo() }",
            "import { text } from 'code-mode'; echo(); text(2 * 2)",
        ] {
            assert!(!is_told(source, "echo"), "{source}");
        }
    }

    #[test]
    fn a_program_that_is_nothing_but_the_keyword_is_given_up() {
        let source = "import ".repeat(10_000);
        assert!(imported_names(&source).is_none());
    }
}
