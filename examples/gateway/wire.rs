//! The TCP stream under the WebSocket, with the bounds that the layer above it leaves open.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Bytes read before the task yields once. Frames without a message in them (fragments, above all) are read in one
/// poll for as long as there are more of them; this is what lets timers have their turn. Enough for what a socket
/// holds after a suspend, which is to be read before a timer that is due, and read in a few milliseconds.
const BURST: usize = 128 << 10;

/// How long the peer may take nothing of what is written to it before the connection counts as lost. A heartbeat
/// finds such a peer too, unless it acknowledges what it can't have read.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Where the minor digit of `HTTP/1.1` stands in an answer.
const MINOR: usize = 7;

/// A stream that yields, and that is lost when the peer stops reading.
pub(crate) struct Wire {
    stream: TcpStream,
    /// Bytes left in this burst.
    left: usize,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Bytes of the answer to the upgrade read so far, up to [`MINOR`] + 1.
    answered: usize,
}

impl Wire {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream, left: BURST, stalled: None, answered: 0 }
    }

    /// Whether the peer has taken nothing for too long.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let over = self.stalled.as_mut().is_some_and(|stalled| stalled.as_mut().poll(cx).is_ready());
        if over { Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")) } else { Ok(()) }
    }

    /// Some proxies answer with HTTP/1.0, whose status and `Retry-After` mean the same. The WebSocket library reports
    /// such an answer as a broken one, so the version is raised here.
    fn raise_version(&mut self, read: &mut [u8]) {
        if self.answered <= MINOR {
            if let Some(digit) = read.get_mut(MINOR - self.answered).filter(|digit| **digit == b'0') {
                *digit = b'1';
            }
            self.answered = self.answered.saturating_add(read.len());
        }
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
        let new = buf.filled_mut().get_mut(before..).unwrap_or_default();
        self.left = self.left.saturating_sub(new.len());
        self.raise_version(new);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(cx, buf) {
            self.stalled = None;
            return Poll::Ready(written);
        }
        self.stalled.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Wire::new(stream), listener.accept().await.unwrap().0)
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
        let mut polls = 0;
        for _ in 0..4 {
            let mut total = 0;
            while let Some(read) = wire.read(&mut buffer).now_or_never() {
                total += read.unwrap();
                assert!(total <= BURST, "{total} bytes in one poll");
            }
            polls += 1;
            tokio::task::yield_now().await;
        }
        assert_eq!(polls, 4);
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
        assert_eq!(
            wire.read_u8().await.unwrap_err().kind(),
            io::ErrorKind::TimedOut,
            "a reader finds it too"
        );
        drop(peer);
    }

    #[tokio::test]
    async fn a_version_is_raised_wherever_it_is_cut() {
        for cut in 0..=12 {
            let (mut wire, mut peer) = pair().await;
            let answer = b"HTTP/1.0 503 0000000";
            let mut read = vec![0; answer.len()];
            peer.write_all(&answer[..cut]).await.unwrap();
            wire.read_exact(&mut read[..cut]).await.unwrap();
            peer.write_all(&answer[cut..]).await.unwrap();
            wire.read_exact(&mut read[cut..]).await.unwrap();
            assert_eq!(read, b"HTTP/1.1 503 0000000", "cut at {cut}");
        }
    }
}
