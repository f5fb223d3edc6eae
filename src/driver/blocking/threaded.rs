//! A protocol of blocking sockets as a driver sees it.

use core::fmt;
use core::future::poll_fn;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::classify::Cause;
use crate::driver::{Command, Dial, DialError, Notice, RefreshFailed, SendFailed, SendProtocol};
use crate::policy::Epoch;

use super::crew::Crew;
use super::protocol::BlockingProtocol;
use super::slot::Slot;
use super::wire::{Line, Work};

/// A [`BlockingProtocol`] on threads of its own, as a [`Protocol`](crate::driver::Protocol) for any runtime: two threads for a
/// connection, and one while a credential is refreshed.
///
/// When the driver ends a connection, or the future of its run is dropped, the connection is hung up, and its threads end by
/// themselves; a dial under way, which nothing can interrupt, ends as [`BlockingProtocol::dial`] says. The next dial waits for all of
/// them. [`Driver::run_blocking`](crate::driver::Driver::run_blocking) returns after them, and [`join`](Self::join) waits for them.
pub struct Threaded<P> {
    protocol: Arc<P>,
    crew: Arc<Crew>,
}

impl<P> Threaded<P> {
    /// No thread is begun before the first dial.
    #[must_use]
    pub fn new(protocol: P) -> Self {
        Self { protocol: Arc::new(protocol), crew: Arc::default() }
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Waits until all its threads have ended. While the driver runs, they do not end.
    pub fn join(&self) {
        self.crew.join();
    }
}

impl<P> fmt::Debug for Threaded<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threaded").finish_non_exhaustive()
    }
}

/// The half of a [`Threaded`] connection that a driver reads.
pub struct ThreadedReader<P: BlockingProtocol>(Arc<Line<P>>);

/// The half that a driver writes.
pub struct ThreadedWriter<P: BlockingProtocol>(Arc<Line<P>>);

impl<P: BlockingProtocol> fmt::Debug for ThreadedReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadedReader")
    }
}

impl<P: BlockingProtocol> fmt::Debug for ThreadedWriter<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadedWriter")
    }
}

impl<P: BlockingProtocol> ThreadedWriter<P> {
    async fn work(&mut self, work: Work<P>) -> Result<(), SendFailed> {
        let wire = &self.0.wire;
        wire.busy.store(true, Ordering::Release);
        wire.work.offer(work);
        self.0.next(|wire| &wire.done).await.unwrap_or(Err(SendFailed))
    }
}

impl<P: BlockingProtocol> SendProtocol for Threaded<P> {
    type Reader = ThreadedReader<P>;
    type Writer = ThreadedWriter<P>;
    type Token = P::Token;
    type Key = P::Key;
    type Message = P::Message;
    type Incoming = P::Incoming;
    type Received = P::Received;

    async fn dial(&self, dial: Dial<P::Token>) -> Result<(Self::Reader, Self::Writer), DialError> {
        self.crew.alone().await;
        let line = Line::begin(&self.crew, &self.protocol, dial);
        let line = Arc::new(line.map_err(|_| DialError::NotNow { retry_after: None })?);
        line.next(|wire| &wire.dialled).await.unwrap_or(Err(Cause::Unknown.into()))?;
        Ok((ThreadedReader(line.clone()), ThreadedWriter(line)))
    }

    async fn receive(&self, reader: &mut Self::Reader, _: Epoch) -> Result<P::Received, Cause> {
        reader.0.next(|wire| &wire.received).await.unwrap_or(Err(Cause::Unknown))
    }

    async fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<P::Token, P::Key, P::Message>,
    ) -> Result<(), SendFailed> {
        writer.work(Work::Send(command)).await
    }

    async fn close(&self, reader: Self::Reader, mut writer: Self::Writer, code: u16) {
        // Behind a write that was cut off, nobody would understand it.
        if !writer.0.wire.busy.load(Ordering::Acquire) {
            // It is closed in any case.
            let _said = writer.work(Work::Close(code)).await;
        }
        drop((reader, writer));
    }

    async fn refresh_credential(&self) -> Result<Option<Duration>, RefreshFailed> {
        let slot = Arc::new(Slot::new());
        let (protocol, told, last) = (self.protocol.clone(), slot.clone(), slot.clone());
        let refresh = move || {
            told.put(protocol.refresh_credential());
        };
        let spawned = self.crew.spawn("redial-refresh", refresh, move |_| last.close());
        spawned.map_err(|_| RefreshFailed { fatal: false })?;
        let result = poll_fn(|cx| slot.poll_take(cx)).await;
        result.unwrap_or_else(|| {
            self.crew.resume_panic();
            Err(RefreshFailed { fatal: false })
        })
    }

    fn observe(&self, notice: &Notice<'_, P::Token, P::Key>) {
        self.protocol.observe(notice);
    }
}
