//! The schema document: which schemas are in it, under which addresses, and what references mean.
//!
//! Nothing is fetched: a reference that leads out of the document resolves to nothing.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::Value;

use super::uri;

/// One schema of the document, or one literal value. Equal handles are the same schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SchemaId(u32);

/// What an id stands for.
struct Entry<'a> {
    value: &'a Value,
    /// The value itself is meant (a member of `enum`), not what it says as a schema.
    is_literal: bool,
    /// The address of the resource it belongs to.
    base: Rc<str>,
    /// The last word of the reference that led here, if one did.
    referenced_as: Option<String>,
}

/// The document, with the schemas seen so far.
pub(super) struct Document<'a> {
    addresses: Addresses<'a>,
    seen: RefCell<Seen<'a>>,
}

#[derive(Default)]
struct Seen<'a> {
    entries: Vec<Entry<'a>>,
    ids: HashMap<(*const Value, bool, Rc<str>), SchemaId>,
    unresolved: BTreeSet<String>,
}

/// Where things are, by URI.
struct Addresses<'a> {
    root_base: Rc<str>,
    resources: HashMap<Rc<str>, &'a Value>,
    anchors: HashMap<(Rc<str>, &'a str), &'a Value>,
    dynamic_anchors: HashMap<&'a str, Vec<(Rc<str>, &'a Value)>>,
    has_unevaluated: bool,
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self {
            addresses: Addresses::of(root),
            seen: RefCell::default(),
        }
    }

    /// The id of the root, or of a schema within the root's resource.
    pub(super) fn top(&self, schema: &'a Value) -> SchemaId {
        let base = base_within(&self.addresses.root_base, schema);
        self.intern(schema, false, base)
    }

    /// The id of a schema that stands inside another one.
    pub(super) fn child(&self, parent: SchemaId, schema: &'a Value) -> SchemaId {
        let base = base_within(&self.base(parent), schema);
        self.intern(schema, false, base)
    }

    /// The id of the schema that accepts just this value.
    pub(super) fn literal(&self, value: &'a Value) -> SchemaId {
        self.intern(value, true, Rc::clone(&self.addresses.root_base))
    }

    /// The id of a schema that accepts every object.
    pub(super) fn objects(&self) -> SchemaId {
        static OBJECTS: LazyLock<Value> = LazyLock::new(|| serde_json::json!({ "type": "object" }));
        self.intern(&OBJECTS, false, Rc::clone(&self.addresses.root_base))
    }

    fn intern(&self, value: &'a Value, is_literal: bool, base: Rc<str>) -> SchemaId {
        let seen = &mut *self.seen.borrow_mut();
        let key = (std::ptr::from_ref(value), is_literal, Rc::clone(&base));
        *seen.ids.entry(key).or_insert_with(|| {
            let index = u32::try_from(seen.entries.len()).expect("fewer schemas than bytes");
            seen.entries.push(Entry {
                value,
                is_literal,
                base,
                referenced_as: None,
            });
            SchemaId(index)
        })
    }

    fn base(&self, id: SchemaId) -> Rc<str> {
        Rc::clone(&self.seen.borrow().entries[id.0 as usize].base)
    }

    /// The last word of the reference that led to a schema, if one did.
    pub(super) fn referenced_as(&self, id: SchemaId) -> Option<String> {
        self.seen.borrow().entries[id.0 as usize]
            .referenced_as
            .clone()
    }

    pub(super) fn value(&self, id: SchemaId) -> &'a Value {
        self.seen.borrow().entries[id.0 as usize].value
    }

    pub(super) fn is_literal(&self, id: SchemaId) -> bool {
        self.seen.borrow().entries[id.0 as usize].is_literal
    }

    pub(super) fn is_referenced(&self, id: SchemaId) -> bool {
        self.seen.borrow().entries[id.0 as usize]
            .referenced_as
            .is_some()
    }

    /// Whether it matters anywhere which properties and items keywords have looked at.
    pub(super) fn has_unevaluated(&self) -> bool {
        self.addresses.has_unevaluated
    }

    /// What `$ref` of a schema leads to. References that lead nowhere are remembered.
    pub(super) fn reference(&self, from: SchemaId, reference: &str) -> Option<SchemaId> {
        let base = self.base(from);
        let found = self.addresses.find(&base, reference);
        if found.is_none() {
            self.seen
                .borrow_mut()
                .unresolved
                .insert(reference.to_owned());
        }
        let (target, base) = found?;
        Some(self.target(target, base, reference))
    }

    /// What `$dynamicRef` of a schema may lead to: one of these, which depends on how evaluation got
    /// there. Empty if it leads nowhere.
    ///
    /// The root is the outermost scope of every evaluation, so an anchor of its resource decides.
    pub(super) fn dynamic_reference(&self, from: SchemaId, reference: &str) -> Vec<SchemaId> {
        let (_, fragment) = uri::split_fragment(reference);
        let Some(fixed) = self.reference(from, reference) else {
            return Vec::new();
        };
        let value = self.value(fixed);
        if value.get("$dynamicAnchor").and_then(Value::as_str) != Some(fragment) {
            return vec![fixed];
        }
        let candidates = self.addresses.dynamic_anchors.get(fragment);
        let candidates = candidates.map(Vec::as_slice).unwrap_or_default();
        let of_root = candidates
            .iter()
            .filter(|(base, _)| *base == self.addresses.root_base);
        let chosen: Vec<_> = match of_root.clone().next() {
            Some(of_root) => vec![of_root],
            None => candidates.iter().collect(),
        };
        chosen
            .into_iter()
            .map(|(base, target)| self.target(target, Rc::clone(base), reference))
            .collect()
    }

    /// Notes that a schema is what another one that is referred to comes down to.
    pub(super) fn inherit_reference(&self, from: SchemaId, to: SchemaId) {
        let entries = &mut self.seen.borrow_mut().entries;
        let name = entries[from.0 as usize].referenced_as.clone();
        let entry = &mut entries[to.0 as usize];
        entry.referenced_as = entry.referenced_as.take().or(name);
    }

    fn target(&self, target: &'a Value, base: Rc<str>, reference: &str) -> SchemaId {
        let id = self.intern(target, false, base);
        let entry = &mut self.seen.borrow_mut().entries[id.0 as usize];
        entry
            .referenced_as
            .get_or_insert_with(|| last_word(reference));
        id
    }

    pub(super) fn unresolved_references(&self) -> Vec<String> {
        self.seen.borrow().unresolved.iter().cloned().collect()
    }
}

