//! Serving one client on a stream: standard input and output, or any other.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Calls, Connection, ConnectionKind};
use super::{ServeError, Shared};

pub(super) async fn serve<R, W>(
    gateway: &Arc<Shared>,
    read: R,
    write: W,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let calls = Calls {
        running: TaskTracker::new(),
        closing: gateway.closing.child_token(),
    };
    let connection = Connection::new(Arc::clone(gateway), ConnectionKind::Stream, calls.clone());
    let session = connection.session();
    let end_of_input = CancellationToken::new();
    let read = Watched {
        inner: read,
        end: end_of_input.clone(),
        closing: calls.closing.clone(),
    };
    let closed = CancellationToken::new();
    let _closed = closed.clone().drop_guard();
    let begun = serve_server_with_ct(connection, (read, write), closed.clone());
    let begun = tokio::select! {
        begun = begun => begun,
        () = shutdown.cancelled() => return Ok(()),
        () = gateway.closing.cancelled() => return Ok(()),
    };
    let running = match begun {
        Ok(running) => running,
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
            return Ok(());
        }
        Err(error) => {
            return Err(ServeError::Handshake {
                why: error.to_string(),
            });
        }
    };
    tokio::select! {
        () = end_of_input.cancelled() => {}
        () = shutdown.cancelled() => {}
        () = gateway.closing.cancelled() => {}
    }
    // No more requests are read; what the running ones wait for ends, so that they are answered. rmcp
    // would cancel them: it is told to close when they are done, and sends what it still has to.
    calls.closing.cancel();
    let ending = async {
        if let Some(session) = session {
            session.engine.shutdown().await;
        }
        calls.running.close();
        calls.running.wait().await;
        closed.cancel();
        let _ = running.waiting().await;
    };
    if timeout(gateway.options.shutdown_time, ending)
        .await
        .is_err()
    {
        tracing::warn!("the connection took too long to close; it is dropped");
    }
    Ok(())
}

/// Says when the client has closed its end: rmcp says so only after it has waited for the requests that
/// are running, which may wait for a script. Reads nothing more once the connection is closing.
struct Watched<R> {
    inner: R,
    end: CancellationToken,
    closing: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.closing.is_cancelled() {
            // For good: whoever reads is dropped with the connection.
            return Poll::Pending;
        }
        let (filled, room) = (buffer.filled().len(), buffer.remaining());
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let ended = match &polled {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => room > 0 && buffer.filled().len() == filled,
            Poll::Ready(Err(_)) => true,
        };
        if ended {
            self.end.cancel();
        }
        polled
    }
}
