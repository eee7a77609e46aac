//! Arrays by position: what the first items are, what the others are, how many there are.

use super::union::Union;

/// Opposites with more items than this are not spelled out.
const MAX_OPPOSITE_ITEMS: usize = 8;

/// One way an array may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArrayShape {
    pub prefix: Vec<Union>,
    pub rest: Union,
    pub min: u64,
    pub max: Option<u64>,
    pub evaluated: EvaluatedItems,
}

/// Which items keywords have looked at, for `unevaluatedItems`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EvaluatedItems {
    /// That many from the start, surely.
    pub prefix: usize,
    /// That many from the start, perhaps.
    pub perhaps_prefix: usize,
    /// All of them, surely or perhaps.
    pub all: bool,
    /// Those that `contains` accepts.
    pub contained: Union,
}

impl ArrayShape {
    pub(super) fn any() -> Self {
        Self {
            prefix: Vec::new(),
            rest: Union::unknown(),
            min: 0,
            max: None,
            evaluated: EvaluatedItems {
                prefix: 0,
                perhaps_prefix: 0,
                all: false,
                contained: Union::never(),
            },
        }
    }

    pub(super) fn is_any(&self) -> bool {
        self.prefix.iter().all(Union::is_unknown)
            && self.rest.is_unknown()
            && self.min == 0
            && self.max.is_none()
    }

    /// How much there is to copy.
    pub(super) fn weight(&self) -> usize {
        1 + self.prefix.len()
    }

    /// What stands at a position, if an item does.
    pub(super) fn at(&self, position: usize) -> &Union {
        self.prefix.get(position).unwrap_or(&self.rest)
    }

    /// Cuts at the first item that cannot be; `None` if then no array is left.
    pub(super) fn settled(mut self) -> Option<Self> {
        let impossible = self.prefix.iter().position(Union::is_never);
        let end = impossible.or_else(|| self.rest.is_never().then_some(self.prefix.len()));
        if let Some(end) = end {
            self.max = Some(self.max.map_or(end as u64, |max| max.min(end as u64)));
        }
        if let Some(max) = self.max {
            self.prefix
                .truncate(usize::try_from(max).unwrap_or(usize::MAX));
        }
        (self.max.is_none_or(|max| self.min <= max)).then_some(self)
    }

    /// Arrays that are like both.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        let length = self.prefix.len().max(other.prefix.len());
        let prefix = (0..length)
            .map(|position| self.at(position).and(other.at(position)))
            .collect();
        let max = match (self.max, other.max) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        let (left, right) = (&self.evaluated, &other.evaluated);
        Self {
            prefix,
            rest: self.rest.and(&other.rest),
            min: self.min.max(other.min),
            max,
            evaluated: EvaluatedItems {
                prefix: left.prefix.max(right.prefix),
                perhaps_prefix: left.perhaps_prefix.max(right.perhaps_prefix),
                all: left.all || right.all,
                contained: left.contained.clone().or(&right.contained),
            },
        }
        .settled()
    }

    /// Arrays that are not like this, and whether that is all that can be said of them.
    pub(super) fn opposite(&self) -> (Vec<Self>, bool) {
        let too_much_to_say =
            self.prefix.len() > MAX_OPPOSITE_ITEMS || self.min > MAX_OPPOSITE_ITEMS as u64;
        if too_much_to_say {
            return (vec![Self::any()], false);
        }
        let mut opposite = Vec::new();
        let mut is_exact = true;
        if self.min > 0 {
            opposite.push(Self {
                max: Some(self.min - 1),
                ..Self::any()
            });
        }
        if let Some(max) = self.max {
            opposite.push(Self {
                min: max.saturating_add(1),
                ..Self::any()
            });
        }
        for (position, item) in self.prefix.iter().enumerate() {
            if !item.is_unknown() {
                let mut prefix = vec![Union::unknown(); position];
                prefix.push(item.opposite());
                opposite.push(Self {
                    prefix,
                    min: position as u64 + 1,
                    ..Self::any()
                });
            }
        }
        if !self.rest.is_unknown() && self.max != Some(self.prefix.len() as u64) {
            is_exact = false;
            opposite.push(Self {
                min: self.prefix.len() as u64 + 1,
                ..Self::any()
            });
        }
        let settled = opposite.into_iter().filter_map(Self::settled).collect();
        (settled, is_exact)
    }

    /// Says what the items are that nothing has looked at.
    pub(super) fn with_unevaluated(mut self, unevaluated: &Union) -> Option<Self> {
        if self.evaluated.all {
            return Some(self);
        }
        let allowed = unevaluated.clone().or(&self.evaluated.contained);
        let certain = self.evaluated.prefix;
        let open_until = self.evaluated.perhaps_prefix.max(certain);
        while self.prefix.len() < open_until {
            self.prefix.push(self.rest.clone());
        }
        for item in self.prefix.iter_mut().skip(open_until) {
            *item = item.and(&allowed);
        }
        self.rest = self.rest.and(&allowed);
        self.evaluated.all = true;
        self.settled()
    }
}
