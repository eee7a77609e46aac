//! From what a value shows to lines of text: on one line where it fits, else an entry a line.

use super::bounded_text::BoundedText;

/// The longest line that holds more than one entry, in characters.
const LINE: usize = 80;
/// Elements no longer than this are put side by side.
const SHORT: usize = 16;

/// What a value shows.
pub(super) enum Shown {
    Text(String),
    Group(Group),
}

/// Entries between brackets.
pub(super) struct Group {
    /// What goes before the bracket: `Map(2) `.
    pub(super) head: String,
    pub(super) brackets: [&'static str; 2],
    pub(super) entries: Vec<Entry>,
}

/// `key` is all that goes before the value: `a: `, `'k' => `, nothing.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Shown,
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Shown {
    /// Puts `text` before it.
    pub(super) fn behind(self, text: &str) -> Self {
        match self {
            Self::Text(shown) => Self::Text(format!("{text}{shown}")),
            Self::Group(group) => Self::Group(Group {
                head: format!("{text}{}", group.head),
                ..group
            }),
        }
    }

    /// The lines of it, the first without indentation.
    pub(super) fn lay_out(&self) -> String {
        let mut out = BoundedText::default();
        self.write(&mut out, 0, 0);
        out.text
    }

    /// `before`: characters on the line already, indentation included.
    fn write(&self, out: &mut BoundedText, indentation: usize, before: usize) {
        if out.is_full {
            return;
        }
        let group = match self {
            Self::Text(text) => {
                let indented = text.replace('\n', &format!("\n{}", " ".repeat(indentation)));
                return out.push(&indented);
            }
            Self::Group(group) => group,
        };
        out.push(&group.head);
        let [open, close] = group.brackets;
        out.push(open);
        if group.entries.is_empty() {
            return out.push(close);
        }
        if self.width().is_some_and(|width| before + width <= LINE) {
            for (position, entry) in group.entries.iter().enumerate() {
                out.push(if position == 0 { " " } else { ", " });
                out.push(&entry.key);
                entry.value.write(out, 0, 0);
            }
            out.push(" ");
            return out.push(close);
        }
        group.write_on_lines(out, indentation + 2);
        out.push("\n");
        out.push(&" ".repeat(indentation));
        out.push(close);
    }

    /// Characters of it on one line; `None` where that cannot be.
    fn width(&self) -> Option<usize> {
        let group = match self {
            Self::Text(text) if text.contains('\n') => return None,
            Self::Text(text) => return Some(text.chars().count()),
            Self::Group(group) => group,
        };
        let mut width = group.head.chars().count() + 2;
        for entry in &group.entries {
            width += entry.width()? + 2;
            if width > LINE {
                return None;
            }
        }
        Some(width)
    }
}

impl Entry {
    fn width(&self) -> Option<usize> {
        Some(self.key.chars().count() + self.value.width()?)
    }
}

impl Group {
    fn write_on_lines(&self, out: &mut BoundedText, indentation: usize) {
        let side_by_side = self
            .entries
            .iter()
            .all(|entry| entry.key.is_empty() && entry.width().is_some_and(|width| width <= SHORT));
        let mut column = 0;
        for (position, entry) in self.entries.iter().enumerate() {
            if position > 0 {
                out.push(",");
            }
            let width = entry.width().unwrap_or(0) + 2;
            if position > 0 && side_by_side && column + width <= LINE {
                out.push(" ");
            } else {
                out.push("\n");
                out.push(&" ".repeat(indentation));
                column = indentation;
            }
            column += width;
            out.push(&entry.key);
            let before = indentation + entry.key.chars().count();
            entry.value.write(out, indentation, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(head: &str, entries: impl IntoIterator<Item = Shown>) -> Shown {
        let entry = |value| Entry {
            key: String::new(),
            value,
        };
        Shown::Group(Group {
            head: head.to_owned(),
            brackets: ["[", "]"],
            entries: entries.into_iter().map(entry).collect(),
        })
    }

    #[test]
    fn what_fits_stays_on_one_line() {
        assert_eq!(group("", []).lay_out(), "[]");
        let nested = group("A ", ["1".into(), group("", ["2".into()])]);
        assert_eq!(nested.lay_out(), "A [ 1, [ 2 ] ]");
    }

    #[test]
    fn what_does_not_fit_gets_a_line_each() {
        let long = "x".repeat(50);
        let inner = group("B ", [long.as_str().into(), long.as_str().into()]);
        assert_eq!(
            group("", ["1".into(), inner]).lay_out(),
            format!("[\n  1,\n  B [\n    {long},\n    {long}\n  ]\n]")
        );
    }

    #[test]
    fn short_elements_are_put_side_by_side() {
        let text = group("", (0..60).map(|n| n.to_string().into())).lay_out();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[1].starts_with("  0, 1, 2, "), "{text}");
        assert!(lines.iter().all(|line| line.len() <= LINE), "{text}");
    }

    #[test]
    fn lines_of_a_text_are_indented_with_it() {
        let text = group("", ["a\nb".into()]).lay_out();
        assert_eq!(text, "[\n  a\n  b\n]");
    }
}
