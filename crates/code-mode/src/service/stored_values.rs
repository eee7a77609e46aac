//! Stored values: JSON by key, owned by a session, seen by a cell as they were when it started.
//!
//! A cell writes into its own [`Draft`]; the session takes the draft's writes over in one step when
//! the cell completes, key by key, and never otherwise.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::sync::lock;

/// JSON values by key. A clone is a pointer.
///
/// ```
/// use code_mode::StoredValues;
///
/// let mut values = StoredValues::default();
/// values.insert("seen", &["a", "b"])?;
/// assert_eq!(values.get::<Vec<String>>("seen").unwrap()?, ["a", "b"]);
/// assert_eq!(serde_json::to_string(&values)?, r#"{"seen":["a","b"]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct StoredValues {
    values: Arc<BTreeMap<String, Arc<RawValue>>>,
}

impl StoredValues {
    /// Sets a key to anything that serialises to JSON.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        key: impl Into<String>,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        let json = serde_json::value::to_raw_value(value)?;
        Arc::make_mut(&mut self.values).insert(key.into(), json.into());
        Ok(())
    }

    /// Reads a key as a `T`; `None` where there is no such key.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<Result<T, serde_json::Error>> {
        self.json(key).map(|json| serde_json::from_str(json.get()))
    }

    /// The JSON of a key.
    pub fn json(&self, key: &str) -> Option<&RawValue> {
        self.values.get(key).map(|json| &**json)
    }

    /// Keys and their JSON, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.values
            .iter()
            .map(|(key, json)| (key.as_str(), &**json))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Bytes of all keys and their JSON, and 64 for each entry: what counts against
    /// [`Limits::max_stored_bytes`](crate::Limits::max_stored_bytes).
    pub fn size_bytes(&self) -> usize {
        self.values
            .iter()
            .map(|(key, json)| entry_bytes(key, json))
            .sum()
    }

    /// What a write adds to [`size_bytes`](Self::size_bytes).
    fn growth(&self, key: &str, json: Option<&RawValue>) -> isize {
        let bytes = |json| entry_bytes(key, json) as isize;
        json.map_or(0, bytes) - self.json(key).map_or(0, bytes)
    }

    fn apply(&mut self, key: String, json: Option<Arc<RawValue>>) {
        let values = Arc::make_mut(&mut self.values);
        match json {
            Some(json) => values.insert(key, json),
            None => values.remove(&key),
        };
    }
}

impl fmt::Debug for StoredValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(key, json)| (key, json.get())))
            .finish()
    }
}

impl Serialize for StoredValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for StoredValues {
    /// Only from JSON text (`serde_json::from_str` and the like): values are kept as the text they came as.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        Ok(Self {
            values: Arc::new(
                values
                    .into_iter()
                    .map(|(key, json)| (key, json.into()))
                    .collect(),
            ),
        })
    }
}

fn entry_bytes(key: &str, json: &RawValue) -> usize {
    /// What an entry costs beside its text, about.
    const ENTRY_OVERHEAD: usize = 64;
    key.len() + json.get().len() + ENTRY_OVERHEAD
}

/// The stored values of a session. Shared by the session and its cells; holds its lock for map
/// operations only.
pub(crate) struct SessionValues {
    state: Mutex<SessionState>,
    max_bytes: usize,
}

struct SessionState {
    committed: StoredValues,
    committed_bytes: usize,
    /// What live drafts may add at most, promised to them when they wrote.
    reserved_bytes: usize,
}

impl SessionValues {
    pub(crate) fn new(values: StoredValues, max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(SessionState {
                committed_bytes: values.size_bytes(),
                committed: values,
                reserved_bytes: 0,
            }),
            max_bytes,
        }
    }

    pub(crate) fn snapshot(&self) -> StoredValues {
        lock(&self.state).committed.clone()
    }

    /// What one cell sees from its start on: the session's values with the request's over them.
    pub(crate) fn draft(self: &Arc<Self>, overlay: StoredValues) -> Draft {
        let mut view = self.snapshot();
        if view.is_empty() {
            view = overlay;
        } else {
            for (key, json) in overlay.values.iter() {
                view.apply(key.clone(), Some(Arc::clone(json)));
            }
        }
        Draft {
            session: Arc::clone(self),
            state: Mutex::new(DraftState {
                view,
                writes: BTreeMap::new(),
                growth: 0,
                reserved_bytes: 0,
            }),
        }
    }
}

/// One cell's view of the stored values and the writes it will commit.
///
/// Written by the cell's thread, committed by its control task; dropped without a commit, it gives
/// back what it reserved.
pub(crate) struct Draft {
    session: Arc<SessionValues>,
    state: Mutex<DraftState>,
}

struct DraftState {
    view: StoredValues,
    writes: BTreeMap<String, Option<Arc<RawValue>>>,
    /// Bytes the writes add to the view, less those they remove.
    growth: isize,
    reserved_bytes: usize,
}

