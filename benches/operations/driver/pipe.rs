//! A transport in memory, so that what is counted is the reading and not the kernel.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use stubborn_io::tokio::UnderlyingIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes of one message.
pub const MESSAGE: usize = 16;

/// The far end: it says how many messages there are to be read.
#[derive(Clone, Default)]
pub(super) struct Peer(Arc<Sent>);

#[derive(Default)]
struct Sent {
    unread: AtomicU64,
    reader: Mutex<Option<Waker>>,
}

impl Peer {
    fn reader(&self) -> Option<Waker> {
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Sends so many messages.
    pub(super) fn send(&self, messages: u64) {
        self.0.unread.store(messages, Ordering::Relaxed);
        if let Some(reader) = self.reader() {
            reader.wake();
        }
    }

    /// Whether all of them were read.
    pub(super) fn is_read(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed) == 0
    }
}

/// The near end. One read takes one message, as one of a socket takes what its peer wrote at once.
pub(super) struct Pipe(Peer);

impl Pipe {
    pub(super) fn connect(peer: &Peer) -> Self {
        Self(peer.clone())
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let sent = &*self.0.0;
        let unread = sent.unread.load(Ordering::Relaxed);
        if unread == 0 {
            *sent.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            return Poll::Pending;
        }
        sent.unread.store(unread - 1, Ordering::Relaxed);
        buffer.put_slice(&[7; MESSAGE]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl UnderlyingIo<Peer> for Pipe {
    fn establish(peer: Peer) -> Pin<Box<dyn Future<Output = io::Result<Self>> + Send>> {
        Box::pin(async move { Ok(Self::connect(&peer)) })
    }
}
