//! One transport's life as one future, from the dial to the end of its close, so that dropping it leaves nothing behind.

use core::convert::Infallible;
use core::future::{Future, pending, poll_fn};
use core::pin::pin;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use core::task::Poll;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::policy::{Epoch, Event};

use super::command::{Command, Dial, Received};
use super::messages::Inbox;
use super::outbox::Writing;
use super::protocol::Protocol;
use super::shared::Shared;

/// Something was received.
const ITEMS: u8 = 1;
/// Something is to be written.
const COMMANDS: u8 = 2;
/// The transport is to be closed.
const CLOSE: u8 = 4;
/// The session is there; what the application does not take may hold up the reader.
const LIVE: u8 = 8;
/// Messages of the application may be written.
const ONLINE: u8 = 16;
/// A write is under way.
const WRITING: u8 = 32;
/// A heartbeat was queued and not acknowledged yet.
const UNANSWERED: u8 = 64;

/// How many messages are written in one go while the transport takes them at once; then everybody else has a turn.
const BURST: u8 = 64;

/// What passes between a transport and the loop. Both are polled by the same task, the transport after everything the
/// loop put in here, so no waker is needed; the mutex is never contended and only there so that the task may change
/// threads. The flags spare it where there is nothing to find.
pub(super) struct Mailbox<P: Protocol> {
    inner: Mutex<Inner<P>>,
    flags: AtomicU8,
    /// How many writes were begun.
    writes: AtomicU32,
}

struct Inner<P: Protocol> {
    items: VecDeque<Received<P::Token, P::Key, P::Incoming>>,
    commands: VecDeque<Command<P::Token, P::Key, P::Message>>,
    /// The dial has succeeded.
    open: bool,
    close: Option<u16>,
}

