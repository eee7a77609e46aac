//! A set of JSON values, kind by kind: which strings, numbers, arrays and so on are in it.
//!
//! A set made of a schema holds every value the schema accepts, and may hold more. Where it holds no
//! more, that is known (`exact`): only then may the opposite of a schema leave something out.

use std::collections::HashSet;
use std::rc::Rc;

use super::arrays::ArrayShape;
use super::literals::Literals;
use super::objects::ObjectShape;
use super::union::Union;

/// Products of alternatives beyond this are not multiplied out.
const MAX_PRODUCT: usize = 32;
/// Nor are those that would copy more properties than this.
const MAX_PRODUCT_WEIGHT: usize = 2_000;
/// TypeScript multiplies intersections of unions out; beyond this they are not given to it.
const MAX_FACTORS: usize = 500;

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null = 1,
    Boolean = 2,
    Number = 4,
    String = 8,
    Array = 16,
    Object = 32,
}

/// Some of the kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const ALL: Self = Self(63);

    pub(super) fn with(self, kind: Kind) -> Self {
        Self(self.0 | kind as u8)
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A set of JSON values.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub null: bool,
    pub yes: bool,
    pub no: bool,
    pub numbers: Literals,
    pub strings: Literals,
    pub arrays: Vec<ArrayShape>,
    pub objects: Vec<ObjectShape>,
    /// Sets known by a name, each with what is in it. They keep their name as long as they are only
    /// united with others.
    pub named: Vec<(Union, Rc<Values>)>,
    /// The kinds of which more may be in the set than the schema accepts.
    pub inexact: Kinds,
    /// Some of what the schema says was left out because there was too much of it.
    pub is_cut: bool,
}

impl Values {
    pub(super) fn none() -> Self {
        Self {
            null: false,
            yes: false,
            no: false,
            numbers: Literals::none(),
            strings: Literals::none(),
            arrays: Vec::new(),
            objects: Vec::new(),
            named: Vec::new(),
            inexact: Kinds::default(),
            is_cut: false,
        }
    }

    pub(super) fn all() -> Self {
        Self::of_kinds(Kinds::ALL)
    }

    /// All there is, as the answer to a question nobody can answer.
    pub(super) fn anything() -> Self {
        Self::all().and_unseen()
    }

    /// The set where a schema nobody knows applies too: it may accept less, and look at anything.
    pub(super) fn and_unseen(mut self) -> Self {
        self = self.unnamed();
        self.inexact = Kinds::ALL;
        for shape in &mut self.objects {
            shape.evaluated.all = true;
        }
        for shape in &mut self.arrays {
            shape.evaluated.all = true;
        }
        self
    }

    pub(super) fn of_kinds(kinds: Kinds) -> Self {
        let literals = |kind| {
            if kinds.has(kind) {
                Literals::all()
            } else {
                Literals::none()
            }
        };
        let has_boolean = kinds.has(Kind::Boolean);
        Self {
            null: kinds.has(Kind::Null),
            yes: has_boolean,
            no: has_boolean,
            numbers: literals(Kind::Number),
            strings: literals(Kind::String),
            arrays: Vec::from_iter(kinds.has(Kind::Array).then(ArrayShape::any)),
            objects: Vec::from_iter(kinds.has(Kind::Object).then(ObjectShape::any)),
            named: Vec::new(),
            inexact: Kinds::default(),
            is_cut: false,
        }
    }

    /// The kinds of which something is in the set.
    pub(super) fn kinds(&self) -> Kinds {
        let own = [
            (Kind::Null, self.null),
            (Kind::Boolean, self.yes || self.no),
            (Kind::Number, !self.numbers.is_none()),
            (Kind::String, !self.strings.is_none()),
            (Kind::Array, !self.arrays.is_empty()),
            (Kind::Object, !self.objects.is_empty()),
        ];
        let own = own
            .into_iter()
            .filter(|(_, is_there)| *is_there)
            .fold(Kinds::default(), |kinds, (kind, _)| kinds.with(kind));
        self.named
            .iter()
            .fold(own, |kinds, (_, named)| kinds.or(named.kinds()))
    }

