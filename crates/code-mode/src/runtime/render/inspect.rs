//! A readable rendering, bounded in depth, breadth and length: the look inside objects.

use std::cell::Cell;

use super::bounded_text::MAX_BYTES;
use super::layout::{Entry, Group, Shown};
use super::leaf::leaf;
use super::reading::{
    Attempt, Terminated, attempt, behind_proxies, class_name, own_value, shown_keys, thrown_text,
};
use super::strings::{beginning, is_identifier, quoted, quoted_string};
use super::{symbol_text, to_rust_string};

/// Nested values shown below the outermost one.
const MAX_DEPTH: usize = 4;
/// Elements shown of one container.
const MAX_ELEMENTS: usize = 100;
/// Renderings under way inside one another, see [`Rendering`].
const MAX_RENDERINGS: u32 = 6;
/// Properties of an error that its text says already, or that are shown apart.
const TOLD_BY_ERRORS: [&str; 5] = ["name", "message", "stack", "cause", "errors"];

/// A rendering under way on this thread, which is one isolate's as long as it lasts.
///
/// A getter may render the object it belongs to, which reads the getter again. Because renderings
/// take what getters throw, and stack overflows with it, each level would begin anew on the way up:
/// time exponential in the depth of the stack. So only a few may be inside one another.
pub(super) struct Rendering;

thread_local! {
    static RENDERINGS: Cell<u32> = const { Cell::new(0) };
}

impl Rendering {
    /// `None` when there are too many.
    pub(super) fn begin() -> Option<Self> {
        let under_way = RENDERINGS.get();
        if under_way >= MAX_RENDERINGS {
            return None;
        }
        RENDERINGS.set(under_way + 1);
        Some(Self)
    }
}

impl Drop for Rendering {
    fn drop(&mut self) {
        RENDERINGS.set(RENDERINGS.get() - 1);
    }
}

/// A rendering of `value` for people.
pub(super) fn inspect<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let Some(_rendering) = Rendering::begin() else {
        return Ok("…".to_owned());
    };
    Ok(Inspector::new().value(scope, value)?.lay_out())
}

/// `text`, which shows `error`, with what else the script gave the error.
pub(super) fn with_properties<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
    text: String,
) -> Result<String, Terminated> {
    let mut inspector = Inspector::new();
    inspector.ancestors.push(Ancestor::of(error));
    let entries = inspector.properties(
        scope,
        error,
        v8::IndexFilter::IncludeIndices,
        &TOLD_BY_ERRORS,
    )?;
    if entries.is_empty() {
        return Ok(text);
    }
    Ok(format!("{text} {}", braces("", entries).lay_out()))
}

/// One readable rendering under way.
struct Inspector<'s> {
    /// Bytes that may still be shown, about: the layout is not counted, and bounded by itself.
    room: usize,
    /// The objects around the value being looked at, outermost first.
    ancestors: Vec<Ancestor<'s>>,
    /// Circles found so far.
    circles: usize,
}

struct Ancestor<'s> {
    object: v8::Local<'s, v8::Object>,
    /// The number of the circle that it closes.
    circle: Option<usize>,
}

impl<'s> Ancestor<'s> {
    fn of(object: v8::Local<'s, v8::Object>) -> Self {
        Self {
            object,
            circle: None,
        }
    }
}

impl<'s> Inspector<'s> {
    fn new() -> Self {
        Self {
            room: MAX_BYTES,
            ancestors: Vec::new(),
            circles: 0,
        }
    }

