//! The transports of a driver: the connection, and for a handover its successor and the connection that was replaced.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::Context;
use core::time::Duration;

use crate::handover::Decider;
use crate::mode::Mode;
use crate::policy::{Disposition, Epoch, Event, Role};
use crate::time::Instant;

use super::command::{Command, Received};
use super::mailbox::{Item, Mailbox};
use super::messages::Inbox;
use super::protocol::Protocol;

/// One transport, from the beginning of its dial to the end of its close.
pub(super) struct Transport<P: Protocol, L> {
    epoch: Epoch,
    place: Place,
    session: Session,
    numbers: Numbers,
    mail: Arc<Mailbox<P>>,
    /// `None`: it has ended, and what it left is not looked at yet.
    life: Option<Pin<Box<L>>>,
    /// When the close has taken long enough.
    close_at: Option<Instant>,
    /// The write under way, and when it has taken long enough.
    write: Option<(u32, Instant)>,
}

/// What a transport is beside the others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Connection,
    Successor,
    /// It was the connection, or was to be.
    Former,
}

/// Which session a transport carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    /// One of its own.
    Fresh,
    /// A resume is not answered yet.
    Asked,
    Resumed,
}

/// What becomes of a message whose number the policy does not take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// One that is stale is left to a resume; one that is not new is delivered.
    Ordinary,
    /// The connection that was replaced has delivered what is not new.
    Repeated,
    /// No resume brings it again.
    Kept,
}

impl<P: Protocol, L: Future<Output = ()>> Transport<P, L> {
    /// Another poll of it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        if self.life.as_mut().is_some_and(|life| life.as_mut().poll(cx).is_ready()) {
            self.end();
        }
    }

    /// Nothing is left of it but what it said.
    pub(super) fn end(&mut self) {
        self.close_at = None;
        self.write = None;
        self.mail.forget_write();
        self.life = None;
    }

    /// Closes it until `at` at the latest. A replaced one ends the write that is under way first.
    pub(super) fn close(&mut self, code: u16, at: Instant) {
        if self.life.is_some() && self.mail.close(code, self.place == Place::Former) {
            self.close_at = Some(at);
            self.write = None;
        } else {
            self.end();
        }
    }

    pub(super) fn command(&self, command: Command<P::Token, P::Key, P::Message>) {
        if self.life.is_some() {
            self.mail.command(command);
        }
    }

    /// What the clock says: the close has taken long enough, or a write has.
    fn due(&mut self, now: Instant, send_timeout: Option<Duration>) -> bool {
        if self.close_at.is_some_and(|at| now >= at) {
            self.end();
        }
        self.watch_write(now, send_timeout);
        let late = self.write.is_some_and(|(_, at)| now >= at);
        if late {
            self.write = None;
            self.mail.forget_write();
        }
        late
    }

    /// Notes when a write began, or that none is under way.
    fn watch_write(&mut self, now: Instant, send_timeout: Option<Duration>) {
        let Some(write) = self.mail.write_under_way().filter(|_| self.close_at.is_none()) else {
            self.write = None;
            return;
        };
        if self.write.is_none_or(|(other, _)| other != write) {
            self.write = send_timeout.map(|span| (write, now.saturating_add(span)));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [self.close_at, self.write.map(|(_, at)| at)].into_iter().flatten().min()
    }

    /// What a number tells of the messages behind it.
    fn take_number(&mut self, disposition: Disposition) {
        match (disposition, self.numbers) {
            (Disposition::Stale, Numbers::Ordinary | Numbers::Repeated)
            | (Disposition::Inapplicable, Numbers::Repeated) => self.mail.drop_messages(),
            (Disposition::Applied, Numbers::Repeated) => self.numbers = Numbers::Ordinary,
            _ => {}
        }
    }
}

/// All of them: usually one, at most one connection, one successor and one that was replaced.
pub(super) struct Links<P: Protocol, L> {
    connection: Option<Transport<P, L>>,
    /// What stands beside it.
    beside: Option<Box<Beside<P, L>>>,
    /// There is another connection since the last step.
    moved: bool,
}

struct Beside<P: Protocol, L> {
    links: Vec<Transport<P, L>>,
    /// What those that are gone left: stale events, and messages that nobody brings again.
    left: VecDeque<Item<P>>,
    /// Where the last event came from.
    source: Source,
    /// Whose turn it is.
    first: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Connection,
    Beside(usize),
    Left,
}

impl<P: Protocol, L> Beside<P, L> {
    const fn new() -> Self {
        Self { links: Vec::new(), left: VecDeque::new(), source: Source::Connection, first: false }
    }
}

