//! Decides what is printed: works a type out level by level, until the bytes are used up.
//!
//! Levels go breadth first, so what is cut is what lies deepest. A place that is cut says `unknown`.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use serde_json::Value;

use super::OpenObjects;
use super::arrays::ArrayShape;
use super::documentation::{self, Detail};
use super::evaluation::Evaluation;
use super::objects::{ObjectShape, Property};
use super::print::CUT;
use super::text;
use super::union::Union;
use super::values::Values;

/// Tuples are spelled out for counts of items up to this.
const MAX_COUNTED_ITEMS: u64 = 4;
/// A type that is repeated in a tuple is no longer than this.
const MAX_REPEATED: usize = 24;
/// A type without inner types that is no longer than this is never an alias.
const MAX_INLINE: usize = 24;
/// Literals of a type that is printed where it stands.
const MAX_LEAF_LITERALS: usize = 50;
/// An index signature unites no more types than this.
const MAX_INDEXED: usize = 12;
/// TypeScript multiplies intersections of unions out; more combinations are not given to it.
const MAX_COMBINATIONS: usize = 500;
/// What `Object.prototype` gives every object: these are functions where JSON has no such property.
const INHERITED: &[&str] = &[
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// What layout needs to know of the options.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub open_objects: OpenObjects,
    pub detail: Detail,
    pub max_bytes: usize,
}

/// A type to print: places, the first of which is the type itself.
pub(super) struct Layout<'e, 'a> {
    evaluation: &'e mut Evaluation<'a>,
    rules: Rules,
    pub places: Vec<Place>,
    /// Places that are the same wherever they are: what references mean.
    shared: HashMap<Union, usize>,
    waiting: VecDeque<usize>,
    used_bytes: usize,
}

/// One place in the type that has inner places of its own.
pub(super) struct Place {
    accepts: Union,
    parent: Option<usize>,
    indent: usize,
    /// What stands here; `None` if it was cut.
    pub body: Option<Body>,
    /// How many places lead here.
    pub uses: usize,
    /// It can be reached from itself, so it needs a name.
    pub is_recursive: bool,
    /// What a name of it may be made of.
    pub name: String,
    /// The comment for its alias.
    pub comment: String,
}

/// A union; of none: `never`.
#[derive(Default)]
pub(super) struct Body {
    pub members: Vec<Member>,
    /// Something was left out; the comment says what.
    pub cut: Option<String>,
}

pub(super) enum Member {
    Text(String),
    Named(Slot),
    Array(Slot),
    Tuple {
        items: Vec<(Slot, Presence)>,
        rest: Option<Slot>,
    },
    Object(ObjectBody),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

#[derive(Default)]
pub(super) struct ObjectBody {
    pub lines: Vec<Line>,
    pub indexes: Vec<Index>,
    /// How many properties were cut.
    pub cut: usize,
    /// Intersected with one of each.
    pub also: Vec<Vec<ObjectBody>>,
}

pub(super) struct Line {
    /// What its own schema says of it, if the type is an alias that has a comment of its own.
    pub own_comment: String,
    /// What its own schema and the one that it refers to say.
    pub comment: String,
    pub name: String,
    pub presence: Presence,
    pub slot: Slot,
    /// What the type is united with besides.
    pub or: &'static str,
}

pub(super) struct Index {
    pub key: String,
    pub slot: Slot,
    pub or: &'static str,
}

/// The type at an inner place.
pub(super) enum Slot {
    Text(String),
    Undecided(Union, String),
    Place(usize),
}

impl<'e, 'a> Layout<'e, 'a> {
    pub(super) fn of(root: Union, evaluation: &'e mut Evaluation<'a>, rules: Rules) -> Self {
        let mut layout = Self {
            evaluation,
            rules,
            places: Vec::new(),
            shared: HashMap::new(),
            waiting: VecDeque::new(),
            used_bytes: 0,
        };
        layout.used_bytes += CUT.len();
        layout.decided(Slot::Undecided(root, "Root".to_owned()), None, 0);
        layout.fill();
        layout
    }

    fn fill(&mut self) {
        let mut cut = VecDeque::new();
        loop {
            while let Some(place) = self.waiting.pop_front() {
                if !self.expand(place, Extent::Whole) {
                    cut.push_back(place);
                }
            }
            match cut.pop_front() {
                Some(place) => self.expand(place, Extent::Part),
                None => return,
            };
        }
    }

