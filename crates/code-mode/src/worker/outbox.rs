//! What waits to be sent to one worker. Nobody who sends is ever held up by a worker that does not read.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::NO_SIGNAL;
use crate::sync::lock;

/// How much may wait for a worker before it is taken for one that does not read.
const MAX_WAITING_BYTES: usize = 4 * super::protocol::MAX_FRAME_BYTES;

/// The sending half of a worker's socket.
///
/// What the socket has room for is written by whoever sends, which saves a switch of threads. The rest
/// is written by a thread that is started when there is a rest for the first time.
pub(super) struct Outbox {
    socket: UnixStream,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    /// Whether the thread is there; it then writes all there is, so that the order is kept.
    has_writer: bool,
    /// Whether the thread is in the middle of a write.
    writing: bool,
    closed: bool,
}

/// A worker that does not read.
pub(super) struct Full;

impl Outbox {
    pub(super) fn new(socket: UnixStream) -> Arc<Self> {
        Arc::new(Self {
            socket,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Sends frames. What cannot be sent because the worker is gone is dropped: its death is heard of
    /// elsewhere.
    pub(super) fn send(self: &Arc<Self>, mut bytes: Vec<u8>) -> Result<(), Full> {
        let mut state = lock(&self.state);
        if state.closed || bytes.is_empty() {
            return Ok(());
        }
        if state.waiting.is_empty() && !state.writing {
            match self.write_now(&bytes) {
                Some(written) if written == bytes.len() => return Ok(()),
                Some(written) => drop(bytes.drain(..written)),
                None => {
                    state.closed = true;
                    return Ok(());
                }
            }
        }
        if state.waiting_bytes + bytes.len() > MAX_WAITING_BYTES {
            state.closed = true;
            return Err(Full);
        }
        state.waiting_bytes += bytes.len();
        state.waiting.push_back(bytes);
        if !state.has_writer {
            let this = Arc::clone(self);
            let writer = thread::Builder::new().name("worker-writer".to_owned());
            // Without a thread for the rest, the worker cannot be served any more.
            writer.spawn(move || this.write_rest()).map_err(|_| Full)?;
            state.has_writer = true;
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Sends nothing any more, and ends the thread.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        self.changed.notify_one();
    }

    /// Writes what there is room for; how much that was, or `None` if nobody reads any more.
    fn write_now(&self, bytes: &[u8]) -> Option<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match send(
                &self.socket,
                &bytes[written..],
                NO_SIGNAL | SendFlags::DONTWAIT,
            ) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => return None,
            }
        }
        Some(written)
    }

    fn write_rest(&self) {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                state.waiting.clear();
                return;
            }
            let Some(bytes) = state.waiting.pop_front() else {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.writing = true;
            drop(state);
            let all = self.write_all(&bytes);
            state = lock(&self.state);
            state.writing = false;
            state.waiting_bytes -= bytes.len();
            state.closed |= !all;
        }
    }

    /// Waits for room as long as it takes; whether somebody read it all.
    fn write_all(&self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, NO_SIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        true
    }
}
