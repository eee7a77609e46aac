//! Writes a laid-out type, innermost places first, each text once.

use std::collections::HashSet;

use super::layout::{ANY_OBJECT, Body, Layout, Line, Member, ObjectBody, Place, Presence, Slot};
use super::text;

/// What stands where something was cut.
pub(super) const CUT: &str = "unknown /* cut: too large */";
/// How the comment of every cut begins.
const CUT_MARK: &str = "/* cut:";
/// Objects without comments that are no longer than this stand on one line.
const MAX_LINE: usize = 80;
/// Names that an alias must leave alone, as types use them.
const TAKEN: &[&str] = &[
    "Array",
    "CallToolResult",
    "ContentBlock",
    "Function",
    "Promise",
    "Record",
];

/// The aliases and the type of a layout.
pub(super) struct Printed {
    pub aliases: String,
    pub text: String,
    pub is_cut: bool,
}

pub(super) fn print(layout: &Layout<'_, '_>, alias_prefix: &str) -> Printed {
    let names = alias_names(&layout.places, alias_prefix);
    let mut printer = Printer {
        names: &names,
        texts: vec![String::new(); layout.places.len()],
        is_cut: false,
    };
    for (position, place) in layout.places.iter().enumerate().rev() {
        printer.texts[position] = match &place.body {
            Some(body) => printer.body(body),
            None => {
                printer.is_cut = true;
                CUT.to_owned()
            }
        };
    }
    let aliases = names.iter().enumerate().filter_map(|(position, name)| {
        let name = name.as_ref()?;
        let comment = &layout.places[position].comment;
        Some(format!(
            "{comment}type {name} = {};\n",
            printer.texts[position]
        ))
    });
    Printed {
        aliases: aliases.collect(),
        text: printer.slot(&Slot::Place(0)),
        is_cut: printer.is_cut,
    }
}

/// A name for each place that is used twice or leads to itself.
fn alias_names(places: &[Place], prefix: &str) -> Vec<Option<String>> {
    let mut taken: HashSet<String> = TAKEN.iter().map(|name| (*name).to_owned()).collect();
    let names = places.iter().map(|place| {
        if place.uses < 2 && !place.is_recursive {
            return None;
        }
        let plain = match text::pascal_case(&place.name) {
            name if name.is_empty() => "Type".to_owned(),
            name => name,
        };
        let name = (1..)
            .map(|number| match number {
                1 => format!("{prefix}{plain}"),
                number => format!("{prefix}{plain}{number}"),
            })
            .find(|name| !taken.contains(name))?;
        taken.insert(name.clone());
        Some(name)
    });
    names.collect()
}

struct Printer<'a> {
    names: &'a [Option<String>],
    /// The text of each place; those that stand inside others are taken out of here.
    texts: Vec<String>,
    is_cut: bool,
}