    /// Works a place out, if the result has room.
    fn expand(&mut self, place: usize, extent: Extent) -> bool {
        let accepts = self.places[place].accepts.clone();
        let indent = self.places[place].indent;
        let values = self.evaluation.values(&accepts);
        let room = (self.rules.max_bytes + CUT.len()).saturating_sub(self.used_bytes);
        let Some((body, bytes)) = self.body(&values, Room { indent, left: room }, extent) else {
            return false;
        };
        self.used_bytes = self.used_bytes + bytes - CUT.len().min(bytes);
        let members = body
            .members
            .into_iter()
            .map(|member| self.decided_member(member, place, indent))
            .collect();
        self.places[place].body = Some(Body {
            members,
            cut: body.cut,
        });
        true
    }

    fn decided_member(&mut self, member: Member, place: usize, indent: usize) -> Member {
        let mut decided = |slot| self.decided(slot, Some(place), indent);
        match member {
            Member::Text(text) => Member::Text(text),
            Member::Named(slot) => Member::Named(decided(slot)),
            Member::Array(slot) => Member::Array(decided(slot)),
            Member::Tuple { items, rest } => Member::Tuple {
                items: items
                    .into_iter()
                    .map(|(slot, presence)| (decided(slot), presence))
                    .collect(),
                rest: rest.map(decided),
            },
            Member::Object(object) => Member::Object(self.decided_object(object, place, indent)),
        }
    }

    fn decided_object(&mut self, object: ObjectBody, place: usize, indent: usize) -> ObjectBody {
        let decide_line = |layout: &mut Self, line: Line| Line {
            slot: layout.decided(line.slot, Some(place), indent + 2),
            ..line
        };
        let decide_index = |layout: &mut Self, index: Index| Index {
            slot: layout.decided(index.slot, Some(place), indent + 2),
            ..index
        };
        let lines = object.lines.into_iter();
        let lines = lines.map(|line| decide_line(self, line)).collect();
        let indexes = object.indexes.into_iter();
        let indexes = indexes.map(|index| decide_index(self, index)).collect();
        // What an object is also like has no such part of its own.
        let also = object.also.into_iter().map(|factor| {
            let shapes = factor.into_iter().map(|shape| ObjectBody {
                lines: shape
                    .lines
                    .into_iter()
                    .map(|line| decide_line(self, line))
                    .collect(),
                indexes: shape
                    .indexes
                    .into_iter()
                    .map(|index| decide_index(self, index))
                    .collect(),
                ..ObjectBody::default()
            });
            shapes.collect()
        });
        ObjectBody {
            lines,
            indexes,
            cut: object.cut,
            also: also.collect(),
        }
    }

    /// Gives an inner type its place: one that is there already, or a new one.
    fn decided(&mut self, slot: Slot, parent: Option<usize>, indent: usize) -> Slot {
        let Slot::Undecided(accepts, name) = slot else {
            return slot;
        };
        if let Some(&place) = self.shared.get(&accepts) {
            self.places[place].uses += 1;
            self.places[place].is_recursive |= self.is_inside(parent, place);
            return Slot::Place(place);
        }
        if let Some(place) = self.ancestor(parent, &accepts) {
            self.places[place].uses += 1;
            self.places[place].is_recursive = true;
            return Slot::Place(place);
        }
        let document = self.evaluation.keywords.document;
        let reference = accepts
            .single()
            .and_then(|schema| document.referenced_as(schema));
        let place = self.places.len();
        if reference.is_some() || place == 0 {
            self.shared.insert(accepts.clone(), place);
        }
        let name = reference.filter(|name| !name.is_empty()).unwrap_or(name);
        let described_by = accepts.single();
        let comment = described_by.filter(|schema| !document.is_literal(*schema));
        let comment = comment.map_or_else(String::new, |schema| {
            documentation::comment(&name, &[document.value(schema)], self.rules.detail)
        });
        self.places.push(Place {
            accepts,
            parent,
            indent,
            body: None,
            uses: 1,
            is_recursive: false,
            name,
            comment,
        });
        self.waiting.push_back(place);
        Slot::Place(place)
    }

    fn is_inside(&self, inner: Option<usize>, outer: usize) -> bool {
        let mut place = inner;
        while let Some(current) = place {
            if current == outer {
                return true;
            }
            place = self.places[current].parent;
        }
        false
    }

    fn ancestor(&self, parent: Option<usize>, accepts: &Union) -> Option<usize> {
        let mut place = parent;
        while let Some(current) = place {
            if self.places[current].accepts == *accepts {
                return Some(current);
            }
            place = self.places[current].parent;
        }
        None
    }