/// A write that would take the session over its limit.
#[derive(Debug, thiserror::Error)]
#[error(
    "store({key:?}): the session's stored values may take {max_bytes} bytes in all and this would exceed it; \
     remove what is no longer needed with store(key, undefined)"
)]
pub(crate) struct StoreFull {
    key: String,
    max_bytes: usize,
}

impl Draft {
    pub(crate) fn load(&self, key: &str) -> Option<Arc<RawValue>> {
        lock(&self.state).view.values.get(key).cloned()
    }

    /// Sets a key, or removes it with `None`.
    pub(crate) fn store(&self, key: String, json: Option<Box<RawValue>>) -> Result<(), StoreFull> {
        let json: Option<Arc<RawValue>> = json.map(Arc::from);
        let mut draft = lock(&self.state);
        let growth = draft.growth + draft.view.growth(&key, json.as_deref());
        self.reserve(&mut draft, growth, &key)?;
        draft.growth = growth;
        draft.view.apply(key.clone(), json.clone());
        draft.writes.insert(key, json);
        Ok(())
    }

    fn reserve(&self, draft: &mut DraftState, growth: isize, key: &str) -> Result<(), StoreFull> {
        let wanted = usize::try_from(growth).unwrap_or(0);
        let mut session = lock(&self.session.state);
        let others = session.reserved_bytes - draft.reserved_bytes;
        let grows = wanted > draft.reserved_bytes;
        if grows && session.committed_bytes + others + wanted > self.session.max_bytes {
            return Err(StoreFull {
                key: key.to_owned(),
                max_bytes: self.session.max_bytes,
            });
        }
        session.reserved_bytes = others + wanted;
        draft.reserved_bytes = wanted;
        Ok(())
    }

    /// Hands the writes to the session in one step and returns its values as they are then.
    pub(crate) fn commit(&self) -> StoredValues {
        let mut draft = lock(&self.state);
        let mut session = lock(&self.session.state);
        for (key, json) in std::mem::take(&mut draft.writes) {
            let growth = session.committed.growth(&key, json.as_deref());
            session.committed_bytes = session.committed_bytes.saturating_add_signed(growth);
            session.committed.apply(key, json);
        }
        session.reserved_bytes -= std::mem::take(&mut draft.reserved_bytes);
        session.committed.clone()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let reserved = lock(&self.state).reserved_bytes;
        lock(&self.session.state).reserved_bytes -= reserved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<Box<RawValue>> {
        Some(RawValue::from_string(text.to_owned()).unwrap())
    }

    fn session(max_bytes: usize) -> Arc<SessionValues> {
        Arc::new(SessionValues::new(StoredValues::default(), max_bytes))
    }

    #[test]
    fn a_draft_sees_its_own_writes_and_nobody_elses() {
        let session = session(1000);
        let (one, two) = (
            session.draft(StoredValues::default()),
            session.draft(StoredValues::default()),
        );
        one.store("k".into(), json("1")).unwrap();
        assert_eq!(one.load("k").unwrap().get(), "1");
        assert!(two.load("k").is_none());
        one.commit();
        assert!(two.load("k").is_none());
        assert_eq!(session.snapshot().json("k").unwrap().get(), "1");
    }

    #[test]
    fn an_overlay_is_seen_but_not_committed() {
        let session = session(1000);
        let mut overlay = StoredValues::default();
        overlay.insert("o", &1).unwrap();
        let draft = session.draft(overlay);
        assert_eq!(draft.load("o").unwrap().get(), "1");
        assert!(draft.commit().is_empty());
    }

    #[test]
    fn what_live_drafts_reserve_counts_against_the_session() {
        let session = session(80);
        let one = session.draft(StoredValues::default());
        let two = session.draft(StoredValues::default());
        one.store("a".into(), json("12345")).unwrap();
        let error = two.store("b".into(), json("12345")).unwrap_err();
        assert!(error.to_string().contains("\"b\""), "{error}");
        drop(one);
        two.store("b".into(), json("12345")).unwrap();
    }

    #[test]
    fn the_size_kept_beside_the_values_is_their_size() {
        let session = session(1000);
        for (key, value) in [
            ("a", json("1")),
            ("b", json("12345")),
            ("a", json("\"longer\"")),
            ("b", None),
            ("never", None),
        ] {
            let draft = session.draft(StoredValues::default());
            draft.store(key.into(), value).unwrap();
            let values = draft.commit();
            assert_eq!(lock(&session.state).committed_bytes, values.size_bytes());
        }
    }

    #[test]
    fn replacing_and_removing_give_room_back() {
        let session = session(80);
        let draft = session.draft(StoredValues::default());
        draft.store("a".into(), json("12345678")).unwrap();
        draft.store("a".into(), json("87654321")).unwrap();
        draft.store("b".into(), json("1")).unwrap_err();
        draft.store("a".into(), None).unwrap();
        draft.store("b".into(), json("1")).unwrap();
        assert_eq!(draft.commit().size_bytes(), 66);
    }
}