impl Printer<'_> {
    fn slot(&mut self, slot: &Slot) -> String {
        match slot {
            Slot::Text(text) => text.clone(),
            Slot::Place(place) => match &self.names[*place] {
                Some(name) => name.clone(),
                None => std::mem::take(&mut self.texts[*place]),
            },
            Slot::Undecided(..) => {
                self.is_cut = true;
                CUT.to_owned()
            }
        }
    }

    fn body(&mut self, body: &Body) -> String {
        let mut seen = HashSet::new();
        let mut members = Vec::new();
        for member in &body.members {
            if let Some(text) = self.member(member)
                && seen.insert(text.clone())
            {
                members.push(text);
            }
        }
        if members.len() > 1 {
            members.retain(|text| text != "never");
        }
        let text = match members.as_slice() {
            [] => "never".to_owned(),
            [only] => only.clone(),
            several => {
                let parenthesized = several.iter().map(|member| {
                    if member.contains("} & ") {
                        format!("({member})")
                    } else {
                        member.clone()
                    }
                });
                parenthesized.collect::<Vec<_>>().join(" | ")
            }
        };
        match &body.cut {
            Some(cut) => {
                self.is_cut = true;
                format!("{text} /* cut: {cut} */")
            }
            None => text,
        }
    }

    /// The text of a member; `None` if no value is like that.
    fn member(&mut self, member: &Member) -> Option<String> {
        match member {
            Member::Text(text) => Some(text.clone()),
            Member::Named(slot) => Some(self.slot(slot)),
            Member::Array(slot) => Some(match self.slot(slot) {
                never if never == "never" => "[]".to_owned(),
                item => format!("Array<{item}>"),
            }),
            Member::Tuple { items, rest } => self.tuple(items, rest.as_ref()),
            Member::Object(object) => self.intersection(object),
        }
    }

    fn tuple(&mut self, items: &[(Slot, Presence)], rest: Option<&Slot>) -> Option<String> {
        let mut texts = Vec::new();
        for (slot, presence) in items {
            let item = self.slot(slot);
            match presence {
                Presence::Required if item == "never" => return None,
                Presence::Required => texts.push(item),
                Presence::Optional if item.contains(" | ") => texts.push(format!("({item})?")),
                Presence::Optional => texts.push(format!("{item}?")),
            }
        }
        if let Some(rest) = rest {
            let rest = self.slot(rest);
            if rest != "never" {
                texts.push(format!("...Array<{rest}>"));
            }
        }
        if texts.iter().any(|text| text.contains('\n')) {
            let lines = texts.iter().map(|text| format!("  {},\n", indented(text)));
            return Some(format!("[\n{}]", lines.collect::<String>()));
        }
        Some(format!("[{}]", texts.join(", ")))
    }

    fn intersection(&mut self, object: &ObjectBody) -> Option<String> {
        let mut text = match self.object(object)? {
            any if any == ANY_OBJECT && !object.also.is_empty() => String::new(),
            text => text,
        };
        for factor in &object.also {
            let alternatives: Vec<_> = factor
                .iter()
                .filter_map(|alternative| self.object(alternative))
                .collect();
            if alternatives.is_empty() {
                return None;
            }
            let union = alternatives.join(" | ");
            let is_alone = text.is_empty() && object.also.len() == 1;
            if !text.is_empty() {
                text.push_str(" & ");
            }
            if alternatives.len() > 1 && !is_alone {
                text.push_str(&format!("({union})"));
            } else {
                text.push_str(&union);
            }
        }
        Some(text)
    }

    fn object(&mut self, object: &ObjectBody) -> Option<String> {
        let mut members = Vec::new();
        let mut has_comment = object.cut > 0;
        for line in &object.lines {
            let (comment, text) = self.line(line)?;
            has_comment |= !comment.is_empty();
            members.push(comment + &text);
        }
        let signatures: Vec<_> = object
            .indexes
            .iter()
            .map(|index| (index, self.slot(&index.slot)))
            .collect();
        // A type that is cut at one place may stand whole at another, and then does not fit there.
        let is_cut = |text: &str| text.contains(CUT_MARK);
        let has_cut = members.iter().any(|text| is_cut(text))
            || signatures.iter().any(|(_, accepts)| is_cut(accepts));
        for (index, accepts) in signatures {
            let (key, or) = (&index.key, index.or);
            members.push(if has_cut {
                format!("[key: {key}]: unknown")
            } else {
                format!("[key: {key}]: {accepts}{or}")
            });
        }
        if members.is_empty() && object.cut == 0 {
            // Only hidden properties, and no others.
            return Some("{ [key: string]: never }".to_owned());
        }
        let one_line = format!("{{ {} }}", members.join("; "));
        if !has_comment && one_line.len() <= MAX_LINE && !one_line.contains('\n') {
            return Some(one_line);
        }
        let mut text = String::from("{\n");
        for member in &members {
            text.push_str("  ");
            text.push_str(&indented(member));
            text.push_str(";\n");
        }
        if object.cut > 0 {
            self.is_cut = true;
            text.push_str(&format!("  /* cut: {} more properties */\n", object.cut));
        }
        text.push('}');
        Some(text)
    }

    /// The comment of a line, and the line; `None` if no value has it.
    fn line(&mut self, line: &Line) -> Option<(String, String)> {
        let comment = match &line.slot {
            Slot::Place(place) if self.names[*place].is_some() => &line.own_comment,
            _ => &line.comment,
        };
        let accepts = self.slot(&line.slot);
        let mark = match line.presence {
            Presence::Required if accepts == "never" => return None,
            Presence::Required => "",
            Presence::Optional => "?",
        };
        let Line { name, or, .. } = line;
        Some((comment.clone(), format!("{name}{mark}: {accepts}{or}")))
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}
