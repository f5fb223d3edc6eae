//! The head of the server's answer to the upgrade: bounded, and read as HTTP/1.1.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::format;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Where the minor digit of `HTTP/1.1` stands in an answer.
const MINOR: usize = 7;

/// A stream whose first bytes are the head of an HTTP answer.
///
/// A head that is too long is an error, before it is kept. And some proxies answer with HTTP/1.0, whose status and
/// `Retry-After` mean the same; the WebSocket library takes such an answer for a broken one, so the version is raised here.
#[derive(Debug)]
pub(super) struct Head<S> {
    stream: S,
    /// Bytes of the head so far; `None`: it has ended.
    read: Option<usize>,
    limit: usize,
    /// The last line ended with what was read last.
    line_ended: bool,
}

impl<S> Head<S> {
    pub(super) const fn new(stream: S, limit: usize) -> Self {
        Self { stream, read: Some(0), limit, line_ended: false }
    }

    fn check(&mut self, new: &mut [u8]) -> io::Result<()> {
        for byte in new {
            let Some(read) = &mut self.read else { return Ok(()) };
            if *read == MINOR && *byte == b'0' {
                *byte = b'1';
            }
            *read = read.saturating_add(1);
            let over = *read > self.limit;
            match *byte {
                b'\n' if self.line_ended => self.read = None,
                b'\n' => self.line_ended = true,
                b'\r' => {}
                _ => self.line_ended = false,
            }
            if over {
                let text = format!("the answer to the upgrade is longer than {} bytes", self.limit);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Head<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.read.is_some() {
            self.check(buf.filled_mut().get_mut(before..).unwrap_or_default())?;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Head<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
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
    use std::vec;
    use std::vec::Vec;
    use tokio::io::AsyncReadExt;

    /// All of it, in two pieces.
    async fn read(answer: &[u8], cut: usize, limit: usize) -> io::Result<Vec<u8>> {
        let (first, second) = answer.split_at(cut);
        let mut head = Head::new(first.chain(second), limit);
        let mut read = vec![0; answer.len()];
        let (one, two) = read.split_at_mut(cut);
        head.read_exact(one).await?;
        head.read_exact(two).await?;
        Ok(read)
    }

    #[tokio::test]
    async fn a_version_is_raised_wherever_it_is_cut() {
        for cut in 0..=12 {
            let read = read(b"HTTP/1.0 503 0000000", cut, 100).await.unwrap();
            assert_eq!(read, b"HTTP/1.1 503 0000000", "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn only_the_head_is_bounded() {
        for end in ["\r\n\r\n", "\n\n", "\n\r\n"] {
            let head = format!("HTTP/1.1 101 X\r\nA: {}{end}", "b".repeat(30));
            let whole = head.clone() + &"0".repeat(1_000);
            for cut in 0..=head.len() {
                assert_eq!(read(whole.as_bytes(), cut, head.len()).await.unwrap(), whole.as_bytes());
                let error = read(whole.as_bytes(), cut, head.len() - 1).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData, "cut at {cut}");
            }
        }
    }
}
