//! What a place in a type accepts, before it is worked out: a union of intersections of schemas.
//!
//! It stays symbolic so that types are made only as deep as they are printed, and so that two places
//! which mean the same are seen to be the same.

use super::document::SchemaId;

/// A product of alternatives beyond this is widened to one of its factors.
const MAX_ALTERNATIVES: usize = 16;

/// A schema, or everything but a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Atom {
    pub schema: SchemaId,
    pub is_negated: bool,
}

/// Values that all of these accept; in order, each once. Of none: every value.
pub(super) type Conjunction = Vec<Atom>;

/// Values that one of these accepts; each once. Of none: no value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Union {
    alternatives: Vec<Conjunction>,
    /// It accepts more than was asked for, so its opposite says nothing.
    is_widened: bool,
}

impl Union {
    pub(super) fn unknown() -> Self {
        Self {
            alternatives: vec![Vec::new()],
            is_widened: false,
        }
    }

    pub(super) fn never() -> Self {
        Self {
            alternatives: Vec::new(),
            is_widened: false,
        }
    }

    pub(super) fn of(schema: SchemaId) -> Self {
        let atom = Atom {
            schema,
            is_negated: false,
        };
        Self {
            alternatives: vec![vec![atom]],
            is_widened: false,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.alternatives.first().is_some_and(Vec::is_empty)
    }

    pub(super) fn is_never(&self) -> bool {
        self.alternatives.is_empty()
    }

    pub(super) fn alternatives(&self) -> &[Conjunction] {
        &self.alternatives
    }

    /// The schema this is, if it is nothing but one schema.
    pub(super) fn single(&self) -> Option<SchemaId> {
        match self.alternatives.as_slice() {
            [conjunction] => match conjunction.as_slice() {
                [atom] if !atom.is_negated => Some(atom.schema),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn or(mut self, other: &Self) -> Self {
        if self.is_unknown() && !self.is_widened {
            return self;
        }
        if other.is_unknown() {
            return other.clone();
        }
        self.is_widened |= other.is_widened;
        for conjunction in &other.alternatives {
            if !self.alternatives.contains(conjunction) {
                self.alternatives.push(conjunction.clone());
            }
        }
        self
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        if other.is_unknown() && !other.is_widened || self == other {
            return self.clone();
        }
        if self.is_unknown() && !self.is_widened {
            return other.clone();
        }
        if self.alternatives.len() * other.alternatives.len() > MAX_ALTERNATIVES {
            return Self {
                is_widened: true,
                ..self.clone()
            };
        }
        let mut product = Self::never();
        product.is_widened = self.is_widened || other.is_widened;
        for left in &self.alternatives {
            for right in &other.alternatives {
                if let Some(both) = merged(left, right)
                    && !product.alternatives.contains(&both)
                {
                    product.alternatives.push(both);
                }
            }
        }
        product
    }

    /// Everything but this; more than that where it cannot be said.
    pub(super) fn opposite(&self) -> Self {
        let widened = Self {
            is_widened: true,
            ..Self::unknown()
        };
        if self.is_widened {
            return widened;
        }
        let mut opposite = Self::unknown();
        for conjunction in &self.alternatives {
            let mut one_fails = Self::never();
            for atom in conjunction {
                one_fails.alternatives.push(vec![Atom {
                    is_negated: !atom.is_negated,
                    ..*atom
                }]);
            }
            opposite = opposite.and(&one_fails);
            if opposite.is_widened {
                return widened;
            }
        }
        opposite
    }
}

/// Both conjunctions at once, unless they contradict each other.
fn merged(left: &[Atom], right: &[Atom]) -> Option<Conjunction> {
    let mut both: Conjunction = left.iter().chain(right).copied().collect();
    both.sort_unstable();
    both.dedup();
    let contradicts = both.windows(2).any(|pair| pair[0].schema == pair[1].schema);
    (!contradicts).then_some(both)
}