    fn value(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<Shown, Terminated> {
        let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
            let text = primitive(scope, value)?;
            return Ok(self.text(text));
        };
        let Some(object) = behind_proxies(scope, object) else {
            return Ok("<Revoked Proxy>".into());
        };
        let is_same = |ancestor: &&mut Ancestor<'_>| ancestor.object.strict_equals(object.into());
        if let Some(ancestor) = self.ancestors.iter_mut().find(is_same) {
            let circle = *ancestor.circle.get_or_insert_with(|| {
                self.circles += 1;
                self.circles
            });
            return Ok(format!("[Circular *{circle}]").into());
        }
        let leaf = leaf(scope, object)?;
        if self.ancestors.len() > MAX_DEPTH {
            return Ok(match leaf {
                Some(leaf) => self.text(leaf),
                None => {
                    let name = class_name(scope, object)?;
                    format!("[{}]", name.as_deref().unwrap_or("Object")).into()
                }
            });
        }
        self.ancestors.push(Ancestor::of(object));
        let shown = match leaf {
            Some(leaf) => self.leaf_with_properties(scope, object, leaf),
            None => self.container(scope, object),
        };
        let circle = self.ancestors.pop().and_then(|ancestor| ancestor.circle);
        Ok(match circle {
            Some(circle) => shown?.behind(&format!("<ref *{circle}> ")),
            None => shown?,
        })
    }

    fn text(&mut self, text: String) -> Shown {
        self.room = self.room.saturating_sub(text.len());
        Shown::Text(text)
    }

    /// A function or an error, and what it was given besides.
    fn leaf_with_properties(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        leaf: String,
    ) -> Result<Shown, Terminated> {
        let mut entries = Vec::new();
        if object.is_function() {
            entries = self.properties(scope, object, v8::IndexFilter::IncludeIndices, &[])?;
        } else if object.is_native_error() {
            entries = self.properties(
                scope,
                object,
                v8::IndexFilter::IncludeIndices,
                &TOLD_BY_ERRORS,
            )?;
            for name in ["cause", "errors"] {
                if let Some(value) =
                    own_value(scope, object, name)?.filter(|value| !value.is_undefined())
                {
                    let key = format!("[{name}]: ");
                    let value = self.value(scope, value)?;
                    entries.push(Entry { key, value });
                }
            }
        }
        if entries.is_empty() {
            return Ok(self.text(leaf));
        }
        Ok(braces(&format!("{leaf} "), entries))
    }

    /// Objects that hold other values.
    fn container(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
    ) -> Result<Shown, Terminated> {
        let name = class_name(scope, object)?;
        let name = name.as_deref();
        let value = v8::Local::<v8::Value>::from(object);
        if let Ok(array) = v8::Local::<v8::Array>::try_from(value) {
            let length = array.length() as usize;
            let head = match name.filter(|&name| name != "Array") {
                Some(name) => format!("{name}({length}) "),
                None => String::new(),
            };
            let mut entries = self.elements(scope, object, length)?;
            entries.extend(self.properties(scope, object, v8::IndexFilter::SkipIndices, &[])?);
            return Ok(brackets(head, entries));
        }
        if let Ok(array) = v8::Local::<v8::TypedArray>::try_from(value) {
            let length = array.length();
            let head = format!("{}({length}) ", name.unwrap_or("TypedArray"));
            return Ok(brackets(head, self.elements(scope, object, length)?));
        }
        if let Ok(map) = v8::Local::<v8::Map>::try_from(value) {
            let entries = map.as_array(scope);
            let head = sized_name(name, "Map", map.size());
            return Ok(braces(&head, self.pairs(scope, entries)?));
        }
        if let Ok(set) = v8::Local::<v8::Set>::try_from(value) {
            let members = set.as_array(scope);
            let head = sized_name(name, "Set", set.size());
            return Ok(braces(&head, self.members(scope, members)?));
        }
        if object.is_map_iterator() || object.is_set_iterator() {
            let head = match object.is_map_iterator() {
                true => "[Map Iterator] ",
                false => "[Set Iterator] ",
            };
            let entries = match object.preview_entries(scope) {
                (Some(entries), true) => self.pairs(scope, entries)?,
                (Some(members), false) => self.members(scope, members)?,
                (None, _) => Vec::new(),
            };
            return Ok(braces(head, entries));
        }
        if let Ok(promise) = v8::Local::<v8::Promise>::try_from(value) {
            return self.promise(scope, promise);
        }
        let head = name.map_or_else(String::new, |name| format!("{name} "));
        let entries = self.properties(scope, object, v8::IndexFilter::IncludeIndices, &[])?;
        Ok(braces(&head, entries))
    }