impl<P: Protocol, L: Future<Output = ()>> Links<P, L> {
    pub(super) const fn new() -> Self {
        Self { connection: None, beside: None, moved: false }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.all().all(|link| link.life.is_none())
    }

    fn all(&self) -> impl Iterator<Item = &Transport<P, L>> {
        self.connection.iter().chain(self.beside.iter().flat_map(|beside| &beside.links))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Transport<P, L>> {
        self.connection.iter_mut().chain(self.beside.iter_mut().flat_map(|beside| &mut beside.links))
    }

    fn beside(&mut self) -> &mut Beside<P, L> {
        self.beside.get_or_insert_with(|| Box::new(Beside::new()))
    }

    pub(super) fn get(&mut self, epoch: Epoch) -> Option<&mut Transport<P, L>> {
        self.all_mut().find(|link| link.epoch == epoch)
    }

    pub(super) fn command(&mut self, epoch: Epoch, command: Command<P::Token, P::Key, P::Message>) {
        if let Some(link) = self.get(epoch) {
            link.command(command);
        }
    }

    /// To the connection.
    pub(super) fn command_connection(&self, command: Command<P::Token, P::Key, P::Message>) {
        if let Some(link) = &self.connection {
            link.command(command);
        }
    }

    /// How far the session has come.
    pub(super) fn set_session(&self, live: bool, online: bool) {
        if let Some(link) = &self.connection {
            link.mail.set_session(live, online);
        }
    }

    /// A new transport, after whatever was left of the others; only a successor leaves the connection alone.
    pub(super) fn open(
        &mut self,
        epoch: Epoch,
        role: Role,
        mode: Mode,
        live: impl FnOnce(Arc<Mailbox<P>>) -> L,
    ) {
        let successor = role == Role::Successor && self.connection.is_some();
        let connection = self.connection.take_if(|_| !successor);
        let beside = self.beside.as_mut().map(|beside| core::mem::take(&mut beside.links));
        for mut link in connection.into_iter().chain(beside.into_iter().flatten()) {
            link.end();
            if link.place == Place::Successor {
                link.mail.abandon();
            }
            let left = link.mail.left(link.numbers == Numbers::Kept);
            if !left.is_empty() {
                self.beside().left.extend(left);
            }
        }
        let mail = Arc::new(Mailbox::new(epoch, successor));
        let link = Transport {
            epoch,
            place: if successor { Place::Successor } else { Place::Connection },
            session: if mode == Mode::Resume { Session::Asked } else { Session::Fresh },
            numbers: Numbers::Ordinary,
            life: Some(Box::pin(live(mail.clone()))),
            mail,
            close_at: None,
            write: None,
        };
        if successor {
            self.beside().links.push(link);
        } else {
            self.connection = Some(link);
        }
    }

    /// The successor is the connection from now on, and what was given up and not sent goes out on it.
    pub(super) fn promote(&mut self, epoch: Epoch, inbox: &Inbox<P::Incoming>) {
        let of_it = |link: &Transport<P, L>| link.epoch == epoch && link.place == Place::Successor;
        let Some(beside) = &mut self.beside else { return };
        let Some(index) = beside.links.iter().position(of_it) else { return };
        let mut link = beside.links.swap_remove(index);
        self.moved = true;
        link.place = Place::Connection;
        let resumed = link.session != Session::Fresh;
        link.numbers = if resumed { Numbers::Repeated } else { Numbers::Ordinary };
        if let Some(mut former) = self.connection.take() {
            former.place = Place::Former;
            former.numbers = if resumed { Numbers::Ordinary } else { Numbers::Kept };
            // They stand behind a number that was taken.
            former.mail.deliver(inbox);
            former.mail.set_session(true, false);
            for command in former.mail.take_unsubscribes() {
                if resumed {
                    link.mail.command(command);
                }
            }
            beside.links.push(former);
        }
        link.mail.release();
        self.connection = Some(link);
    }

    /// After a step: a successor whose connection has ended is the connection, and what the policy does not know any more is
    /// dropped, unless it is being closed. True if there is another connection.
    pub(super) fn follow(&mut self, policy: &impl Decider, inbox: &Inbox<P::Incoming>) -> bool {
        let (current, successor, draining) = (policy.epoch(), policy.successor(), policy.draining());
        if let Some(epoch) = current.filter(|_| self.beside.is_some()) {
            self.promote(epoch, inbox);
        }
        for link in self.all_mut() {
            let epoch = Some(link.epoch);
            if epoch == current || epoch == successor || epoch == draining {
                continue;
            }
            if link.place == Place::Successor {
                link.place = Place::Former;
                link.mail.abandon();
            }
            if link.close_at.is_none() {
                link.end();
            }
        }
        core::mem::take(&mut self.moved)
    }

    /// What an event of the last source changes here, now that the policy has taken it.
    #[inline]
    pub(super) fn taken(&mut self, event: &Event<P::Token, P::Key>, disposition: Disposition) {
        match event {
            Event::Sequence { .. } | Event::Cursor { .. } => {
                let ordinary =
                    || self.connection.as_ref().is_some_and(|link| link.numbers == Numbers::Ordinary);
                if disposition != Disposition::Applied || !ordinary() {
                    self.take_number(disposition);
                }
            }
            Event::Ready { epoch, .. } if disposition == Disposition::Applied => {
                self.begin(*epoch, Session::Fresh);
            }
            Event::Resumed { epoch } if disposition == Disposition::Applied => {
                self.begin(*epoch, Session::Resumed);
            }
            _ => {}
        }
    }

    #[cold]
    fn take_number(&mut self, disposition: Disposition) {
        let link = match &mut self.beside {
            None => self.connection.as_mut(),
            Some(beside) => match beside.source {
                Source::Connection => self.connection.as_mut(),
                Source::Beside(index) => beside.links.get_mut(index),
                Source::Left => None,
            },
        };
        if let Some(link) = link {
            link.take_number(disposition);
        }
    }

    /// A resume was answered. With a new session the numbers begin again, and nobody brings those of the old one.
    fn begin(&mut self, epoch: Epoch, session: Session) {
        let Some(link) = self.get(epoch).filter(|link| link.session == Session::Asked) else { return };
        link.session = session;
        if link.place == Place::Connection && session == Session::Fresh {
            link.numbers = Numbers::Ordinary;
            for former in self.all_mut().filter(|link| link.place == Place::Former) {
                former.numbers = Numbers::Kept;
            }
        }
    }

    /// The next event of any transport.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        inbox: &Inbox<P::Incoming>,
    ) -> Option<Event<P::Token, P::Key>> {
        if self.beside.is_some() {
            return self.poll_several(cx, inbox);
        }
        let connection = self.connection.as_mut()?;
        if let Some(event) = connection.mail.earlier_event(inbox) {
            return Some(event);
        }
        connection.poll(cx);
        connection.mail.event(inbox)
    }