    /// The kinds that are in the set as a whole.
    pub(super) fn whole_kinds(&self) -> Kinds {
        let whole = [
            (Kind::Null, self.null),
            (Kind::Boolean, self.yes && self.no),
            (Kind::Number, self.numbers.is_all()),
            (Kind::String, self.strings.is_all()),
            (Kind::Array, self.arrays.iter().any(ArrayShape::is_any)),
            (Kind::Object, self.objects.iter().any(ObjectShape::is_any)),
        ];
        whole
            .into_iter()
            .filter(|(_, is_whole)| *is_whole)
            .fold(Kinds::default(), |kinds, (kind, _)| kinds.with(kind))
    }

    pub(super) fn is_all(&self) -> bool {
        self.whole_kinds() == Kinds::ALL
    }

    /// It says nothing: every value is in it, and no keyword has looked inside.
    pub(super) fn is_everything(&self) -> bool {
        self.is_all() && self.is_plain()
    }

    /// Only kinds are told apart, and no keyword has looked inside: an intersection with it is simple.
    fn is_plain(&self) -> bool {
        self.named.is_empty()
            && self.inexact == Kinds::default()
            && self.whole_kinds() == self.kinds()
            && self.arrays.iter().all(|shape| *shape == ArrayShape::any())
            && self
                .objects
                .iter()
                .all(|shape| *shape == ObjectShape::any())
    }

    /// How much there is to copy.
    pub(super) fn weight(&self) -> usize {
        let literals = |set: &Literals| set.listed().map_or(0, <[_]>::len);
        let objects: usize = self.objects.iter().map(ObjectShape::weight).sum();
        let arrays: usize = self.arrays.iter().map(ArrayShape::weight).sum();
        1 + objects + arrays + self.named.len() + literals(&self.numbers) + literals(&self.strings)
    }

    /// The set without names: what they stand for is in it directly.
    pub(super) fn unnamed(mut self) -> Self {
        let named = std::mem::take(&mut self.named);
        if named.is_empty() {
            return self;
        }
        let inside = named.into_iter().map(|(_, values)| Values::clone(&values));
        Self::union(std::iter::once(self).chain(inside)).unnamed()
    }

    /// Values in any of the sets.
    pub(super) fn union(sets: impl IntoIterator<Item = Self>) -> Self {
        let mut union = Self::none();
        let mut exact_whole = Kinds::default();
        let mut names = HashSet::new();
        for mut set in sets {
            exact_whole = exact_whole.or(set.whole_kinds().without(set.inexact));
            union.inexact = union.inexact.or(set.inexact);
            union.is_cut |= set.is_cut;
            union.null |= set.null;
            union.yes |= set.yes;
            union.no |= set.no;
            union.numbers = union.numbers.or(set.numbers);
            union.strings = union.strings.or(set.strings);
            append(&mut union.arrays, &mut set.arrays);
            append(&mut union.objects, &mut set.objects);
            for (name, values) in set.named {
                if names.insert(name.clone()) {
                    union.named.push((name, values));
                }
            }
        }
        union.inexact = union.inexact.without(exact_whole);
        union
    }

    /// Values in either set.
    pub(super) fn or(self, other: Self) -> Self {
        Self::union([self, other])
    }

    /// Values in both sets.
    ///
    /// `contradicts` tells of the type of a property that nothing is like that.
    pub(super) fn and(self, other: Self, contradicts: &dyn Fn(&Union) -> bool) -> Self {
        if other.is_plain() {
            return self.restricted(other.kinds());
        }
        if self.is_plain() {
            return other.restricted(self.kinds());
        }
        let (left, right) = (self.unnamed(), other.unnamed());
        let mut inexact = left.inexact.or(right.inexact);
        let is_cut = left.is_cut || right.is_cut;
        let (objects, is_exact) = object_product(left.objects, right.objects, contradicts);
        if !is_exact {
            inexact = inexact.with(Kind::Object);
        }
        let (arrays, is_exact) = array_product(&left.arrays, &right.arrays);
        if !is_exact {
            inexact = inexact.with(Kind::Array);
        }
        Self {
            null: left.null && right.null,
            yes: left.yes && right.yes,
            no: left.no && right.no,
            numbers: left.numbers.and(right.numbers),
            strings: left.strings.and(right.strings),
            arrays,
            objects,
            named: Vec::new(),
            inexact,
            is_cut,
        }
    }

