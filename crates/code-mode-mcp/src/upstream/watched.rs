//! A transport that sees the calls go by: it knows which are in flight, and hands the progress of each
//! to it in the order the server reported it.
//!
//! The library starts a task for each notification it receives, so that the last progress of a call
//! may come after its result. Here it does not.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, GetExtensions, GetMeta, ProgressNotificationParam,
    ProgressToken, RequestId, ServerJsonRpcMessage, ServerNotification,
};
use rmcp::transport::Transport;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::call::{OnProgress, Progress};
use super::elicit::Elicit;

/// What a call wants to know while it is in flight. Put into the extensions of its request, which
/// never leave the process.
#[derive(Clone)]
pub(super) struct Watch(pub(super) Arc<WatchParts>);

pub(super) struct WatchParts {
    on_progress: Option<OnProgress>,
    pub(super) elicit: Option<Arc<dyn Elicit>>,
    /// Wakes the call at each report and question, so that it starts its time-out again.
    pub(super) reported: Notify,
    /// Questions that a person has not answered yet. The time-out stands still for them.
    questions: AtomicUsize,
}

impl WatchParts {
    pub(super) fn new(on_progress: Option<OnProgress>, elicit: Option<Arc<dyn Elicit>>) -> Self {
        Self {
            on_progress,
            elicit,
            reported: Notify::new(),
            questions: AtomicUsize::new(0),
        }
    }

    /// Whether a person is thinking.
    pub(super) fn is_asking(&self) -> bool {
        self.questions.load(Ordering::Relaxed) > 0
    }
}

/// Counts a question while it lives.
pub(super) struct OpenQuestion<'a>(&'a WatchParts);

impl<'a> OpenQuestion<'a> {
    pub(super) fn new(parts: &'a WatchParts) -> Self {
        parts.questions.fetch_add(1, Ordering::Relaxed);
        parts.reported.notify_one();
        Self(parts)
    }
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        self.0.questions.fetch_sub(1, Ordering::Relaxed);
        self.0.reported.notify_one();
    }
}

impl Watch {
    fn progress(&self, params: ProgressNotificationParam) {
        if let Some(on_progress) = &self.0.on_progress {
            on_progress(Progress {
                progress: params.progress,
                total: params.total,
                message: params.message,
            });
        }
        self.0.reported.notify_one();
    }
}

/// The calls of one connection that have been sent and not been answered. Shared by its transport and
/// its handler of requests; locked for moments only.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    by_id: HashMap<RequestId, (ProgressToken, Watch)>,
    by_token: HashMap<ProgressToken, RequestId>,
    /// Those that did not reach the server, or that it refused to look at.
    refused: HashSet<RequestId>,
}

impl InFlight {
    /// The call of this request.
    pub(super) fn get(&self, id: &RequestId) -> Option<Watch> {
        self.lock().by_id.get(id).map(|(_, watch)| watch.clone())
    }

    /// The call, if there is exactly one.
    pub(super) fn only(&self) -> Option<Watch> {
        let calls = self.lock();
        let mut watches = calls.by_id.values();
        let (_, only) = watches.next()?;
        watches.next().is_none().then(|| only.clone())
    }

    fn with_token(&self, token: &ProgressToken) -> Option<Watch> {
        let calls = self.lock();
        let id = calls.by_token.get(token)?;
        calls.by_id.get(id).map(|(_, watch)| watch.clone())
    }

    fn insert(&self, id: RequestId, token: ProgressToken, watch: Watch) {
        let mut calls = self.lock();
        calls.by_token.insert(token.clone(), id.clone());
        calls.by_id.insert(id, (token, watch));
    }

    /// Forgets a call, and says whether it is noted as not executed.
    pub(super) fn remove(&self, id: &RequestId) -> bool {
        let mut calls = self.lock();
        if let Some((token, _)) = calls.by_id.remove(id) {
            calls.by_token.remove(&token);
        }
        calls.refused.remove(id)
    }

    /// Notes that the server has certainly not executed a call.
    pub(super) fn refused(&self, id: &RequestId) {
        let mut calls = self.lock();
        if calls.by_id.contains_key(id) {
            calls.refused.insert(id.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wraps the transport of a connection. Owned by the connection's service.
pub(super) struct Watched<T> {
    inner: T,
    in_flight: InFlight,
    /// Fires when the transport is dropped, that is when the service has ended.
    _ended: DropGuard,
}

impl<T> Watched<T> {
    /// The token fires when the service that owns the transport has ended.
    pub(super) fn new(inner: T, in_flight: InFlight) -> (Self, CancellationToken) {
        let ended = CancellationToken::new();
        let watched = Self {
            inner,
            in_flight,
            _ended: ended.clone().drop_guard(),
        };
        (watched, ended)
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Watched<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        match &message {
            ClientJsonRpcMessage::Request(sent) => {
                if let Some(watch) = sent.request.extensions().get::<Watch>()
                    && let Some(token) = sent.request.get_meta().get_progress_token()
                {
                    self.in_flight.insert(sent.id.clone(), token, watch.clone());
                }
            }
            ClientJsonRpcMessage::Notification(sent) => {
                if let ClientNotification::CancelledNotification(cancelled) = &sent.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.in_flight.remove(id);
                }
            }
            _ => {}
        }
        self.inner.send(message)
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        let message = self.inner.receive().await?;
        match &message {
            ServerJsonRpcMessage::Response(response) => {
                self.in_flight.remove(&response.id);
            }
            ServerJsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.in_flight.remove(id);
                }
            }
            ServerJsonRpcMessage::Notification(received) => {
                if let ServerNotification::ProgressNotification(progress) = &received.notification
                    && let Some(watch) = self.in_flight.with_token(&progress.params.progress_token)
                {
                    watch.progress(progress.params.clone());
                }
            }
            ServerJsonRpcMessage::Request(_) => {}
        }
        Some(message)
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}