    #[cold]
    #[inline(never)]
    fn poll_several(
        &mut self,
        cx: &mut Context<'_>,
        inbox: &Inbox<P::Incoming>,
    ) -> Option<Event<P::Token, P::Key>> {
        let beside = self.beside.as_mut()?;
        while let Some(item) = beside.left.pop_front() {
            match item {
                Received::Event(event) => {
                    beside.source = Source::Left;
                    return Some(event);
                }
                Received::Message(message) => inbox.push(message),
            }
        }
        if let Some(event) = self.event(inbox) {
            return Some(event);
        }
        for link in self.all_mut() {
            link.poll(cx);
        }
        let event = self.event(inbox);
        if event.is_none() {
            // Until the next handover there is nothing beside the connection, and it costs nothing.
            let beside = self.beside.as_mut()?;
            beside.links.retain(|link| link.life.is_some());
            if beside.links.is_empty() {
                self.beside = None;
            }
        }
        event
    }

    /// An event that is there, of both in turn.
    fn event(&mut self, inbox: &Inbox<P::Incoming>) -> Option<Event<P::Token, P::Key>> {
        let Self { connection, beside: Some(beside), .. } = self else { return None };
        beside.first = !beside.first;
        for first in [beside.first, !beside.first] {
            if first {
                for (index, link) in beside.links.iter().enumerate() {
                    if let Some(event) = link.mail.event(inbox) {
                        beside.source = Source::Beside(index);
                        return Some(event);
                    }
                }
            } else if let Some(event) = connection.as_ref().and_then(|link| link.mail.event(inbox)) {
                beside.source = Source::Connection;
                return Some(event);
            }
        }
        None
    }

    /// The transport whose write has taken too long.
    pub(super) fn due(&mut self, now: Instant, send_timeout: Option<Duration>) -> Option<Epoch> {
        self.all_mut().find_map(|link| link.due(now, send_timeout).then_some(link.epoch))
    }

    /// The next time at which [`Self::due`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all().filter_map(Transport::deadline).min()
    }
}
