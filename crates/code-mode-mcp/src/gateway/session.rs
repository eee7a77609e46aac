//! One client's session: an engine session and what is known of its cells; and all sessions of a gateway.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use code_mode::{CellId, Session, WaitRequest};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::cell::{Cells, lock};
use super::handle::random_handle;

/// One client's stored values and cells. Owned by its connection, or by [`Sessions`] where there is
/// none; its cells end with it.
pub(super) struct ClientSession {
    /// Names the session in logs. Unlike the handle it lets nobody in.
    pub(super) number: u64,
    /// What a client names the session by, where the connection is not the session.
    pub(super) handle: Option<String>,
    pub(super) engine: Session,
    pub(super) cells: Arc<Cells>,
    /// The namespaces of the servers that were missing when the client was last told of them.
    told_missing: Mutex<BTreeSet<String>>,
}

impl ClientSession {
    /// Whether servers are missing that the client was not told of, or not all of those that it was told
    /// of. Takes it for told now.
    pub(super) fn missing_is_news(&self, missing: BTreeSet<String>) -> bool {
        let mut told = lock(&self.told_missing);
        let news = !missing.is_empty() && *told != missing;
        *told = missing;
        news
    }

    /// Ends a cell that nobody will ask for any more, in the background.
    pub(super) fn abandon(self: &Arc<Self>, cell_id: CellId) {
        let session = Arc::clone(self);
        tokio::spawn(async move {
            // It may have ended by itself, and somebody else may have asked for that.
            let _ = session.engine.wait(WaitRequest::terminate(cell_id)).await;
            session.cells.forget(cell_id);
        });
    }
}

/// All sessions of a gateway, and those among them that clients name by a handle.
pub(super) struct Sessions {
    last_number: AtomicU64,
    /// Sessions over HTTP, with `Mcp-Session-Id` or by handle.
    seated: Arc<AtomicUsize>,
    max_seated: usize,
    idle_time: Duration,
    /// Every session, to end them at a shutdown.
    all: Mutex<Vec<Weak<ClientSession>>>,
    by_handle: Mutex<HashMap<String, Named>>,
    /// Sessions of connections over HTTP, by `Mcp-Session-Id`.
    by_transport_id: Mutex<HashMap<String, Weak<ClientSession>>>,
    /// Wakes the task that ends idle sessions.
    changed: Notify,
}

/// A session that clients name by its handle.
struct Named {
    session: Arc<ClientSession>,
    /// Requests that are running in it.
    users: usize,
    /// When the last of them ended.
    idle_since: Instant,
    _seat: Seat,
}

/// The right to be one of the sessions over HTTP. Given back when dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why there is no session for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SessionError {
    #[error(
        "there are {max} sessions, as many as this server allows; use one you have, or try again later"
    )]
    TooMany { max: usize },
    #[error(
        "session {handle:?} is not known: it may have expired, with its cells and stored values; \
         leave out session to start a new one with exec"
    )]
    Unknown { handle: String },
    #[error("wait needs the argument session: the session that exec answered with")]
    NotNamed,
}

