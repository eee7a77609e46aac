//! Places in a script, and the line of source that shows one.

use crate::source::lines;

/// How stacks and messages name the script.
pub(super) const RESOURCE_NAME: &str = "exec_main.mjs";

/// The longest piece of a source line that is shown.
const SHOWN_LINE: usize = 160;

/// A place in the script; both numbers from 1, columns in UTF-16 units as V8 counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// Where a byte of the source is.
    pub(super) fn at(source: &str, offset: usize) -> Self {
        let (line, text) = lines(&source[..offset])
            .enumerate()
            .last()
            .expect("a text has a line");
        Self {
            line: line + 1,
            column: text.encode_utf16().count() + 1,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{RESOURCE_NAME}:{}:{}", self.line, self.column)
    }
}

/// Where the script is that calls us: its innermost frame.
pub(super) fn place_of_call(scope: &mut v8::PinScope<'_, '_>) -> Option<Place> {
    const FRAMES_LOOKED_AT: usize = 10;
    let stack = v8::StackTrace::current_stack_trace(scope, FRAMES_LOOKED_AT)?;
    (0..stack.get_frame_count()).find_map(|index| {
        let frame = stack.get_frame(scope, index)?;
        place_of_frame(scope, frame)
    })
}

/// Where a stack frame is, if that is the script itself.
pub(super) fn place_of_frame<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    frame: v8::Local<'s, v8::StackFrame>,
) -> Option<Place> {
    let name = frame.get_script_name(scope)?.to_rust_string_lossy(scope);
    let place = Place {
        line: frame.get_line_number(),
        column: frame.get_column(),
    };
    (name == RESOURCE_NAME && place.line > 0).then_some(place)
}

/// Reads `exec_main.mjs:LINE:COLUMN` out of a stack frame.
pub(super) fn place_in(frame: &str) -> Option<Place> {
    let (_, after) = frame.split_once(RESOURCE_NAME)?;
    let mut numbers = after
        .strip_prefix(':')?
        .split(|character: char| !character.is_ascii_digit());
    Some(Place {
        line: numbers.next()?.parse().ok()?,
        column: numbers.next()?.parse().ok()?,
    })
}

/// Where V8 says a message is from, if that is the script itself.
pub(super) fn place_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    message: v8::Local<'s, v8::Message>,
) -> Option<Place> {
    let name = message.get_script_resource_name(scope)?;
    if name.to_rust_string_lossy(scope) != RESOURCE_NAME {
        return None;
    }
    let line = message.get_line_number(scope).filter(|line| *line > 0)?;
    Some(Place {
        line,
        column: message.get_start_column() + 1,
    })
}

/// The source line with a caret under the column.
pub(super) fn code_frame(source: &str, place: Place) -> Option<String> {
    let line = lines(source).nth(place.line.checked_sub(1)?)?;
    let units: Vec<u16> = line.encode_utf16().collect();
    let column = place.column.saturating_sub(1).min(units.len());
    let start = column.saturating_sub(SHOWN_LINE / 2);
    let end = units.len().min(start + SHOWN_LINE);
    let (before, after) = (&units[start..column], &units[column..end]);

    let cut_before = if start > 0 { "…" } else { "" };
    let cut_after = if end < units.len() { "…" } else { "" };
    let before = format!("{cut_before}{}", String::from_utf16_lossy(before));
    let after = String::from_utf16_lossy(after);
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let indent: String = before
        .chars()
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    Some(format!(
        "{number} | {before}{after}{cut_after}\n{margin} | {indent}^"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_a_line_and_a_column_in_utf_16_units() {
        let source = "a\r\n😀é!\u{2028}b";
        for (sought, line, column) in [("a", 1, 1), ("!", 2, 4), ("b", 3, 1)] {
            let place = Place::at(source, source.find(sought).unwrap());
            assert_eq!(place, Place { line, column });
        }
    }

    #[test]
    fn the_caret_stands_under_the_column() {
        let place = Place { line: 1, column: 7 };
        assert_eq!(
            code_frame("\tlet x y", place).unwrap(),
            "1 | \tlet x y\n  | \t     ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let source = format!("{}!{}", "a".repeat(1000), "b".repeat(1000));
        let place = Place {
            line: 1,
            column: 1001,
        };
        let frame = code_frame(&source, place).unwrap();
        let (line, caret) = frame.split_once('\n').unwrap();
        assert!(line.chars().count() < 200, "{line}");
        let column = caret.chars().position(|c| c == '^').unwrap();
        assert_eq!(line.chars().nth(column), Some('!'));
    }

    #[test]
    fn places_are_read_from_frames() {
        let place = place_in("    at async f (exec_main.mjs:12:34)");
        assert_eq!(
            place,
            Some(Place {
                line: 12,
                column: 34
            })
        );
    }
}