impl<P: Protocol> Mailbox<P> {
    pub(super) const fn new() -> Self {
        let inner = Inner { items: VecDeque::new(), commands: VecDeque::new(), open: false, close: None };
        Self { inner: Mutex::new(inner), flags: AtomicU8::new(0), writes: AtomicU32::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Only one task writes, so a load and a store do.
    #[inline]
    fn set(&self, flag: u8, on: bool) {
        let flags = self.flags.load(Ordering::Relaxed);
        self.flags.store(if on { flags | flag } else { flags & !flag }, Ordering::Relaxed);
    }

    /// The next event; messages before it go to the application.
    pub(super) fn event(&self, inbox: &Inbox<P::Incoming>) -> Option<Event<P::Token, P::Key>> {
        while self.has(ITEMS) {
            let mut inner = self.lock();
            let item = inner.items.pop_front();
            self.set(ITEMS, !inner.items.is_empty());
            drop(inner);
            match item? {
                Received::Event(event) => return Some(event),
                Received::Message(message) => inbox.push(message),
            }
        }
        None
    }

    /// The number that came with the messages behind it was stale, so a resume brings them again.
    pub(super) fn drop_messages(&self) {
        let mut inner = self.lock();
        inner.items.retain(|item| matches!(item, Received::Event(_)));
        self.set(ITEMS, !inner.items.is_empty());
    }

    fn report(&self, event: Event<P::Token, P::Key>) {
        self.lock().items.push_back(Received::Event(event));
        self.set(ITEMS, true);
    }

    fn receive(&self, epoch: Epoch, items: P::Received) {
        let mut inner = self.lock();
        let mut events = false;
        for item in items {
            if let Received::Event(event) = &item {
                events = true;
                if let Event::HeartbeatAcked { .. } = event {
                    self.set(UNANSWERED, false);
                }
            }
            inner.items.push_back(item);
        }
        if !events {
            inner.items.push_back(Received::Event(Event::Received { epoch }));
        }
        self.set(ITEMS, true);
    }

    /// For a new transport: what was meant for the old one is void.
    pub(super) fn renew(&self) {
        let mut inner = self.lock();
        inner.commands.clear();
        inner.open = false;
        inner.close = None;
        self.set(!ITEMS, false);
    }

    /// False if nothing is open yet.
    pub(super) fn close(&self, code: u16) -> bool {
        let mut inner = self.lock();
        inner.close = Some(code);
        self.set(CLOSE, true);
        inner.open
    }

    /// Queued behind a send that takes its time. A heartbeat that is still waiting there takes the new one's number
    /// instead of being sent twice, so that a peer that asks for heartbeats and does not read them can't fill the memory.
    pub(super) fn command(&self, command: Command<P::Token, P::Key, P::Message>) {
        let mut inner = self.lock();
        if let Command::Heartbeat { .. } = command {
            self.set(UNANSWERED, true);
            let waiting = inner.commands.iter_mut().find(|other| matches!(other, Command::Heartbeat { .. }));
            if let Some(waiting) = waiting {
                *waiting = command;
                return;
            }
        }
        inner.commands.push_back(command);
        self.set(COMMANDS, true);
    }

    fn next_command(&self) -> Option<Command<P::Token, P::Key, P::Message>> {
        if !self.has(COMMANDS) {
            return None;
        }
        let mut inner = self.lock();
        let command = inner.commands.pop_front();
        self.set(COMMANDS, !inner.commands.is_empty());
        command
    }

    /// How far the session has come, after every step that may have changed it.
    pub(super) fn set_session(&self, live: bool, online: bool) {
        self.set(LIVE, live);
        self.set(ONLINE, online);
    }

    fn begin_write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.set(WRITING, true);
    }

    /// The number of the write under way.
    pub(super) fn write_under_way(&self) -> Option<u32> {
        self.has(WRITING).then(|| self.writes.load(Ordering::Relaxed))
    }

    /// Nobody waits for the write under way any more: it took too long, or its transport is gone.
    pub(super) fn forget_write(&self) {
        self.set(WRITING, false);
    }
}

/// Dials, reads and writes at the same time until the loop says close or the reader is at its end.
pub(super) async fn transport<P: Protocol>(
    protocol: &P,
    dial: Dial<P::Token>,
    mail: &Mailbox<P>,
    inbox: &Inbox<P::Incoming>,
    shared: &Shared<P::Token, P::Key, P::Message>,
) {
    let epoch = dial.epoch;
    let (mut reader, mut writer) = match protocol.dial(dial).await {
        Ok(halves) => halves,
        Err(error) => return mail.report(error.into_event(epoch)),
    };
    mail.lock().open = true;
    mail.report(Event::Opened { epoch });
    let code = {
        let mut reading = pin!(read(protocol, &mut reader, epoch, mail, inbox));
        let mut writing = pin!(write(protocol, &mut writer, epoch, mail, shared));
        poll_fn(|cx| {
            if mail.has(CLOSE) {
                return Poll::Ready(mail.lock().close);
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

/// Never more than one message ahead of the loop, nor of the application.
async fn read<P: Protocol>(
    protocol: &P,
    reader: &mut P::Reader,
    epoch: Epoch,
    mail: &Mailbox<P>,
    inbox: &Inbox<P::Incoming>,
) {
    loop {
        poll_fn(|_| {
            if mail.has(ITEMS) {
                return Poll::Pending;
            }
            if !inbox.is_full(if mail.has(LIVE) { 1 } else { 2 }) {
                return Poll::Ready(());
            }
            // The acknowledgement may lie behind what is not read. The heartbeat itself may wait behind a write that the other
            // side does not take, since nobody reads what it sends: the pause is not held against it.
            if mail.has(UNANSWERED) {
                mail.set(UNANSWERED, false);
                mail.report(Event::HeartbeatAcked { epoch });
            }
            Poll::Pending
        })
        .await;
        match protocol.receive(reader, epoch).await {
            Ok(items) => mail.receive(epoch, items),
            Err(cause) => return mail.report(Event::Closed { epoch, cause }),
        }
    }
}

/// Commands first, then messages of the application.
async fn write<P: Protocol>(
    protocol: &P,
    writer: &mut P::Writer,
    epoch: Epoch,
    mail: &Mailbox<P>,
    shared: &Shared<P::Token, P::Key, P::Message>,
) -> Infallible {
    let mut left = BURST;
    loop {
        let (command, message): (_, Option<Writing<P::Message>>) = poll_fn(|cx| {
            if let Some(command) = mail.next_command() {
                return Poll::Ready((command, None));
            }
            if !mail.has(ONLINE) {
                return Poll::Pending;
            }
            let Some(after) = left.checked_sub(1) else {
                left = BURST;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            match shared.message_to_write() {
                Some((writing, message)) => {
                    left = after;
                    Poll::Ready((Command::Message(message), Some(writing)))
                }
                None => {
                    left = BURST;
                    Poll::Pending
                }
            }
        })
        .await;
        mail.begin_write();
        let sent = protocol.send(writer, command).await;
        mail.set(WRITING, false);
        if sent.is_err() {
            drop(message);
            mail.report(Event::SendFailed { epoch });
            // Nothing more can be written; the loop closes.
            return pending().await;
        }
        if let Some(message) = message {
            message.written();
        }
    }
}
