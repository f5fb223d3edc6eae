//! A protocol of blocking sockets as a driver sees it.

use core::fmt;
use core::future::poll_fn;
use core::time::Duration;
use std::sync::Arc;

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
pub struct ThreadedWriter<P: BlockingProtocol> {
    line: Arc<Line<P>>,
    /// The answer to a write was not taken yet: it is under way, or its answer lies there.
    owed: bool,
}

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
        self.owed = true;
        self.line.wire.work.offer(work);
        let done = self.line.next(|wire| &wire.done).await;
        self.owed = false;
        done.unwrap_or(Err(SendFailed))
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
        Ok((ThreadedReader(line.clone()), ThreadedWriter { line, owed: false }))
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
        // Behind a write that was cut off, nobody would understand it. The answer to one that has ended is not that of the close.
        if !writer.owed || writer.line.wire.done.try_take().is_some() {
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a close takes its time")]
mod tests {
    use core::convert::Infallible;
    use core::future::Future;
    use core::pin::pin;
    use core::task::Poll;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::sleep;
    use std::vec::Vec;

    use super::*;
    use crate::driver::{Dialling, Hangup, Received, block_on};
    use crate::{Action, Event, Instant, Policy, SplitMix64, presets};

    /// Heartbeats that take as long as the test wants, and a close that takes its time.
    struct Slow {
        go: Mutex<Receiver<()>>,
        said: Arc<Mutex<Vec<&'static str>>>,
    }

    impl BlockingProtocol for Slow {
        type Reader = Receiver<()>;
        type Writer = ();
        type Token = ();
        type Key = Infallible;
        type Message = Infallible;
        type Incoming = Infallible;
        type Received = Option<Received>;

        fn dial(&self, _: &Dialling) -> Result<(Receiver<()>, (), Hangup), DialError> {
            let (end, ended) = channel();
            Ok((ended, (), Hangup::new(move || drop::<Sender<()>>(end))))
        }

        fn receive(&self, ended: &mut Receiver<()>, _: Epoch) -> Result<Option<Received>, Cause> {
            ended.recv().map(|()| None).map_err(|_| Cause::NoCloseFrame)
        }

        fn send(&self, (): &mut (), _: Command) -> Result<(), SendFailed> {
            self.go.lock().unwrap().recv().map_err(|_| SendFailed)?;
            self.said.lock().unwrap().push("heartbeat");
            Ok(())
        }

        fn close(&self, (): &mut (), _: u16) {
            sleep(Duration::from_millis(50));
            self.said.lock().unwrap().push("close");
        }
    }

    /// Closes while nobody has taken the answer to a write yet, which has ended or not, and returns what was said.
    fn said(ended: bool) -> Vec<&'static str> {
        let (going, go) = channel();
        let said = Arc::<Mutex<Vec<_>>>::default();
        let threaded = Threaded::new(Slow { go: Mutex::new(go), said: said.clone() });
        let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
        let actions = policy.handle_event(Instant::ZERO, Event::Start);
        let open = actions.iter().find_map(|action| match action {
            Action::Open { epoch, mode, endpoint, attempt, .. } => Some((epoch, mode, endpoint, attempt)),
            _ => None,
        });
        let dial = Dial::of(&policy, Instant::ZERO, open.unwrap());
        let (reader, mut writer) = block_on(threaded.dial(dial)).unwrap();
        {
            let mut sending = pin!(threaded.send(&mut writer, Command::Heartbeat { sequence: None }));
            let mut begun = false;
            // Its answer wakes, and nobody takes it.
            block_on(poll_fn(|cx| {
                if core::mem::replace(&mut begun, true) {
                    return Poll::Ready(());
                }
                assert!(sending.as_mut().poll(cx).is_pending());
                if ended {
                    going.send(()).unwrap();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
        }
        block_on(threaded.close(reader, writer, 1000));
        let said = said.lock().unwrap().clone();
        drop(going);
        threaded.join();
        said
    }

    /// A close is said in full behind a write that has just ended, and not at all behind one that has not.
    #[test]
    fn a_close_does_not_take_the_answer_of_a_write_for_its_own() {
        assert_eq!(said(true), ["heartbeat", "close"]);
        assert!(said(false).is_empty());
    }
}