    /// Indexed properties from 0 to `length`.
    fn elements(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        length: usize,
    ) -> Result<Vec<Entry>, Terminated> {
        self.items(length, |inspector, index| {
            let read = attempt(scope, |scope| {
                let value = object.get_index(scope, index)?;
                // Only `undefined` can be a hole, so only then is it worth the look.
                let present = !value.is_undefined() || {
                    let key = v8::Integer::new_from_unsigned(scope, index);
                    let key = key.to_string(scope)?;
                    object.has_own_property(scope, key.into())?
                };
                Some(present.then_some(value))
            })?;
            let value = match read {
                Attempt::Done(Some(value)) => inspector.value(scope, value)?,
                Attempt::Done(None) => "<empty>".into(),
                Attempt::Threw(exception) => inspector.threw(scope, exception)?,
            };
            Ok(unnamed(value))
        })
    }

    /// The members V8 listed in `values`.
    fn members(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        values: v8::Local<'s, v8::Array>,
    ) -> Result<Vec<Entry>, Terminated> {
        self.items(values.length() as usize, |inspector, index| {
            let value = inspector.read(scope, |scope| values.get_index(scope, index))?;
            Ok(unnamed(value))
        })
    }

    /// `'a' => 1`, the keys and values V8 listed in turn in `entries`.
    fn pairs(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        entries: v8::Local<'s, v8::Array>,
    ) -> Result<Vec<Entry>, Terminated> {
        self.items(entries.length() as usize / 2, |inspector, index| {
            let key = inspector.read(scope, |scope| entries.get_index(scope, index * 2))?;
            let value = inspector.read(scope, |scope| entries.get_index(scope, index * 2 + 1))?;
            Ok(Entry {
                key: format!("{} => ", key.lay_out()),
                value,
            })
        })
    }

    fn promise(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        promise: v8::Local<'s, v8::Promise>,
    ) -> Result<Shown, Terminated> {
        let value = match promise.state() {
            v8::PromiseState::Pending => "<pending>".into(),
            v8::PromiseState::Fulfilled => {
                let result = promise.result(scope);
                self.value(scope, result)?
            }
            v8::PromiseState::Rejected => {
                let result = promise.result(scope);
                self.value(scope, result)?.behind("<rejected> ")
            }
        };
        Ok(braces("Promise ", vec![unnamed(value)]))
    }

    /// `a: 1`, `'b c': 2`, `[Symbol(d)]: 3`: own enumerable properties but those of the names `told`.
    fn properties(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        indices: v8::IndexFilter,
        told: &[&str],
    ) -> Result<Vec<Entry>, Terminated> {
        let keys = match attempt(scope, |scope| shown_keys(scope, object, indices))? {
            Attempt::Done(keys) => keys,
            Attempt::Threw(exception) => {
                let value = self.threw(scope, exception)?;
                return Ok(vec![unnamed(value)]);
            }
        };
        let mut shown = Vec::new();
        for index in 0..keys.length() {
            if let Attempt::Done(key) = attempt(scope, |scope| keys.get_index(scope, index))?
                && let Some(name) = key_text(scope, key)
                && !told.contains(&name.as_str())
            {
                shown.push((key, name));
            }
            if shown.len() > MAX_ELEMENTS {
                break;
            }
        }
        let length = keys.length() as usize;
        let count = if shown.len() > MAX_ELEMENTS {
            length
        } else {
            shown.len()
        };
        self.items(count, |inspector, index| {
            let (key, name) = &shown[index as usize];
            let value = inspector.read(scope, |scope| object.get(scope, *key))?;
            Ok(Entry {
                key: format!("{name}: "),
                value,
            })
        })
    }

