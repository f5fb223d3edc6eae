//! The scripted transport as a driver sees it.

use core::future::{pending, poll_fn};
use core::iter::Fuse;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;
use std::vec::Vec;

use crate::classify::Cause;
use crate::driver::{Command, Dial, DialError, Notice, Received, RefreshFailed, SendFailed, SendProtocol};
use crate::policy::Epoch;

use super::connection::{Alive, Arrived, Connection};
use super::log::{Closed, Dialled, Observed, Sent};
use super::script::{End, What};
use super::{Script, ScriptedTransport, Sleep};

/// The half of a [`ScriptedTransport`](super::ScriptedTransport) that a driver reads.
pub struct ScriptedReader<T, K, I> {
    connection: Connection<T, K, I>,
    script: Fuse<Script<T, K, I>>,
    /// What the script waits for.
    wait: Option<Sleep>,
    _alive: Arc<Alive>,
}

/// The half that a driver writes.
pub struct ScriptedWriter<T, K, I> {
    connection: Connection<T, K, I>,
    _alive: Arc<Alive>,
}

impl<T, K, I> core::fmt::Debug for ScriptedReader<T, K, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("ScriptedReader").field(&self.connection).finish()
    }
}

impl<T, K, I> core::fmt::Debug for ScriptedWriter<T, K, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("ScriptedWriter").field(&self.connection).finish()
    }
}

impl<T, K, M, I> ScriptedTransport<T, K, M, I> {
    /// The script as far as it goes, then what has arrived.
    fn poll_receive(
        &self,
        reader: &mut ScriptedReader<T, K, I>,
        cx: &mut Context<'_>,
    ) -> Poll<Arrived<T, K, I>> {
        loop {
            if let Some(wait) = &mut reader.wait {
                if wait.as_mut().poll(cx).is_pending() {
                    break;
                }
                reader.wait = None;
            }
            match reader.script.next().map(|say| say.0) {
                Some(What::Wait(span)) => reader.wait = Some(self.sleep(span)),
                Some(What::Call(function)) => function(),
                Some(What::Receive(items)) => return Poll::Ready(Ok(items(reader.connection.epoch()))),
                Some(What::End(cause)) => return Poll::Ready(Err(cause)),
                None => break,
            }
        }
        reader.connection.poll_arrived(cx)
    }
}

impl<T, K, M, I> SendProtocol for ScriptedTransport<T, K, M, I>
where
    T: Clone + PartialEq + Send + Sync + 'static,
    K: Clone + Send + Sync + 'static,
    M: Clone + Send + Sync + 'static,
    I: Send + 'static,
{
    type Reader = ScriptedReader<T, K, I>;
    type Writer = ScriptedWriter<T, K, I>;
    type Token = T;
    type Key = K;
    type Message = M;
    type Incoming = I;
    type Received = Vec<Received<T, K, I>>;

    async fn dial(&self, dial: Dial<T>) -> Result<(Self::Reader, Self::Writer), DialError> {
        let alive = self.count();
        let (at, epoch) = (self.now(), dial.epoch);
        let answer = self.take_answer(&dial);
        self.note(|log| log.dials.push(Dialled { at, dial }));
        if answer.after > Duration::ZERO {
            self.sleep(answer.after).await;
        }
        let script = match answer.end {
            End::Refused(error) => return Err(error),
            End::Hangs => pending().await,
            End::Accepted(script) => script,
        };
        let connection = Connection::new(epoch, &alive);
        connection.set_writes(answer.writes);
        self.lock().connections.push(connection.clone());
        let reader = ScriptedReader {
            connection: connection.clone(),
            script: script.fuse(),
            wait: None,
            _alive: alive.clone(),
        };
        Ok((reader, ScriptedWriter { connection, _alive: alive }))
    }

    async fn receive(&self, reader: &mut Self::Reader, _: Epoch) -> Result<Self::Received, Cause> {
        poll_fn(|cx| self.poll_receive(reader, cx)).await
    }

    async fn send(&self, writer: &mut Self::Writer, command: Command<T, K, M>) -> Result<(), SendFailed> {
        let connection = &writer.connection;
        let takes = connection.take_write(|| self.lock().writes).await?;
        if takes > Duration::ZERO {
            self.sleep(takes).await;
        }
        connection.count_write();
        let (at, epoch) = (self.now(), connection.epoch());
        self.note(|log| log.sent.push(Sent { at, epoch, command: command.clone() }));
        self.react(connection, &command);
        Ok(())
    }

    async fn close(&self, reader: Self::Reader, writer: Self::Writer, code: u16) {
        let (at, epoch) = (self.now(), writer.connection.epoch());
        self.note(|log| log.closes.push(Closed { at, epoch, code }));
        let hangs = self.lock().closes_hang;
        if hangs {
            pending::<()>().await;
        }
        drop((reader, writer));
    }

    async fn refresh_credential(&self) -> Result<Option<Duration>, RefreshFailed> {
        let at = self.now();
        self.note(|log| log.refreshes.push(at));
        let result = self.lock().credential;
        match result {
            Some(result) => result,
            None => pending().await,
        }
    }

    fn observe(&self, notice: &Notice<'_, T, K>) {
        let step =
            Observed { at: notice.at, event: notice.event.cloned(), explanation: notice.explanation() };
        self.note(|log| log.steps.push(step));
    }
}
