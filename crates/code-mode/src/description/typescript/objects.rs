//! Objects by property: which have a name and a type of their own, and what the others are.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::document::SchemaId;
use super::name_pattern::NamePattern;
use super::union::Union;

/// Opposites of more conditions than this are not spelled out.
const MAX_OPPOSITE_CONDITIONS: usize = 8;

/// The place of properties that no schema gives one.
const LAST: (u32, u32) = (u32::MAX, 0);

/// One way an object may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObjectShape {
    pub properties: BTreeMap<Rc<str>, Property>,
    pub patterns: Vec<PatternProperties>,
    /// The properties that are neither named nor fit a pattern.
    pub additional: Union,
    /// The schema says in so many words that there may be others.
    pub is_declared_open: bool,
    pub evaluated: EvaluatedProperties,
    /// It is also like one of each of these, which stay apart to be readable.
    pub also: Vec<Rc<Vec<ObjectShape>>>,
}

/// One property with a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Property {
    pub accepts: Union,
    pub is_required: bool,
    /// A keyword has looked at it, for `unevaluatedProperties`.
    pub is_evaluated: bool,
    /// It belongs to the other direction (`readOnly`, `writeOnly`) and is not shown.
    pub is_hidden: bool,
    /// Its place: that of its schema, and within that.
    pub order: (u32, u32),
    /// The schemas that describe it.
    pub described_by: Vec<SchemaId>,
}

/// The properties whose names fit a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PatternProperties {
    pub pattern: NamePattern,
    pub source: Rc<str>,
    pub accepts: Union,
}

/// Which properties keywords have looked at besides the named ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct EvaluatedProperties {
    /// All of them, surely or perhaps.
    pub all: bool,
    /// These, if another branch of `anyOf` holds too.
    pub perhaps: Vec<(Rc<str>, Union)>,
}

impl ObjectShape {
    pub(super) fn any() -> Self {
        Self {
            properties: BTreeMap::new(),
            patterns: Vec::new(),
            additional: Union::unknown(),
            is_declared_open: false,
            evaluated: EvaluatedProperties::default(),
            also: Vec::new(),
        }
    }

    /// Objects with a property that nothing is known of but whether it must be there.
    pub(super) fn with_property(name: &str, is_required: bool, accepts: Union) -> Self {
        let mut shape = Self::any();
        shape.properties.insert(
            Rc::from(name),
            Property {
                accepts,
                is_required,
                is_evaluated: false,
                is_hidden: false,
                order: LAST,
                described_by: Vec::new(),
            },
        );
        shape
    }

    pub(super) fn is_any(&self) -> bool {
        self.properties.is_empty()
            && self.patterns.is_empty()
            && self.additional.is_unknown()
            && self.also.is_empty()
    }

    pub(super) fn is_closed(&self) -> bool {
        !self.additional.is_unknown() || !self.patterns.is_empty()
    }

    /// How much there is to copy or to print.
    pub(super) fn weight(&self) -> usize {
        1 + self.properties.len() + self.patterns.len()
    }

    /// What a property may be that has no type of its own here.
    pub(super) fn unnamed(&self, name: &str) -> Union {
        let mut fitting: Option<Union> = None;
        let mut perhaps = self.additional.clone();
        for entry in &self.patterns {
            match entry.pattern.matches(name) {
                Some(true) => {
                    fitting = Some(match fitting {
                        Some(others) => others.and(&entry.accepts),
                        None => entry.accepts.clone(),
                    });
                }
                Some(false) => {}
                None => perhaps = perhaps.or(&entry.accepts),
            }
        }
        fitting.unwrap_or(perhaps)
    }

    /// What any property without a name of its own may be.
    fn anywhere_unnamed(&self) -> Union {
        self.patterns
            .iter()
            .fold(self.additional.clone(), |all, entry| all.or(&entry.accepts))
    }