    /// The value that `read` gives, or what its getter threw.
    fn read(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        read: impl FnOnce(&mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Value>>,
    ) -> Result<Shown, Terminated> {
        match attempt(scope, |scope| read(scope))? {
            Attempt::Done(value) => self.value(scope, value),
            Attempt::Threw(exception) => self.threw(scope, exception),
        }
    }

    fn threw(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        exception: v8::Local<'s, v8::Value>,
    ) -> Result<Shown, Terminated> {
        let text = thrown_text(scope, exception)?;
        Ok(self.text(format!("[Getter threw: {text}]")))
    }

    /// What `each` makes of the first of `count` items, and how many are left.
    fn items(
        &mut self,
        count: usize,
        mut each: impl FnMut(&mut Self, u32) -> Result<Entry, Terminated>,
    ) -> Result<Vec<Entry>, Terminated> {
        let mut entries = Vec::with_capacity(count.min(MAX_ELEMENTS + 1));
        for index in (0..).take(count.min(MAX_ELEMENTS)) {
            if self.room == 0 {
                entries.push(unnamed("…".into()));
                return Ok(entries);
            }
            let entry = each(self, index)?;
            self.room = self.room.saturating_sub(entry.key.len() + 2);
            entries.push(entry);
        }
        if count > MAX_ELEMENTS {
            let left = count - MAX_ELEMENTS;
            entries.push(unnamed(format!("… {left} more").into()));
        }
        Ok(entries)
    }
}

fn unnamed(value: Shown) -> Entry {
    Entry {
        key: String::new(),
        value,
    }
}

fn braces(head: &str, entries: Vec<Entry>) -> Shown {
    Shown::Group(Group {
        head: head.to_owned(),
        brackets: ["{", "}"],
        entries,
    })
}

fn brackets(head: String, entries: Vec<Entry>) -> Shown {
    Shown::Group(Group {
        head,
        brackets: ["[", "]"],
        entries,
    })
}

/// `Map(2) `, or `Cache(2) [Map] ` for a subclass.
fn sized_name(name: Option<&str>, kind: &str, size: usize) -> String {
    match name.filter(|&name| name != kind) {
        Some(name) => format!("{name}({size}) [{kind}] "),
        None => format!("{kind}({size}) "),
    }
}

/// The name of a property; `None` for what is no key.
fn key_text<'s>(scope: &mut v8::PinScope<'s, '_>, key: v8::Local<'s, v8::Value>) -> Option<String> {
    if let Ok(symbol) = v8::Local::<v8::Symbol>::try_from(key) {
        return Some(format!("[{}]", symbol_text(scope, symbol)));
    }
    let key = v8::Local::<v8::String>::try_from(key).ok()?;
    let key = beginning(scope, key);
    Some(match is_identifier(&key) {
        true => key,
        false => quoted(&key),
    })
}

/// Everything that is no object.
fn primitive<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    if let Ok(string) = v8::Local::<v8::String>::try_from(value) {
        return Ok(quoted_string(scope, string));
    }
    if let Ok(symbol) = v8::Local::<v8::Symbol>::try_from(value) {
        return Ok(symbol_text(scope, symbol));
    }
    if let Ok(number) = v8::Local::<v8::Number>::try_from(value)
        && number.value() == 0.0
        && number.value().is_sign_negative()
    {
        return Ok("-0".to_owned());
    }
    let text = match attempt(scope, |scope| value.to_string(scope))? {
        Attempt::Done(string) => to_rust_string(scope, string),
        Attempt::Threw(exception) => thrown_text(scope, exception)?,
    };
    Ok(if value.is_big_int() {
        format!("{text}n")
    } else {
        text
    })
}