    /// The union at a place and its length, unless it has no room.
    fn body(&mut self, values: &Values, mut room: Room, extent: Extent) -> Option<(Body, usize)> {
        let before = room.left;
        let mut body = Body::default();
        if values.is_cut {
            body.cut = Some("too large".to_owned());
            room.take(CUT.len());
        }
        if values.is_all() {
            body.members.push(Member::Text("unknown".to_owned()));
            return Some((body, CUT.len()));
        }
        for (kind, listed) in [("string", &values.strings), ("number", &values.numbers)] {
            let is_quoted = kind == "string";
            let Some(literals) = listed.listed() else {
                body.members.push(Member::Text(kind.to_owned()));
                room.take(kind.len() + 3);
                continue;
            };
            let bytes: usize = literals.iter().map(|literal| literal.len() + 5).sum();
            if extent == Extent::Part && bytes > room.left / 2 {
                body.members.push(Member::Text(kind.to_owned()));
                body.cut = Some(format!("one of {} literals", literals.len()));
                room.take(60);
                continue;
            }
            room.has(bytes)?;
            for literal in literals {
                let text = literal_text(literal, is_quoted);
                room.take(text.len() + 3);
                body.members.push(Member::Text(text));
            }
        }
        for (is_in, text) in [
            (values.yes && values.no, "boolean"),
            (values.yes && !values.no, "true"),
            (values.no && !values.yes, "false"),
        ] {
            if is_in {
                body.members.push(Member::Text(text.to_owned()));
                room.take(text.len() + 3);
            }
        }
        self.push_arrays(&values.arrays, &mut body, &mut room, extent)?;
        self.push_objects(&values.objects, &mut body, &mut room, extent)?;
        for (accepts, _) in &values.named {
            let slot = self.slot(accepts, String::new());
            room.take(self.slot_length(&slot) + 3);
            body.members.push(Member::Named(slot));
            room.has(0)?;
        }
        if values.null {
            body.members.push(Member::Text("null".to_owned()));
            room.take(7);
        }
        room.has(0)?;
        Some((body, before - room.left))
    }

    fn push_arrays(
        &mut self,
        shapes: &[ArrayShape],
        body: &mut Body,
        room: &mut Room,
        extent: Extent,
    ) -> Option<()> {
        if shapes.iter().any(ArrayShape::is_any) {
            body.members.push(Member::Text("Array<unknown>".to_owned()));
            room.take(17);
            return Some(());
        }
        for shape in shapes {
            let member = self.array(shape, room, extent)?;
            body.members.push(member);
        }
        Some(())
    }

    fn array(&mut self, shape: &ArrayShape, room: &mut Room, extent: Extent) -> Option<Member> {
        let element = |layout: &mut Self, accepts: &Union| layout.slot(accepts, "Item".to_owned());
        let rest = element(self, &shape.rest);
        let is_short =
            matches!(&rest, Slot::Text(text) if text.len() <= MAX_REPEATED && text != "never");
        let prefix = shape.prefix.len() as u64;
        let until = |count: u64| prefix + if is_short { count } else { 0 };
        let required = if shape.min <= until(MAX_COUNTED_ITEMS) {
            shape.min
        } else {
            until(1)
        };
        let fits = |max: u64| max <= until(MAX_COUNTED_ITEMS);
        let end = shape.max.filter(|max| fits(*max));
        let count = end.unwrap_or_else(|| prefix.max(required));
        if count == 0 && end.is_none() {
            room.take(10 + self.slot_length(&rest));
            return Some(Member::Array(rest));
        }
        let mut items = Vec::new();
        room.take(5);
        for position in 0..usize::try_from(count).ok()? {
            let slot = match shape.prefix.get(position) {
                Some(accepts) => element(self, accepts),
                None => element(self, &shape.rest),
            };
            let length = self.slot_length(&slot) + 3;
            if extent == Extent::Part && room.left < length + 60 {
                let rest = Some(Slot::Text(CUT.to_owned()));
                return Some(Member::Tuple { items, rest });
            }
            room.take(length);
            room.has(0)?;
            let presence = if (position as u64) < required {
                Presence::Required
            } else {
                Presence::Optional
            };
            items.push((slot, presence));
        }
        let rest = end.is_none().then_some(rest);
        if let Some(rest) = &rest {
            room.take(self.slot_length(rest) + 12);
        }
        Some(Member::Tuple { items, rest })
    }

