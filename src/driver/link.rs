//! One transport's life as one future, from the dial to the end of its close, so that dropping it leaves nothing behind.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::convert::Infallible;
use core::future::{Future, pending, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};

use crate::policy::Event;

use super::command::{Command, Dial};
use super::mailbox::{FULL, LIVE, Mailbox, ONLINE, RECEIVED, UNANSWERED};
use super::messages::Inbox;
use super::outbox::Writing;
use super::protocol::Protocol;
use super::shared::Shared;

/// How many messages are written in one go while the transport takes them at once; then everybody else has a turn.
const BURST: u8 = 64;

/// What is to be written, and whom to tell what became of it.
type Write<P> = (
    Command<<P as Protocol>::Token, <P as Protocol>::Key, <P as Protocol>::Message>,
    Option<Writing<<P as Protocol>::Message>>,
);

/// What a transport's life needs. Its futures borrow it, so that none of them holds all of it for itself.
struct Life<'a, P: Protocol> {
    protocol: &'a P,
    mail: Arc<Mailbox<P>>,
    inbox: &'a Inbox<P::Incoming>,
    shared: &'a Shared<P::Token, P::Key, P::Message>,
}

/// Dials, reads and writes at the same time until the loop says close or the reader is at its end.
pub(super) fn transport<'a, P: Protocol>(
    protocol: &'a P,
    dial: Dial<P::Token>,
    mail: Arc<Mailbox<P>>,
    inbox: &'a Inbox<P::Incoming>,
    shared: &'a Shared<P::Token, P::Key, P::Message>,
) -> impl Future<Output = ()> + use<'a, P> {
    // On its own, so that a connection does not keep the memory that its dial took.
    let dialling = Box::pin(protocol.dial(dial));
    let life = Life { protocol, mail, inbox, shared };
    async move {
        let life = &life;
        let mail = &*life.mail;
        let (mut reader, mut writer) = match dialling.await {
            Ok(halves) => halves,
            Err(error) => return mail.report(error.into_event(mail.epoch())),
        };
        mail.opened();
        let code = {
            let mut reading = pin!(life.read(&mut reader));
            let mut writing = pin!(life.write(&mut writer));
            poll_fn(move |cx| {
                if let Some(code) = life.mail.closes() {
                    return Poll::Ready(Some(code));
                }
                // Reading first: a close frame says more than the send that fails because of it.
                if reading.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                if life.has_write() {
                    let Poll::Pending = writing.as_mut().poll(cx);
                }
                // The write that was to end first may have ended.
                life.mail.closes().map_or(Poll::Pending, |code| Poll::Ready(Some(code)))
            })
            .await
        };
        if let Some(code) = code {
            life.protocol.close(reader, writer, code).await;
        }
    }
}

#[expect(clippy::manual_async_fn, reason = "an `async fn` holds its arguments twice")]
impl<P: Protocol> Life<'_, P> {
    /// Never more than one message ahead of the loop, nor of the application.
    fn read(&self, reader: &mut P::Reader) -> impl Future<Output = ()> {
        async move {
            loop {
                poll_fn(|_| self.poll_wanted()).await;
                match self.protocol.receive(reader, self.mail.epoch()).await {
                    Ok(items) => self.mail.receive(items, self.inbox),
                    Err(cause) => {
                        return self.mail.report(Event::Closed { epoch: self.mail.epoch(), cause });
                    }
                }
            }
        }
    }

    /// Ready when the next message may be read.
    #[inline]
    fn poll_wanted(&self) -> Poll<()> {
        let mail = &*self.mail;
        if mail.has(RECEIVED) {
            return Poll::Pending;
        }
        if !self.inbox.is_full(if mail.has(LIVE) { 1 } else { 2 }) && !mail.has(FULL) {
            return Poll::Ready(());
        }
        // The acknowledgement may lie behind what is not read. The heartbeat itself may wait behind a write that the other
        // side does not take, since nobody reads what it sends: the pause is not held against it.
        if mail.has(UNANSWERED) {
            mail.set(UNANSWERED, false);
            mail.report(Event::HeartbeatAcked { epoch: mail.epoch() });
        }
        Poll::Pending
    }

    /// Commands first, then messages of the application.
    fn write(&self, writer: &mut P::Writer) -> impl Future<Output = Infallible> {
        async move {
            let mut left = BURST;
            loop {
                let (command, message) = poll_fn(|cx| self.poll_write(cx, &mut left)).await;
                self.mail.begin_write();
                let sent = self.protocol.send(writer, command).await;
                self.mail.end_write();
                if sent.is_err() {
                    drop(message);
                    self.mail.report(Event::SendFailed { epoch: self.mail.epoch() });
                    // Nothing more can be written; the loop closes.
                    return pending().await;
                }
                if let Some(message) = message {
                    message.written();
                }
            }
        }
    }

    /// Whether [`write`](Self::write) has something to do.
    #[inline]
    fn has_write(&self) -> bool {
        self.mail.has_write() || self.mail.has(ONLINE) && self.shared.has_message()
    }

    /// What is to be written next. `left`: so many messages before everybody else has a turn.
    fn poll_write(&self, cx: &Context<'_>, left: &mut u8) -> Poll<Write<P>> {
        loop {
            if let Some(command) = self.mail.next_command() {
                return Poll::Ready((command, None));
            }
            if !self.mail.has(ONLINE) {
                return Poll::Pending;
            }
            let Some(after) = left.checked_sub(1) else {
                *left = BURST;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            let Some((writing, message)) = self.shared.message_to_write() else {
                *left = BURST;
                return Poll::Pending;
            };
            *left = after;
            if self.protocol.can_send(&message) {
                return Poll::Ready((Command::Message(message), Some(writing)));
            }
            writing.refused(message);
        }
    }
}