fn last_word(reference: &str) -> String {
    let (uri, fragment) = uri::split_fragment(reference);
    let last = |text: &str| {
        text.rsplit(['/', ':'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let word = uri::percent_decoded(&last(fragment)).unwrap_or_default();
    if word.is_empty() {
        last(uri).trim_end_matches(".json").to_owned()
    } else {
        word
    }
}

/// The base for what is in a schema: its own `$id` counts already.
fn base_within(base: &Rc<str>, schema: &Value) -> Rc<str> {
    match own_address(schema) {
        Some(id) => uri::resolve(base, id).into(),
        None => Rc::clone(base),
    }
}

/// The `$id` of a schema without its fragment, unless it is nothing but a fragment.
fn own_address(schema: &Value) -> Option<&str> {
    let id = schema.get("$id")?.as_str()?;
    let (address, _) = uri::split_fragment(id);
    (!address.is_empty()).then_some(address)
}

impl<'a> Addresses<'a> {
    fn of(root: &'a Value) -> Self {
        let root_base = base_within(&Rc::from(""), root);
        let mut addresses = Self {
            resources: HashMap::from([(Rc::clone(&root_base), root)]),
            root_base: Rc::clone(&root_base),
            anchors: HashMap::new(),
            dynamic_anchors: HashMap::new(),
            has_unevaluated: false,
        };
        let mut waiting = vec![(root, root_base)];
        while let Some((schema, base)) = waiting.pop() {
            addresses.add(schema, &base);
            for child in subschemas(schema) {
                waiting.push((child, base_within(&base, child)));
            }
        }
        addresses
    }

    fn add(&mut self, schema: &'a Value, base: &Rc<str>) {
        let text = |keyword| schema.get(keyword).and_then(Value::as_str);
        self.has_unevaluated |= schema.get("unevaluatedProperties").is_some()
            || schema.get("unevaluatedItems").is_some();
        if own_address(schema).is_some() {
            self.resources.entry(Rc::clone(base)).or_insert(schema);
        }
        let old_style = text("$id").and_then(|id| id.strip_prefix('#'));
        for anchor in [text("$anchor"), text("$dynamicAnchor"), old_style]
            .into_iter()
            .flatten()
        {
            self.anchors
                .entry((Rc::clone(base), anchor))
                .or_insert(schema);
        }
        if let Some(anchor) = text("$dynamicAnchor") {
            let all = self.dynamic_anchors.entry(anchor).or_default();
            all.push((Rc::clone(base), schema));
        }
    }

    /// The schema a reference means, and its base.
    fn find(&self, base: &Rc<str>, reference: &str) -> Option<(&'a Value, Rc<str>)> {
        let (address, fragment) = uri::split_fragment(reference);
        let resource_base: Rc<str> = if address.is_empty() {
            Rc::clone(base)
        } else {
            uri::resolve(base, address).into()
        };
        let resource = *self.resources.get(&resource_base)?;
        let fragment = uri::percent_decoded(fragment)?;
        if fragment.is_empty() {
            return Some((resource, resource_base));
        }
        let Some(pointer) = fragment.strip_prefix('/') else {
            let anchored = self.anchors.get(&(resource_base.clone(), &*fragment))?;
            return Some((anchored, resource_base));
        };
        let mut base = resource_base;
        let mut target = resource;
        for token in pointer.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            target = match target {
                Value::Object(members) => members.get(&token)?,
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
            base = base_within(&base, target);
        }
        Some((target, base))
    }
}

/// Every schema that stands directly in a schema, under the keywords of 2020-12 and draft-07.
fn subschemas(schema: &Value) -> impl Iterator<Item = &Value> {
    let members = schema.as_object().into_iter().flatten();
    members.flat_map(|(keyword, value)| {
        let (one, many, named): (_, &[Value], _) = match (keyword.as_str(), value) {
            ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Value::Array(many)) => {
                (None, many, None)
            }
            (
                "$defs" | "definitions" | "properties" | "patternProperties" | "dependentSchemas"
                | "dependencies",
                Value::Object(named),
            ) => (None, &[], Some(named)),
            (
                "items"
                | "not"
                | "if"
                | "then"
                | "else"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "unevaluatedItems"
                | "propertyNames"
                | "contains"
                | "additionalItems"
                | "contentSchema",
                one,
            ) => (Some(one), &[], None),
            _ => (None, &[], None),
        };
        let named = named.into_iter().flat_map(|named| named.values());
        one.into_iter().chain(many).chain(named)
    })
}
