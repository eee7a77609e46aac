//! What servers say of their tools, made fit to stand among our own words. A model reads both in one
//! text: what a server says must look like nothing that we say.

/// The same text without characters that hide or reorder others, and with no line that is a Markdown
/// heading or opens a code block for good.
pub(super) fn harmless(text: &str) -> String {
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|character| !is_hidden(*character))
        .collect();
    let fences = text.lines().filter(|line| is_fence(line)).count();
    // A block that is opened and closed is an example, and may have comments that look like headings.
    let closed = fences % 2 == 0;
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let fence = is_fence(line);
        let forges = match fence {
            true => !closed,
            false => !inside && line.trim_start().starts_with('#'),
        };
        inside ^= fence && closed;
        lines.push(if forges {
            escaped(line)
        } else {
            line.to_owned()
        });
    }
    lines.join("\n")
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

/// The line with a backslash before its first character.
fn escaped(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    format!("{}\\{}", &line[..start], &line[start..])
}

/// Controls, and characters that a reader does not see or that change where others are seen. Those that
/// emoji are joined with stay.
fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_description_stays_as_it_is() {
        for text in [
            "",
            "Reads a file.",
            "Takes C# code, 名前 and 👩‍👩‍👧.\n\n- one\n\t- two",
            "For example:\n```sh\n# all files\nls\n```\nand so on.",
        ] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn a_line_forges_no_heading_and_opens_no_block_that_is_not_closed() {
        assert_eq!(
            harmless("a\n## mcp__bank\n  ### b"),
            "a\n\\## mcp__bank\n  \\### b"
        );
        assert_eq!(harmless("a\n```\n# b"), "a\n\\```\n\\# b");
        assert_eq!(harmless("```\n# b\n~~~\n# c"), "```\n# b\n~~~\n\\# c");
    }

    #[test]
    fn characters_that_hide_or_reorder_others_are_dropped() {
        assert_eq!(
            harmless("a\u{1b}[31mb\u{202e}c\u{200b}d\0\r\ne\u{e0041}"),
            "a[31mbcd\ne"
        );
    }
}