    fn push_objects(
        &mut self,
        shapes: &[ObjectShape],
        body: &mut Body,
        room: &mut Room,
        extent: Extent,
    ) -> Option<()> {
        if shapes.iter().any(ObjectShape::is_any) {
            body.members.push(Member::Text(ANY_OBJECT.to_owned()));
            room.take(ANY_OBJECT.len() + 3);
            return Some(());
        }
        let extent = if shapes.len() == 1 {
            extent
        } else {
            Extent::Whole
        };
        for shape in shapes {
            let mut object = self.object(shape, room, extent)?;
            let mut combinations = 1;
            for factor in &shape.also {
                combinations *= factor.len();
                if combinations > MAX_COMBINATIONS || object.cut > 0 {
                    break;
                }
                let mut bodies = Vec::new();
                for other in factor.iter() {
                    bodies.push(self.object(other, room, Extent::Whole)?);
                }
                object.also.push(bodies);
            }
            body.members.push(Member::Object(object));
        }
        Some(())
    }

    fn object(
        &mut self,
        shape: &ObjectShape,
        room: &mut Room,
        extent: Extent,
    ) -> Option<ObjectBody> {
        let mut object = ObjectBody::default();
        room.take(6 + room.indent);
        object.indexes = self.indexes(shape);
        for index in &object.indexes {
            room.take(room.indent + 2 + index.key.len() + self.slot_length(&index.slot) + 24);
        }
        let mut properties: Vec<_> = shape.properties.iter().collect();
        properties.sort_by_key(|(_, property)| property.order);
        let shown: Vec<_> = properties
            .into_iter()
            .filter(|(_, property)| !property.is_hidden)
            .collect();
        for (position, (name, property)) in shown.iter().enumerate() {
            let line = self.line(name, property);
            let length = self.line_length(&line, room.indent);
            if extent == Extent::Part && room.left < length + 160 {
                object.cut = shown.len() - position;
                object.indexes = vec![Index {
                    key: "string".to_owned(),
                    slot: Slot::Text("unknown".to_owned()),
                    or: "",
                }];
                room.take(80 + room.indent);
                break;
            }
            room.take(length);
            room.has(0)?;
            object.lines.push(line);
        }
        room.has(0)?;
        Some(object)
    }

    fn line(&mut self, name: &str, property: &Property) -> Line {
        let document = self.evaluation.keywords.document;
        let slot = self.slot(&property.accepts, name.to_owned());
        let described_by: Vec<&Value> = property
            .described_by
            .iter()
            .map(|schema| document.value(*schema))
            .collect();
        let presence = if property.is_required {
            Presence::Required
        } else {
            Presence::Optional
        };
        let is_function = presence == Presence::Optional && is_inherited(name);
        let own = described_by.get(..1).unwrap_or_default();
        Line {
            own_comment: documentation::comment(name, own, self.rules.detail),
            comment: documentation::comment(name, &described_by, self.rules.detail),
            name: text::property_name(name),
            presence,
            slot,
            or: if is_function { " | Function" } else { "" },
        }
    }

    fn line_length(&self, line: &Line, indent: usize) -> usize {
        let comment_lines = line.comment.matches('\n').count();
        let comment = line.comment.len() + comment_lines * (indent + 2);
        indent + 6 + comment + line.name.len() + self.slot_length(&line.slot) + line.or.len()
    }

    /// Index signatures, each wide enough for the named properties that fall under it.
    fn indexes(&mut self, shape: &ObjectShape) -> Vec<Index> {
        let mut indexes = Vec::new();
        let mut elsewhere = shape.additional.clone();
        let mut everywhere = shape.additional.clone();
        for entry in &shape.patterns {
            everywhere = everywhere.or(&entry.accepts);
            if entry.pattern.key_type().is_none() {
                elsewhere = elsewhere.or(&entry.accepts);
            }
        }
        let is_open = elsewhere.is_unknown();
        for entry in &shape.patterns {
            if let Some(key) = entry.pattern.key_type()
                && !(is_open && entry.accepts.is_unknown())
            {
                let within = shape.patterns.iter();
                let within = within.filter(|other| other.pattern.is_within(&entry.pattern));
                let accepts =
                    within.fold(entry.accepts.clone(), |all, other| all.or(&other.accepts));
                indexes.push(self.index(key, accepts, shape, |name| {
                    entry.pattern.matches(name) != Some(false)
                }));
            }
        }
        let shows_open = shape.is_declared_open || self.rules.open_objects == OpenObjects::Explicit;
        let has_lines = shape
            .properties
            .values()
            .any(|property| !property.is_hidden);
        let needs_string = if is_open {
            shows_open || (!has_lines && indexes.is_empty())
        } else {
            !elsewhere.is_never()
        };
        if needs_string {
            indexes.retain(|index| index.key != "string");
            indexes.push(self.index("string".to_owned(), everywhere, shape, |_| true));
        } else if !has_lines && indexes.is_empty() {
            indexes.push(Index {
                key: "string".to_owned(),
                slot: Slot::Text("never".to_owned()),
                or: "",
            });
        }
        indexes
    }