    /// The values of these kinds.
    pub(super) fn restricted(mut self, kinds: Kinds) -> Self {
        let (kept, split): (Vec<_>, Vec<_>) = std::mem::take(&mut self.named)
            .into_iter()
            .partition(|(_, values)| values.kinds().without(kinds) == Kinds::default());
        if !split.is_empty() {
            let inside = split
                .into_iter()
                .map(|(_, values)| Values::clone(&values).unnamed());
            self = Self::union(std::iter::once(self).chain(inside));
        }
        self.named.extend(kept);
        self.null &= kinds.has(Kind::Null);
        self.yes &= kinds.has(Kind::Boolean);
        self.no &= kinds.has(Kind::Boolean);
        if !kinds.has(Kind::Number) {
            self.numbers = Literals::none();
        }
        if !kinds.has(Kind::String) {
            self.strings = Literals::none();
        }
        if !kinds.has(Kind::Array) {
            self.arrays.clear();
        }
        if !kinds.has(Kind::Object) {
            self.objects.clear();
        }
        self.inexact = self.inexact.and(kinds);
        self
    }

    /// Values that the schema does not accept, and more where that cannot be said.
    pub(super) fn opposite(self) -> Self {
        let values = self.unnamed();
        let is_cut = values.is_cut;
        let unsure = values.inexact.and(values.kinds());
        let mut inexact = unsure;
        let literals = |set: Literals, kind| {
            if unsure.has(kind) {
                Literals::all()
            } else {
                set.inverted()
            }
        };
        let unsure_boolean = unsure.has(Kind::Boolean);
        let (arrays, objects);
        if unsure.has(Kind::Array) {
            arrays = vec![ArrayShape::any()];
        } else {
            let opposites = values.arrays.iter().map(ArrayShape::opposite);
            let (all, is_exact) = intersection_of(opposites, ArrayShape::any(), |left, right| {
                array_product(&left, &right)
            });
            if !is_exact {
                inexact = inexact.with(Kind::Array);
            }
            arrays = all;
        }
        if unsure.has(Kind::Object) {
            objects = vec![ObjectShape::any()];
        } else {
            let opposites = values.objects.iter().map(ObjectShape::opposite);
            let (all, is_exact) = intersection_of(opposites, ObjectShape::any(), |left, right| {
                object_product(left, right, &Union::is_never)
            });
            if !is_exact {
                inexact = inexact.with(Kind::Object);
            }
            objects = all;
        }
        Self {
            null: !values.null || unsure.has(Kind::Null),
            yes: !values.yes || unsure_boolean,
            no: !values.no || unsure_boolean,
            numbers: literals(values.numbers, Kind::Number),
            strings: literals(values.strings, Kind::String),
            arrays,
            objects,
            named: Vec::new(),
            inexact,
            is_cut,
        }
    }

    /// The part of the opposite that is short to say, for `oneOf`: kinds, literals, absent properties.
    pub(super) fn short_opposite(self) -> Self {
        let mut opposite = self.opposite();
        let is_short = |shape: &ObjectShape| {
            shape.also.is_empty()
                && shape
                    .properties
                    .values()
                    .all(|property| property.accepts.is_never() || property.accepts.is_unknown())
        };
        if !opposite.objects.iter().all(is_short) {
            opposite.objects = vec![ObjectShape::any()];
            opposite.inexact = opposite.inexact.with(Kind::Object);
        }
        if opposite.arrays.iter().any(|shape| !shape.prefix.is_empty()) {
            opposite.arrays = vec![ArrayShape::any()];
            opposite.inexact = opposite.inexact.with(Kind::Array);
        }
        opposite
    }

    /// Forgets that some kinds are exact.
    pub(super) fn widened(mut self, kind: Kind) -> Self {
        self.inexact = self.inexact.with(kind);
        self
    }