    /// Objects that are like both; `None` if a required property cannot be.
    pub(super) fn and(
        mut self,
        mut other: Self,
        contradicts: &dyn Fn(&Union) -> bool,
    ) -> Option<Self> {
        let is_impossible =
            |property: &Property| property.is_required && contradicts(&property.accepts);
        if other.weight() > self.weight() {
            std::mem::swap(&mut self, &mut other);
        }
        if other.is_closed() {
            for (name, property) in &mut self.properties {
                if !other.properties.contains_key(name) {
                    property.accepts = property.accepts.and(&other.unnamed(name));
                    if is_impossible(property) {
                        return None;
                    }
                }
            }
        }
        for (name, mut property) in std::mem::take(&mut other.properties) {
            match self.properties.get_mut(&name) {
                Some(own) => {
                    own.add(property);
                    if is_impossible(own) {
                        return None;
                    }
                }
                None => {
                    property.accepts = property.accepts.and(&self.unnamed(&name));
                    if is_impossible(&property) {
                        return None;
                    }
                    self.properties.insert(name, property);
                }
            }
        }
        self.merge_patterns(&other);
        self.additional = self.additional.and(&other.additional);
        self.is_declared_open |= other.is_declared_open;
        self.evaluated.all |= other.evaluated.all;
        self.evaluated.perhaps.append(&mut other.evaluated.perhaps);
        self.also.append(&mut other.also);
        Some(self)
    }

    fn merge_patterns(&mut self, other: &Self) {
        let (from_self, from_other) = (self.anywhere_unnamed(), other.anywhere_unnamed());
        let mut theirs = other.patterns.clone();
        for entry in &mut self.patterns {
            match theirs.iter().position(|their| their.source == entry.source) {
                Some(same) => {
                    entry.accepts = entry.accepts.and(&theirs.swap_remove(same).accepts);
                }
                None => entry.accepts = entry.accepts.and(&from_other),
            }
        }
        for mut entry in theirs {
            entry.accepts = entry.accepts.and(&from_self);
            self.patterns.push(entry);
        }
    }

    pub(super) fn is_possible(&self) -> bool {
        !self
            .properties
            .values()
            .any(|property| property.is_required && property.accepts.is_never())
    }

    /// Objects that are not like this, and whether that is all that can be said of them.
    pub(super) fn opposite(&self) -> (Vec<Self>, bool) {
        let said = self.properties.len();
        if self.is_closed() || !self.also.is_empty() || said > MAX_OPPOSITE_CONDITIONS {
            return (vec![Self::any()], false);
        }
        let opposites = self.properties.iter().filter_map(|(name, property)| {
            match (property.is_required, property.accepts.is_unknown()) {
                (false, true) => None,
                (is_required, _) => Some(Self::with_property(
                    name,
                    !is_required,
                    property.accepts.opposite(),
                )),
            }
        });
        (opposites.filter(Self::is_possible).collect(), true)
    }

    /// Says what the properties are that nothing has looked at.
    pub(super) fn with_unevaluated(mut self, unevaluated: &Union) -> Option<Self> {
        if self.evaluated.all {
            return Some(self);
        }
        let patterns = std::mem::take(&mut self.patterns);
        for (name, property) in &mut self.properties {
            let fits = patterns
                .iter()
                .any(|entry| entry.pattern.matches(name) != Some(false));
            let perhaps = self.evaluated.perhaps.iter();
            let is_perhaps_evaluated = perhaps.clone().any(|(other, _)| other == name);
            if !property.is_evaluated && !fits && !is_perhaps_evaluated {
                property.accepts = property.accepts.and(unevaluated);
            }
        }
        for (name, accepts) in std::mem::take(&mut self.evaluated.perhaps) {
            let open = accepts.or(unevaluated);
            let allowed = self.additional.and(&open);
            self.properties.entry(name).or_insert(Property {
                accepts: allowed,
                is_required: false,
                is_evaluated: true,
                is_hidden: false,
                order: LAST,
                described_by: Vec::new(),
            });
        }
        self.patterns = patterns;
        self.additional = self.additional.and(unevaluated);
        self.evaluated.all = true;
        self.is_possible().then_some(self)
    }
}

impl Property {
    fn add(&mut self, other: Self) {
        self.accepts = self.accepts.and(&other.accepts);
        self.is_required |= other.is_required;
        self.is_evaluated |= other.is_evaluated;
        self.is_hidden |= other.is_hidden;
        self.order = self.order.min(other.order);
        for schema in other.described_by {
            if !self.described_by.contains(&schema) {
                self.described_by.push(schema);
            }
        }
    }
}