    fn index(
        &mut self,
        key: String,
        accepts: Union,
        shape: &ObjectShape,
        falls_under: impl Fn(&str) -> bool,
    ) -> Index {
        let named = || {
            shape
                .properties
                .iter()
                .filter(|(name, _)| falls_under(name))
                .map(|(_, property)| property)
        };
        let mut accepts = accepts;
        for property in named() {
            accepts = accepts.or(&property.accepts);
            if accepts.alternatives().len() > MAX_INDEXED {
                accepts = Union::unknown();
            }
        }
        let mut under = shape
            .properties
            .iter()
            .filter(|(name, _)| falls_under(name));
        let has_function =
            under.any(|(name, property)| is_inherited(name) && !property.is_required);
        let has_optional = named().any(|property| !property.is_required);
        let slot = self.slot(&accepts, "Value".to_owned());
        let is_unknown = matches!(&slot, Slot::Text(text) if text == "unknown");
        Index {
            key,
            slot,
            or: match (has_optional && !is_unknown, has_function) {
                (false, _) => "",
                (true, false) => " | undefined",
                (true, true) => " | Function | undefined",
            },
        }
    }

    /// An inner type: its text if it has no inner types itself, else a place to be decided on.
    fn slot(&mut self, accepts: &Union, name: String) -> Slot {
        match self.leaf(accepts) {
            Some(text) => Slot::Text(text),
            None => Slot::Undecided(accepts.clone(), name),
        }
    }

    fn leaf(&mut self, accepts: &Union) -> Option<String> {
        if accepts.is_unknown() {
            return Some("unknown".to_owned());
        }
        let values = self.evaluation.values(accepts);
        if values.is_cut {
            return None;
        }
        if values.is_all() {
            return Some("unknown".to_owned());
        }
        let is_flat = values.named.is_empty()
            && values.arrays.iter().all(ArrayShape::is_any)
            && values.objects.iter().all(ObjectShape::is_any);
        let count = |literals: Option<&[Rc<str>]>| literals.map_or(1, <[_]>::len);
        let literals = count(values.strings.listed()) + count(values.numbers.listed());
        if !is_flat || literals > MAX_LEAF_LITERALS {
            return None;
        }
        let room = Room {
            indent: 0,
            left: self.rules.max_bytes,
        };
        let (body, _) = self.body(&values, room, Extent::Whole)?;
        let texts: Vec<_> = body
            .members
            .into_iter()
            .filter_map(|member| match member {
                Member::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        if texts.is_empty() {
            return Some("never".to_owned());
        }
        let text = texts.join(" | ");
        let document = self.evaluation.keywords.document;
        let is_reference = accepts
            .single()
            .is_some_and(|schema| document.is_referenced(schema));
        (!is_reference || text.len() <= MAX_INLINE).then_some(text)
    }

    fn slot_length(&self, slot: &Slot) -> usize {
        match slot {
            Slot::Text(text) => text.len(),
            Slot::Undecided(..) | Slot::Place(_) => CUT.len(),
        }
    }
}

/// An object of which nothing is known.
pub(super) const ANY_OBJECT: &str = "{ [key: string]: unknown }";

/// Whether every object has a property of this name that JSON knows nothing of.
fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name)
}

fn literal_text(literal: &str, is_quoted: bool) -> String {
    if is_quoted {
        text::quoted(literal)
    } else {
        literal.to_owned()
    }
}

/// Whether a place is to be worked out as a whole, or as far as there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Part,
}

/// The bytes that are left.
#[derive(Clone, Copy)]
struct Room {
    indent: usize,
    left: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Whether more than this is left.
    fn has(&self, bytes: usize) -> Option<()> {
        (self.left > bytes).then_some(())
    }
}
