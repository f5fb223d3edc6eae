//! What passes between the transport and the loop. All of it is one task, so that nothing has to be woken: whatever wakes the task has all
//! of them polled.

use core::cell::{Cell, RefCell};
use core::future::{pending, poll_fn};
use core::iter::Peekable;
use core::task::Poll;

use crate::classify::Cause;
use crate::policy::{Epoch, Event};
use crate::time::Instant;

use super::super::{Runtime, SEND_TIMEOUT};
use super::queue::Queue;
use super::{Command, Protocol, Reader, Writer};

pub(super) type CommandOf<P> =
    Command<<P as Protocol>::Token, <P as Protocol>::Key, <P as Protocol>::Message>;
pub(super) type EventOf<P> = Event<<P as Protocol>::Token, <P as Protocol>::Key>;
type QueueOf<P, const N: usize> =
    Queue<<P as Protocol>::Token, <P as Protocol>::Key, <P as Protocol>::Message, N>;

/// The transport, from its dial on.
pub(super) struct Transport<P: Protocol, const COMMANDS: usize> {
    queue: RefCell<QueueOf<P, COMMANDS>>,
    received: RefCell<Received<P>>,
    write: Cell<Write>,
    /// When the write under way has taken long enough.
    write_limit: Cell<Option<Instant>>,
    /// Whether a message is being written, or was.
    message: Cell<Option<Written>>,
}

/// What was read and is not taken yet.
enum Received<P: Protocol> {
    Nothing,
    /// A message without an event.
    Silence,
    /// The events of a message; there is one at least.
    Events(Peekable<<P::Received as IntoIterator>::IntoIter>),
    End(Cause),
}

/// The writer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Idle,
    UnderWay,
    /// It failed, which is not told yet.
    Failed,
    /// It failed, and writes no more.
    Over,
}

/// A message of the application.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    NotYet,
    Yes,
    No,
}

impl<P: Protocol, const COMMANDS: usize> Transport<P, COMMANDS> {
    pub(super) const fn new() -> Self {
        Self {
            queue: RefCell::new(Queue::new()),
            received: RefCell::new(Received::Nothing),
            write: Cell::new(Write::Idle),
            write_limit: Cell::new(None),
            message: Cell::new(None),
        }
    }

    /// Another one is dialled.
    pub(super) fn begin(&self) {
        self.queue.borrow_mut().clear();
        *self.received.borrow_mut() = Received::Nothing;
        self.write.set(Write::Idle);
        self.write_limit.set(None);
    }

    /// Whether a message that is queued now is written at once, and what became of the one before it is told.
    pub(super) fn is_writable(&self) -> bool {
        self.write.get() == Write::Idle && self.message.get().is_none() && self.queue.borrow().is_empty()
    }

    /// Queues a command; false if there is no place for it.
    pub(super) fn push(&self, command: CommandOf<P>) -> bool {
        self.queue.borrow_mut().push(command)
    }

    /// Reads to the end, one message at a time.
    pub(super) async fn read(&self, mut reader: P::Reader<'_>, epoch: Epoch) {
        loop {
            let received = match reader.receive(epoch).await {
                Ok(events) => {
                    let mut events = events.into_iter().peekable();
                    if events.peek().is_some() { Received::Events(events) } else { Received::Silence }
                }
                Err(cause) => Received::End(cause),
            };
            let ends = matches!(received, Received::End(_));
            *self.received.borrow_mut() = received;
            if ends {
                return pending().await;
            }
            poll_fn(|_| match *self.received.borrow() {
                Received::Nothing => Poll::Ready(()),
                _ => Poll::Pending,
            })
            .await;
        }
    }

    /// Writes what waits, one command at a time, until a write fails.
    pub(super) async fn write(&self, mut writer: P::Writer<'_>) {
        loop {
            let next = poll_fn(|_| match self.queue.borrow_mut().pop() {
                Some(command) => Poll::Ready(command),
                None => Poll::Pending,
            });
            let command = next.await;
            let is_message = matches!(command, Command::Message(_));
            self.write.set(Write::UnderWay);
            // It has its own time: between two polls, the one before it may have ended and this one begun.
            self.write_limit.set(None);
            if is_message {
                self.message.set(Some(Written::NotYet));
            }
            let written = writer.send(command).await.is_ok();
            if is_message {
                self.message.set(Some(if written { Written::Yes } else { Written::No }));
            }
            if !written {
                self.write.set(Write::Failed);
                return pending().await;
            }
            self.write.set(Write::Idle);
        }
    }

    /// The next event of what was read, or that a write failed. After the last one the reader may go on.
    pub(super) fn take_event(&self, epoch: Epoch) -> Option<EventOf<P>> {
        if let Some(event) = self.take_rest() {
            return Some(event);
        }
        let mut received = self.received.borrow_mut();
        match &*received {
            Received::End(cause) => Some(Event::Closed { epoch, cause: *cause }),
            Received::Silence => {
                *received = Received::Nothing;
                // It is a sign of life all the same.
                Some(Event::Received { epoch })
            }
            Received::Nothing | Received::Events(_) => {
                let failed = self.write.get() == Write::Failed;
                failed.then(|| self.write.set(Write::Over)).map(|()| Event::SendFailed { epoch })
            }
        }
    }

    /// The next event of a message of which one was taken.
    pub(super) fn take_rest(&self) -> Option<EventOf<P>> {
        let mut received = self.received.borrow_mut();
        let Received::Events(events) = &mut *received else { return None };
        let event = events.next();
        if events.peek().is_none() {
            *received = Received::Nothing;
        }
        event
    }

    /// What became of the message that was taken last, once: whether the transport took it. `over`: one that is being written is in doubt.
    pub(super) fn take_message(&self, over: bool) -> Option<bool> {
        let written = match self.message.get()? {
            Written::NotYet if !over => return None,
            written => written == Written::Yes,
        };
        self.message.set(None);
        Some(written)
    }

    /// When the write under way has taken long enough.
    pub(super) fn write_limit(&self, runtime: &impl Runtime) -> Option<Instant> {
        if self.write.get() != Write::UnderWay {
            self.write_limit.set(None);
        } else if self.write_limit.get().is_none() {
            self.write_limit.set(Some(runtime.now().saturating_add(SEND_TIMEOUT)));
        }
        self.write_limit.get()
    }
}