    /// Multiplies out what objects are also like, as far as that stays small.
    pub(super) fn multiplied_out(mut self) -> Self {
        let shapes = std::mem::take(&mut self.objects);
        for mut shape in shapes {
            let factors = std::mem::take(&mut shape.also);
            let mut product = vec![shape];
            for factor in &factors {
                let weight: usize = factor.iter().map(ObjectShape::weight).sum();
                if product.len() * weight > MAX_PRODUCT_WEIGHT {
                    product.iter_mut().for_each(|shape| {
                        shape.evaluated.all = true;
                    });
                    self.inexact = self.inexact.with(Kind::Object);
                    continue;
                }
                product = multiplied(&product, factor, &Union::is_never);
            }
            self.objects.append(&mut product);
        }
        self
    }
}

fn append<Shape: PartialEq>(shapes: &mut Vec<Shape>, others: &mut Vec<Shape>) {
    /// Beyond this, finding duplicates costs more than printing finds out anyway.
    const FEW: usize = 16;
    if shapes.len() + others.len() > FEW {
        shapes.append(others);
        return;
    }
    for shape in others.drain(..) {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
}

fn intersection_of<Shape>(
    opposites: impl Iterator<Item = (Vec<Shape>, bool)>,
    any: Shape,
    product: impl Fn(Vec<Shape>, Vec<Shape>) -> (Vec<Shape>, bool),
) -> (Vec<Shape>, bool) {
    let mut all = vec![any];
    let mut is_exact = true;
    for (opposite, is_opposite_exact) in opposites {
        let (both, is_product_exact) = product(all, opposite);
        all = both;
        is_exact &= is_opposite_exact && is_product_exact;
    }
    (all, is_exact)
}

fn array_product(left: &[ArrayShape], right: &[ArrayShape]) -> (Vec<ArrayShape>, bool) {
    let weight = |shapes: &[ArrayShape]| -> usize { shapes.iter().map(ArrayShape::weight).sum() };
    let is_small = left.len() == 1 && right.len() == 1
        || left.len() * right.len() <= MAX_PRODUCT
            && left.len() * weight(right) + right.len() * weight(left) <= MAX_PRODUCT_WEIGHT;
    if !is_small {
        return (left.to_vec(), false);
    }
    let pairs = left
        .iter()
        .flat_map(|one| right.iter().filter_map(|other| one.and(other)));
    let mut product = Vec::new();
    append(&mut product, &mut pairs.collect());
    (product, true)
}

fn object_product(
    mut left: Vec<ObjectShape>,
    mut right: Vec<ObjectShape>,
    contradicts: &dyn Fn(&Union) -> bool,
) -> (Vec<ObjectShape>, bool) {
    match (left.as_slice(), right.as_slice()) {
        ([], _) | (_, []) => return (Vec::new(), true),
        ([_], [_]) => {
            let both = left.remove(0).and(right.remove(0), contradicts);
            return (Vec::from_iter(both), true);
        }
        _ => {}
    }
    let weight = |shapes: &[ObjectShape]| -> usize { shapes.iter().map(ObjectShape::weight).sum() };
    let apart = weight(&left) + weight(&right);
    let together = left.len() * weight(&right) + right.len() * weight(&left);
    if left.len() * right.len() <= MAX_PRODUCT && together <= MAX_PRODUCT_WEIGHT {
        let product = multiplied(&left, &right, contradicts);
        let reads_well = weight(&product) <= apart + 3;
        if reads_well || left.iter().chain(&right).any(ObjectShape::is_closed) {
            return (product, true);
        }
    }
    if right.len() == 1 {
        std::mem::swap(&mut left, &mut right);
    }
    let mut base = if left.len() == 1 {
        left.remove(0)
    } else {
        let factor = Rc::new(left);
        ObjectShape {
            also: vec![factor],
            ..ObjectShape::any()
        }
    };
    let combinations: usize = base.also.iter().map(|factor| factor.len()).product();
    let has_nested = right.iter().any(|shape| !shape.also.is_empty());
    if combinations * right.len() > MAX_FACTORS || has_nested {
        return (vec![base], false);
    }
    base.also.push(Rc::new(right));
    (vec![base], true)
}

fn multiplied(
    left: &[ObjectShape],
    right: &[ObjectShape],
    contradicts: &dyn Fn(&Union) -> bool,
) -> Vec<ObjectShape> {
    let pairs = left.iter().flat_map(|one| {
        right
            .iter()
            .filter_map(|other| one.clone().and(other.clone(), contradicts))
    });
    let mut product = Vec::new();
    append(&mut product, &mut pairs.collect());
    product
}
