//! A program sent as one Markdown code fence.

use std::borrow::Cow;

use super::blank;
use super::pragma::after_pragma;

/// What may stand after the opening backticks.
const TAGS: [&str; 6] = ["", "js", "javascript", "mjs", "ts", "typescript"];

/// The program in a text: the text itself, or what is inside if it is exactly one code fence.
///
/// A fence is at least three backticks, a tag of [`TAGS`] or none, the program, and a line of as many
/// backticks or more. Blank lines around it do not count, nor does a pragma line before it. Its two
/// lines become blank, so that everything else stays where it is.
pub(crate) fn program(text: &str) -> Cow<'_, str> {
    match inside(text) {
        None => Cow::Borrowed(text),
        Some(inside) => {
            let before = after_pragma(text).unwrap_or(text);
            let (pragma, before) = text[..inside.start].split_at(text.len() - before.len());
            let after = &text[inside.end..];
            let mut program = String::with_capacity(text.len());
            program.push_str(pragma);
            program.extend(blank(before));
            program.push_str(&text[inside]);
            program.extend(blank(after));
            Cow::Owned(program)
        }
    }
}

/// Where in `text` the program inside its one fence is.
pub(super) fn inside(text: &str) -> Option<std::ops::Range<usize>> {
    let fenced = after_pragma(text).unwrap_or(text).trim();
    if !fenced.starts_with("```") {
        return None;
    }
    let (opening, rest) = fenced.split_once('\n')?;
    let backticks = opening.len() - opening.trim_start_matches('`').len();
    let tag = opening[backticks..].trim().to_ascii_lowercase();
    if !TAGS.contains(&tag.as_str()) {
        return None;
    }
    let closes = |line: &str| {
        let line = line.trim();
        line.len() >= backticks && line.bytes().all(|byte| byte == b'`')
    };
    let (inside, closing) = match rest.rsplit_once('\n') {
        Some((inside, closing)) => (inside, closing),
        None => ("", rest),
    };
    if !closes(closing) || inside.lines().any(closes) {
        return None;
    }
    let start = rest.as_ptr() as usize - text.as_ptr() as usize;
    Some(start..start + inside.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fence_is_its_inside_and_nothing_moves() {
        for tag in ["", "js", "javascript", "mjs", "ts", "typescript", " JS "] {
            let text = format!("```{tag}\nlet é = 1;\n  text(é);\n```");
            let program = program(&text);
            let blanks = " ".repeat(3 + tag.len());
            assert_eq!(program, format!("{blanks}\nlet é = 1;\n  text(é);\n   "));
        }
        assert_eq!(
            program("\n  ```js\r\n1\r\n```\n\n"),
            "\n       \r\n1\r\n   \n\n"
        );
        assert_eq!(program("````\n```\n````"), "    \n```\n    ");
        assert_eq!(program("```\n```"), "   \n   ");
    }

    #[test]
    fn a_pragma_before_the_fence_stays() {
        assert_eq!(
            program("// @exec: {}\n```js\ntext(1)\n```"),
            "// @exec: {}\n     \ntext(1)\n   "
        );
    }

    #[test]
    fn whatever_is_not_exactly_one_fence_stays_as_it_is() {
        for text in [
            "",
            "text(1)",
            "```",
            "```js",
            "```js\ntext(1)",
            "```python\nprint(1)\n```",
            "Here is it:\n```js\ntext(1)\n```",
            "```js\ntext(1)\n```\nThat was it.",
            "```js\ntext(1)\n```\n```js\ntext(2)\n```",
            "````js\ntext(1)\n```",
            "~~~js\ntext(1)\n~~~",
            "text(`\n```js\n`)",
        ] {
            assert!(
                matches!(program(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }
}