impl Sessions {
    pub(super) fn new(max: usize, idle_time: Duration) -> Self {
        Self {
            last_number: AtomicU64::new(0),
            seated: Arc::default(),
            max_seated: max,
            idle_time,
            all: Mutex::default(),
            by_handle: Mutex::default(),
            by_transport_id: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A session that lives as long as what it is returned to.
    pub(super) fn connected(
        &self,
        engine: impl FnOnce(u64, Arc<Cells>) -> Session,
    ) -> Arc<ClientSession> {
        self.make(None, engine)
    }

    /// Room for one more session over HTTP. Makes some by ending the session that has been idle the
    /// longest of those that have nothing a client could miss.
    pub(super) fn seat(&self) -> Result<Seat, SessionError> {
        loop {
            let taken = self
                .seated
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seated| {
                    (seated < self.max_seated).then_some(seated + 1)
                });
            if taken.is_ok() {
                return Ok(Seat(Arc::clone(&self.seated)));
            }
            if !self.drop_empty() {
                return Err(SessionError::TooMany {
                    max: self.max_seated,
                });
            }
        }
    }

    fn drop_empty(&self) -> bool {
        let mut named = lock(&self.by_handle);
        let empty = named
            .iter()
            .filter(|(_, named)| named.users == 0 && is_empty(&named.session.engine))
            .min_by_key(|(_, named)| named.idle_since)
            .map(|(handle, _)| handle.clone());
        empty.is_some_and(|handle| named.remove(&handle).is_some())
    }

    /// A new session with a handle.
    pub(super) fn named(
        self: &Arc<Self>,
        engine: impl FnOnce(u64, Arc<Cells>) -> Session,
    ) -> Result<SessionUse, SessionError> {
        let seat = self.seat()?;
        let handle = random_handle();
        let session = self.make(Some(handle.clone()), engine);
        let named = Named {
            session: Arc::clone(&session),
            users: 1,
            idle_since: Instant::now(),
            _seat: seat,
        };
        lock(&self.by_handle).insert(handle, named);
        Ok(SessionUse {
            session,
            sessions: Some(Arc::clone(self)),
        })
    }

    /// The session with this handle. It does not expire while the answer is held.
    pub(super) fn find(self: &Arc<Self>, handle: &str) -> Result<SessionUse, SessionError> {
        let mut named = lock(&self.by_handle);
        let Some(named) = named.get_mut(handle) else {
            return Err(SessionError::Unknown {
                handle: handle.to_owned(),
            });
        };
        named.users += 1;
        Ok(SessionUse {
            session: Arc::clone(&named.session),
            sessions: Some(Arc::clone(self)),
        })
    }

    /// Forgets a session with a handle; its cells end.
    pub(super) fn end(&self, handle: &str) {
        let named = lock(&self.by_handle).remove(handle);
        drop(named);
    }

    /// Says which session a `Mcp-Session-Id` means.
    pub(super) fn learn_name(&self, transport_id: &str, session: &Arc<ClientSession>) {
        let mut known = lock(&self.by_transport_id);
        if !known.contains_key(transport_id) {
            known.retain(|_, session| session.strong_count() > 0);
            known.insert(transport_id.to_owned(), Arc::downgrade(session));
        }
    }

    /// Ends the cells of the session with this `Mcp-Session-Id`, if it has any.
    pub(super) async fn end_named(&self, transport_id: &str) {
        let session = lock(&self.by_transport_id).remove(transport_id);
        if let Some(session) = session.and_then(|session| session.upgrade()) {
            session.engine.shutdown().await;
        }
    }

    fn make(
        &self,
        handle: Option<String>,
        engine: impl FnOnce(u64, Arc<Cells>) -> Session,
    ) -> Arc<ClientSession> {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        let cells = Arc::<Cells>::default();
        let session = Arc::new(ClientSession {
            number,
            handle,
            engine: engine(number, Arc::clone(&cells)),
            cells,
            told_missing: Mutex::default(),
        });
        let mut all = lock(&self.all);
        all.retain(|session| session.strong_count() > 0);
        all.push(Arc::downgrade(&session));
        session
    }

    /// Ends sessions with a handle that have been idle for too long, until the token fires.
    pub(super) async fn expire(&self, until: CancellationToken) {
        loop {
            let next = self.end_expired();
            let expiry = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = expiry => {}
                () = self.changed.notified() => {}
                () = until.cancelled() => return,
            }
        }
    }

    /// When the next one expires.
    fn end_expired(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut next = None;
        let mut expired = Vec::new();
        lock(&self.by_handle).retain(|_, named| {
            if named.users > 0 {
                return true;
            }
            let expiry = named.idle_since + self.idle_time;
            if expiry <= now {
                expired.push(Arc::clone(&named.session));
                return false;
            }
            next = Some(next.map_or(expiry, |next: Instant| next.min(expiry)));
            true
        });
        for session in expired {
            tracing::debug!(session = session.number, "an idle session has ended");
        }
        next
    }

    /// Ends all sessions, and returns when their cells are gone.
    pub(super) async fn shut_down(&self) {
        let all: Vec<_> = std::mem::take(&mut *lock(&self.all));
        let ending = all
            .iter()
            .filter_map(Weak::upgrade)
            .map(|session| async move { session.engine.shutdown().await });
        futures_util::future::join_all(ending).await;
        lock(&self.by_handle).clear();
    }
}

/// Whether a session has nothing that a client could come back for.
fn is_empty(session: &Session) -> bool {
    session.cells().is_empty()
        && session.outputs().is_empty()
        && session.stored_values().iter().next().is_none()
}

/// A session that a request is running in.
pub(super) struct SessionUse {
    pub(super) session: Arc<ClientSession>,
    /// Where it is named; `None` where the connection is the session.
    sessions: Option<Arc<Sessions>>,
}

impl SessionUse {
    pub(super) fn connected(session: Arc<ClientSession>) -> Self {
        Self {
            session,
            sessions: None,
        }
    }
}

impl Drop for SessionUse {
    fn drop(&mut self) {
        let (Some(sessions), Some(handle)) = (&self.sessions, &self.session.handle) else {
            return;
        };
        if let Some(named) = lock(&sessions.by_handle).get_mut(handle) {
            named.users -= 1;
            named.idle_since = Instant::now();
        }
        sessions.changed.notify_one();
    }
}
