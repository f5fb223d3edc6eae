//! One transport's life as one future, from the dial to the goodbye, so that dropping it leaves nothing behind.

use core::convert::Infallible;
use core::future::{Future, pending, poll_fn};
use core::pin::pin;
use core::task::Poll;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::policy::{Epoch, Event};

use super::protocol::{Command, Dial, Protocol};

/// What passes between a transport and the loop. Both are polled by the same task, the transport after everything the
/// loop put in here, so no waker is needed; the mutex is never contended and only there so that the task may change
/// threads.
#[derive(Debug)]
pub(super) struct Mailbox<T, K>(Mutex<Inner<T, K>>);

#[derive(Debug)]
struct Inner<T, K> {
    facts: VecDeque<Event<T, K>>,
    commands: VecDeque<Command<T, K>>,
    /// The dial has succeeded.
    open: bool,
    close: Option<u16>,
}

impl<T, K> Mailbox<T, K> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Inner {
            facts: VecDeque::new(),
            commands: VecDeque::new(),
            open: false,
            close: None,
        }))
    }

    fn letters(&self) -> MutexGuard<'_, Inner<T, K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fact(&self) -> Option<Event<T, K>> {
        self.letters().facts.pop_front()
    }

    fn report(&self, fact: Event<T, K>) {
        self.letters().facts.push_back(fact);
    }

    /// For a new transport: what was meant for the old one is void.
    pub(super) fn renew(&self) {
        let mut letters = self.letters();
        letters.commands.clear();
        letters.open = false;
        letters.close = None;
    }

    /// False if there is nobody to say goodbye to yet.
    pub(super) fn close(&self, code: u16) -> bool {
        let mut letters = self.letters();
        letters.close = Some(code);
        letters.open
    }

    /// Queued behind a send that takes its time. A beat that is still waiting there takes the new one's number
    /// instead of being sent twice, so that a peer that asks for beats and does not read them can't fill the memory.
    pub(super) fn command(&self, command: Command<T, K>) {
        let mut letters = self.letters();
        if let Command::Heartbeat { .. } = command {
            let waiting =
                letters.commands.iter_mut().find(|other| matches!(other, Command::Heartbeat { .. }));
            if let Some(waiting) = waiting {
                *waiting = command;
                return;
            }
        }
        letters.commands.push_back(command);
    }
}

/// Dials, reads and writes at the same time until the loop says close or the reader is at its end.
pub(super) async fn transport<P: Protocol>(
    protocol: &P,
    dial: Dial<P::Token>,
    mail: &Mailbox<P::Token, P::Key>,
) {
    let epoch = dial.epoch;
    let (mut reader, mut writer) = match protocol.dial(dial).await {
        Ok(halves) => halves,
        Err(error) => return mail.report(error.into_event(epoch)),
    };
    mail.letters().open = true;
    mail.report(Event::Opened { epoch });
    let code = {
        let mut reading = pin!(read(protocol, &mut reader, epoch, mail));
        let mut writing = pin!(write(protocol, &mut writer, epoch, mail));
        poll_fn(|cx| {
            let close = mail.letters().close;
            if close.is_some() {
                return Poll::Ready(close);
            }
            // Reading first: a close frame says more than the send that fails because of it.
            if reading.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            let Poll::Pending = writing.as_mut().poll(cx);
            Poll::Pending
        })
        .await
    };
    if let Some(code) = code {
        protocol.close(reader, writer, code).await;
    }
}

/// Never more than one message ahead of the loop.
async fn read<P: Protocol>(
    protocol: &P,
    reader: &mut P::Reader,
    epoch: Epoch,
    mail: &Mailbox<P::Token, P::Key>,
) {
    loop {
        poll_fn(|_| if mail.letters().facts.is_empty() { Poll::Ready(()) } else { Poll::Pending }).await;
        match protocol.receive(reader, epoch).await {
            Ok(facts) => {
                let mut letters = mail.letters();
                letters.facts.extend(facts);
                if letters.facts.is_empty() {
                    letters.facts.push_back(Event::Received { epoch });
                }
            }
            Err(cause) => return mail.report(Event::Closed { epoch, cause }),
        }
    }
}

async fn write<P: Protocol>(
    protocol: &P,
    writer: &mut P::Writer,
    epoch: Epoch,
    mail: &Mailbox<P::Token, P::Key>,
) -> Infallible {
    loop {
        let command = poll_fn(|_| match mail.letters().commands.pop_front() {
            Some(command) => Poll::Ready(command),
            None => Poll::Pending,
        })
        .await;
        if protocol.send(writer, command).await.is_err() {
            mail.report(Event::SendFailed { epoch });
            // Nothing more can be written; the loop closes.
            pending::<()>().await;
        }
    }
}
