//! Sets of strings, or of numbers by their JavaScript text: some, or all but some.

use std::collections::HashSet;
use std::rc::Rc;

/// A set of literals that remembers the order they came in.
#[derive(Debug, Clone, Default)]
pub(super) struct Literals {
    /// All literals are in it but the listed ones.
    is_inverted: bool,
    listed: Vec<Rc<str>>,
    members: HashSet<Rc<str>>,
}

impl Literals {
    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn all() -> Self {
        Self {
            is_inverted: true,
            ..Self::default()
        }
    }

    pub(super) fn of(literals: impl IntoIterator<Item = String>) -> Self {
        let mut set = Self::none();
        for literal in literals {
            set.list(Rc::from(literal));
        }
        set
    }

    fn list(&mut self, literal: Rc<str>) {
        if self.members.insert(Rc::clone(&literal)) {
            self.listed.push(literal);
        }
    }

    fn keep(&mut self, is_kept: impl Fn(&Rc<str>) -> bool) {
        self.listed.retain(is_kept);
        self.members = self.listed.iter().cloned().collect();
    }

    pub(super) fn is_none(&self) -> bool {
        !self.is_inverted && self.listed.is_empty()
    }

    pub(super) fn is_all(&self) -> bool {
        self.is_inverted && self.listed.is_empty()
    }

    /// The members, unless almost everything is one.
    pub(super) fn listed(&self) -> Option<&[Rc<str>]> {
        (!self.is_inverted).then_some(&self.listed)
    }

    pub(super) fn inverted(mut self) -> Self {
        self.is_inverted = !self.is_inverted;
        self
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self.is_inverted, other.is_inverted) {
            (false, _) => {
                let mut set = self;
                if !other.is_all() {
                    set.keep(|literal| other.members.contains(literal) != other.is_inverted);
                }
                set
            }
            (true, false) => other.and(self),
            (true, true) => self.with_listed(other),
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        match (self.is_inverted, other.is_inverted) {
            (false, false) => self.with_listed(other),
            (true, _) => {
                let mut set = self;
                set.keep(|literal| other.members.contains(literal) == other.is_inverted);
                set
            }
            (false, true) => other.or(self),
        }
    }

    fn with_listed(mut self, other: Self) -> Self {
        for literal in other.listed {
            self.list(literal);
        }
        self
    }
}
