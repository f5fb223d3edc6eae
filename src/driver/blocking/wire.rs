//! One transport between its threads and the driver.

use core::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::classify::Cause;
use crate::driver::{Command, Dial, DialError, SendFailed};

use super::crew::{Crew, Presence};
use super::dialling::Hangup;
use super::life::Life;
use super::protocol::BlockingProtocol;
use super::slot::Slot;

/// What the thread that writes is to do.
pub(super) enum Work<P: BlockingProtocol> {
    Send(Command<P::Token, P::Key, P::Message>),
    Close(u16),
}

/// What the threads of a transport and the driver share.
pub(super) struct Wire<P: BlockingProtocol> {
    pub(super) dialled: Slot<Result<(), DialError>>,
    pub(super) received: Slot<Result<P::Received, Cause>>,
    pub(super) work: Slot<Work<P>>,
    pub(super) done: Slot<Result<(), SendFailed>>,
    pub(super) abandoned: Arc<AtomicBool>,
    hangup: Mutex<Option<Hangup>>,
}

impl<P: BlockingProtocol> Wire<P> {
    pub(super) fn new() -> Self {
        Self {
            dialled: Slot::new(),
            received: Slot::new(),
            work: Slot::new(),
            done: Slot::new(),
            abandoned: Arc::new(AtomicBool::new(false)),
            hangup: Mutex::new(None),
        }
    }

    pub(super) fn close(&self) {
        self.dialled.close();
        self.received.close();
        self.work.close();
        self.done.close();
    }

    /// The driver wants nothing more of it: whatever blocks returns.
    fn hang_up(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.close();
        let hangup = self.hangup.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(hangup) = hangup {
            hangup.hang_up();
        }
    }

    /// The dial has succeeded. False if nobody wants it any more; it is hung up then.
    pub(super) fn open(&self, hangup: Hangup) -> bool {
        *self.hangup.lock().unwrap_or_else(PoisonError::into_inner) = Some(hangup);
        let wanted = !self.abandoned.load(Ordering::Acquire);
        if !wanted {
            self.hang_up();
        }
        wanted
    }
}

/// The driver's end of a transport. Dropped, it ends the threads.
pub(super) struct Line<P: BlockingProtocol> {
    pub(super) wire: Arc<Wire<P>>,
    presence: Arc<Presence>,
    crew: Arc<Crew>,
}

impl<P: BlockingProtocol> Drop for Line<P> {
    fn drop(&mut self) {
        self.presence.leave();
        self.wire.hang_up();
    }
}

impl<P: BlockingProtocol> Line<P> {
    /// Dials on a thread, which then reads; another one writes.
    pub(super) fn begin(crew: &Arc<Crew>, protocol: &Arc<P>, dial: Dial<P::Token>) -> std::io::Result<Self> {
        let line = Self { wire: Arc::new(Wire::new()), presence: Presence::new(crew), crew: crew.clone() };
        let (crew, wire, presence) = (crew.clone(), line.wire.clone(), line.presence.clone());
        let life = Life { crew, protocol: protocol.clone(), wire, presence };
        life.spawn("redial-read", |life| life.dial_and_read(dial))?;
        Ok(line)
    }

    /// What the threads put into a slot of this wire; `None`: nothing comes any more. A panic of theirs goes on here.
    pub(super) async fn next<T>(&self, slot: impl Fn(&Wire<P>) -> &Slot<T>) -> Option<T> {
        let item = poll_fn(|cx| slot(&self.wire).poll_take(cx)).await;
        if item.is_none() {
            self.crew.resume_panic();
        }
        item
    }
}
