//! The TCP stream under everything else, with the bounds that the layers above it leave open.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::boxed::Box;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Bytes read before the task yields once. Frames without a message in them (fragments, above all) are read in one poll for
/// as long as there are more of them; yielding lets timers have their turn. Enough for what a socket holds after a suspend,
/// which is to be read before a timer that is due, and read in a few milliseconds.
const BURST: usize = 128 << 10;

/// A stream that yields after each burst of reading, and that fails when the peer stops reading.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// Bytes left in this burst.
    left: usize,
    /// How long the peer may take nothing.
    patience: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) const fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, left: BURST, patience, stalled: None }
    }

    /// Fails when the peer has taken nothing for too long.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let over = self.stalled.as_mut().is_some_and(|stalled| stalled.as_mut().poll(cx).is_ready());
        if over { Err(io::Error::new(io::ErrorKind::TimedOut, "the server does not read")) } else { Ok(()) }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        if self.left == 0 {
            self.left = BURST;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buf) else {
            self.left = BURST;
            return Poll::Pending;
        };
        self.left = self.left.saturating_sub(buf.filled().len().saturating_sub(before));
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(cx, buf) {
            self.stalled = None;
            return Poll::Ready(written);
        }
        let patience = self.patience;
        self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        self.check(cx)?;
        Poll::Pending
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::vec;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Wire::new(stream, PATIENCE), listener.accept().await.unwrap().0)
    }

    /// However much there is to read, a reader that never stops by itself is stopped after each burst.
    #[tokio::test]
    async fn reading_yields_after_each_burst() {
        let (mut wire, mut peer) = pair().await;
        let writer = tokio::spawn(async move {
            let chunk = vec![7; 64 << 10];
            while peer.write_all(&chunk).await.is_ok() {}
        });
        let mut buffer = vec![0; 4 << 10];
        for _ in 0..4 {
            let mut total = 0;
            while let Some(read) = wire.read(&mut buffer).now_or_never() {
                total += read.unwrap();
                assert!(total <= BURST, "{total} bytes in one poll");
            }
            tokio::task::yield_now().await;
        }
        writer.abort();
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_lost() {
        let (mut wire, mut peer) = pair().await;
        let chunk = vec![7; 64 << 10];
        // The kernel takes what it can, and then nothing.
        while let Some(written) = wire.write(&chunk).now_or_never() {
            assert!(written.unwrap() > 0);
        }
        tokio::time::pause();
        peer.write_all(b"x").await.unwrap();
        tokio::time::advance(PATIENCE / 2).await;
        assert_eq!(wire.read_u8().await.unwrap(), b'x', "not yet");
        let error = wire.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "a reader finds it too");
        drop(peer);
    }
}
