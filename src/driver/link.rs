//! One transport's life as one future, from the dial to the end of its close, so that dropping it leaves nothing behind.

use core::convert::Infallible;
use core::future::{Future, pending, poll_fn};
use core::pin::pin;
use core::task::Poll;
use std::boxed::Box;
use std::sync::Arc;

use crate::policy::{Epoch, Event};

use super::command::{Command, Dial};
use super::mailbox::{FULL, LIVE, Mailbox, ONLINE, RECEIVED, UNANSWERED};
use super::messages::Inbox;
use super::outbox::Writing;
use super::protocol::Protocol;
use super::shared::Shared;

/// How many messages are written in one go while the transport takes them at once; then everybody else has a turn.
const BURST: u8 = 64;

/// Dials, reads and writes at the same time until the loop says close or the reader is at its end.
pub(super) async fn transport<P: Protocol>(
    protocol: &P,
    dial: Dial<P::Token>,
    mail: Arc<Mailbox<P>>,
    inbox: &Inbox<P::Incoming>,
    shared: &Shared<P::Token, P::Key, P::Message>,
) {
    let mail = &*mail;
    let epoch = dial.epoch;
    // Of its own, so that a connection does not keep the place that its dial took.
    let dialling = Box::pin(protocol.dial(dial));
    let (mut reader, mut writer) = match dialling.await {
        Ok(halves) => halves,
        Err(error) => return mail.report(error.into_event(epoch)),
    };
    mail.opened();
    let code = {
        let mut reading = pin!(read(protocol, &mut reader, epoch, mail, inbox));
        let mut writing = pin!(write(protocol, &mut writer, epoch, mail, shared));
        poll_fn(|cx| {
            if let Some(code) = mail.closes() {
                return Poll::Ready(Some(code));
            }
            // Reading first: a close frame says more than the send that fails because of it.
            if reading.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            if mail.has_write() || mail.has(ONLINE) && shared.has_message() {
                let Poll::Pending = writing.as_mut().poll(cx);
            }
            // The write that was to end first may have ended.
            mail.closes().map_or(Poll::Pending, |code| Poll::Ready(Some(code)))
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
            if mail.has(RECEIVED) {
                return Poll::Pending;
            }
            if !inbox.is_full(if mail.has(LIVE) { 1 } else { 2 }) && !mail.has(FULL) {
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
            Ok(items) => mail.receive(items, inbox),
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
        mail.end_write();
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
