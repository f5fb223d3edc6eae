//! What passes between a transport and the loop.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::policy::{Epoch, Event};

use super::command::{Command, Received};
use super::hold::Hold;
use super::messages::Inbox;
use super::protocol::Protocol;
use super::queue::Queue;
use super::sync::{AtomicU16, AtomicU32, Mutex, MutexGuard, Ordering};

/// Items were received.
const ITEMS: u16 = 1;
/// Something is to be written.
const COMMANDS: u16 = 2;
/// The transport is to be closed.
const CLOSE: u16 = 4;
/// The session is there; what the application does not take may hold up the reader.
pub(super) const LIVE: u16 = 8;
/// Messages of the application may be written.
pub(super) const ONLINE: u16 = 16;
/// A write is under way, and waited for.
const WRITING: u16 = 32;
/// A heartbeat was queued and not acknowledged yet.
pub(super) const UNANSWERED: u16 = 64;
/// The write that is under way is finished before the transport is closed.
const FINISH: u16 = 128;
/// A successor has received as much as may be held.
pub(super) const FULL: u16 = 256;
/// A sign of life was received, and nothing else of its receive is left.
const LIFE: u16 = 512;
/// A sequence number was, likewise.
const NUMBER: u16 = 1024;
/// What is received is held.
const HOLD: u16 = 2048;
/// A write is under way, whether it is waited for or not.
const BUSY: u16 = 4096;
/// Something was received.
pub(super) const RECEIVED: u16 = ITEMS | LIFE | NUMBER;

/// One thing that was received.
pub(super) type Item<P> = Received<<P as Protocol>::Token, <P as Protocol>::Key, <P as Protocol>::Incoming>;

type CommandOf<P> = Command<<P as Protocol>::Token, <P as Protocol>::Key, <P as Protocol>::Message>;
type EventOf<P> = Event<<P as Protocol>::Token, <P as Protocol>::Key>;

/// What passes between a transport and the loop. Both are polled by the same task, the transport after everything the
/// loop put in here, so no waker is needed; the mutex is never contended and only there so that the task may change
/// threads. The flags spare it where there is nothing to find, and where there is no more than what they say: the two
/// events of which a connection brings thousands.
pub(super) struct Mailbox<P: Protocol> {
    epoch: Epoch,
    inner: Mutex<Inner<P>>,
    flags: AtomicU16,
    /// The sequence number of [`NUMBER`], its low half first.
    number: [AtomicU32; 2],
    /// How many writes were begun.
    writes: AtomicU32,
}

struct Inner<P: Protocol> {
    items: Queue<Item<P>>,
    commands: Queue<CommandOf<P>>,
    /// The dial has succeeded.
    open: bool,
    close: Option<u16>,
    /// What a successor received. After its release this comes before the items.
    hold: Option<Box<Hold<P>>>,
}

impl<P: Protocol> Inner<P> {
    /// The next item where a hold stands before it.
    #[cold]
    fn next_of_hold(&mut self) -> Option<Item<P>> {
        if self.items.is_empty() {
            let hold = self.hold.as_mut()?;
            *self.items.all() = hold.next_receive()?;
            if !hold.has_released() {
                self.hold = None;
            }
        }
        self.items.pop_front()
    }

    #[inline]
    fn has_items(&self) -> bool {
        !self.items.is_empty() || self.hold.as_ref().is_some_and(|hold| hold.has_released())
    }
}

impl<P: Protocol> Mailbox<P> {
    /// `holds`: of a successor, whose messages wait until it is the connection.
    pub(super) fn new(epoch: Epoch, holds: bool) -> Self {
        let hold = holds.then(|| Box::new(Hold::new()));
        let inner = Inner { items: Queue::new(), commands: Queue::new(), open: false, close: None, hold };
        Self {
            epoch,
            inner: Mutex::new(inner),
            flags: AtomicU16::new(if holds { HOLD } else { 0 }),
            number: [AtomicU32::new(0), AtomicU32::new(0)],
            writes: AtomicU32::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock()
    }

    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    #[inline]
    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Only one task writes, so a load and a store do.
    #[inline]
    pub(super) fn set(&self, flag: u16, on: bool) {
        let flags = self.flags.load(Ordering::Relaxed);
        self.flags.store(if on { flags | flag } else { flags & !flag }, Ordering::Relaxed);
    }

    /// The next event; messages before it go to the application, or are held.
    #[inline]
    pub(super) fn event(&self, inbox: &Inbox<P::Incoming>) -> Option<EventOf<P>> {
        if !self.has(RECEIVED) {
            return None;
        }
        match self.frequent_event() {
            None => self.next_event(inbox),
            event => event,
        }
    }

    /// The next event of an earlier receive.
    #[inline]
    pub(super) fn earlier_event(&self, inbox: &Inbox<P::Incoming>) -> Option<EventOf<P>> {
        if self.has(RECEIVED) { self.left_event(inbox) } else { None }
    }

    #[inline(never)] // Keep the hot path small.
    fn left_event(&self, inbox: &Inbox<P::Incoming>) -> Option<EventOf<P>> {
        self.event(inbox)
    }

    /// What came before all items.
    #[inline]
    fn frequent_event(&self) -> Option<EventOf<P>> {
        let event = if self.has(LIFE) {
            Event::Received { epoch: self.epoch }
        } else if self.has(NUMBER) {
            let [low, high] = &self.number;
            let [low, high] = [low, high].map(|half| u64::from(half.load(Ordering::Relaxed)));
            Event::Sequence { epoch: self.epoch, sequence: high << 32 | low }
        } else {
            return None;
        };
        self.set(LIFE | NUMBER, false);
        Some(event)
    }

    #[inline(never)] // Keep the hot path small.
    fn next_event(&self, inbox: &Inbox<P::Incoming>) -> Option<EventOf<P>> {
        while self.has(ITEMS) {
            let mut inner = self.lock();
            if inner.hold.is_some() {
                match self.held(inner, inbox) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let item = inner.items.pop_front();
            self.set(ITEMS, !inner.items.is_empty());
            if let Some(Received::Event(_)) = item {
                // Most connections bring few of them, and one that is at rest keeps no memory for the next.
                inner.items.shrink();
            }
            drop(inner);
            match item? {
                Received::Event(event) => return Some(event),
                Received::Message(message) => inbox.push(message),
            }
        }
        None
    }

    /// The next item where there is a hold: its event, or what of it is for now.
    #[cold]
    #[inline(never)]
    fn held(&self, mut inner: MutexGuard<'_, Inner<P>>, inbox: &Inbox<P::Incoming>) -> Option<EventOf<P>> {
        let mut item = inner.next_of_hold();
        self.set(ITEMS, inner.has_items());
        if let Some(hold) = &mut inner.hold {
            item = item.and_then(|item| hold.take(item, inbox.is_taken()));
            self.set(FULL, hold.is_full(inbox.limit(2)));
        }
        self.set(HOLD, inner.hold.is_some());
        drop(inner);
        match item? {
            Received::Event(event) => Some(event),
            Received::Message(message) => {
                inbox.push(message);
                None
            }
        }
    }

    /// The successor is the connection from now on: what was held goes on, ahead of what came with it last.
    pub(super) fn release(&self) {
        let mut inner = self.lock();
        if let Some(mut hold) = inner.hold.take() {
            hold.release(inner.items.take());
            inner.hold = hold.has_released().then_some(hold);
        }
        self.set(HOLD, inner.hold.is_some());
        self.set(FULL, false);
        self.set(ITEMS, inner.has_items());
    }

    /// The successor does not become the connection: what it received for then is dropped.
    pub(super) fn abandon(&self) {
        let mut inner = self.lock();
        if let Some(hold) = &mut inner.hold {
            **hold = Hold::new();
        }
        inner.items.all().retain(|item| matches!(item, Received::Event(event) if !is_numbered(event)));
        self.set(ITEMS, !inner.items.is_empty());
    }

    /// The messages that stand before the next event.
    pub(super) fn deliver(&self, inbox: &Inbox<P::Incoming>) {
        let mut inner = self.lock();
        while let Some(Received::Message(_)) = inner.items.all().front() {
            if let Some(Received::Message(message)) = inner.items.pop_front() {
                inbox.push(message);
            }
        }
        self.set(ITEMS, inner.has_items());
    }

    /// The number that came with the messages behind it is stale, so a resume brings them again, or it brought them again.
    pub(super) fn drop_messages(&self) {
        let mut inner = self.lock();
        drop_numbered(inner.items.all());
        self.set(ITEMS, inner.has_items());
    }

    /// What is left of a transport that is gone. Every number in it is stale; `kept`: no resume brings its messages again.
    pub(super) fn left(&self, kept: bool) -> VecDeque<Item<P>> {
        let mut inner = self.lock();
        let mut left: VecDeque<_> = self.frequent_event().map(Received::Event).into_iter().collect();
        while let Some(item) = inner.next_of_hold() {
            let numbered = matches!(&item, Received::Event(event) if is_numbered(event));
            left.push_back(item);
            if numbered && !kept {
                drop_numbered(inner.items.all());
            }
        }
        self.set(ITEMS, false);
        left
    }

    pub(super) fn report(&self, event: EventOf<P>) {
        self.lock().items.push_back(Received::Event(event));
        self.set(ITEMS, true);
    }

    /// What one receive brought. Messages that stand before all else are the application's at once.
    #[inline]
    pub(super) fn receive(&self, items: P::Received, inbox: &Inbox<P::Incoming>) {
        let mut items = items.into_iter();
        if self.has(HOLD | RECEIVED) {
            return self.queue(items);
        }
        let event = loop {
            match items.next() {
                Some(Received::Message(message)) => inbox.push(message),
                Some(Received::Event(event)) => break event,
                None => return self.set(LIFE, true),
            }
        };
        let next = items.next();
        match event {
            Event::Received { epoch } if next.is_none() && epoch == self.epoch => self.set(LIFE, true),
            Event::Sequence { epoch, sequence } if next.is_none() && epoch == self.epoch => {
                let [low, high] = &self.number;
                low.store(sequence as u32, Ordering::Relaxed);
                high.store((sequence >> 32) as u32, Ordering::Relaxed);
                self.set(NUMBER, true);
            }
            event => self.queue(Some(Received::Event(event)).into_iter().chain(next).chain(items)),
        }
    }

    fn queue(&self, items: impl Iterator<Item = Item<P>>) {
        let mut inner = self.lock();
        if let Some(hold) = &mut inner.hold {
            hold.begin_receive();
        }
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
            inner.items.push_back(Received::Event(Event::Received { epoch: self.epoch }));
        }
        self.set(ITEMS, true);
    }

    /// The dial has succeeded.
    pub(super) fn opened(&self) {
        self.lock().open = true;
        self.report(Event::Opened { epoch: self.epoch });
    }

    /// False if nothing is open yet. What is queued is void; `finish`: the write that is under way ends first.
    pub(super) fn close(&self, code: u16, finish: bool) -> bool {
        let mut inner = self.lock();
        inner.close = Some(code);
        inner.commands = Queue::new();
        self.set(COMMANDS | ONLINE, false);
        if !finish {
            self.forget_write();
        }
        self.set(CLOSE, true);
        self.set(FINISH, finish);
        inner.open
    }

    /// With which code it is to be closed now.
    #[inline]
    pub(super) fn closes(&self) -> Option<u16> {
        if self.has(CLOSE) { self.closes_with() } else { None }
    }

    #[cold]
    fn closes_with(&self) -> Option<u16> {
        if self.has(FINISH) && self.has(WRITING) { None } else { self.lock().close }
    }

    /// Queued behind a send that takes its time. A heartbeat that is still waiting there takes the new one's number
    /// instead of being sent twice, so that a peer that asks for heartbeats and does not read them can't fill the memory.
    pub(super) fn command(&self, command: CommandOf<P>) {
        let mut inner = self.lock();
        if inner.close.is_some() {
            return;
        }
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

    pub(super) fn next_command(&self) -> Option<CommandOf<P>> {
        if !self.has(COMMANDS) {
            return None;
        }
        let mut inner = self.lock();
        let command = inner.commands.pop_front();
        inner.commands.shrink();
        self.set(COMMANDS, !inner.commands.is_empty());
        command
    }

    /// What was given up and is not sent yet, for the transport that has the session now.
    pub(super) fn take_unsubscribes(&self) -> VecDeque<CommandOf<P>> {
        let mut inner = self.lock();
        let (taken, kept) =
            inner.commands.take().into_iter().partition(|command| matches!(command, Command::Unsubscribe(_)));
        *inner.commands.all() = kept;
        inner.commands.shrink();
        self.set(COMMANDS, !inner.commands.is_empty());
        taken
    }

    /// How far the session has come, after every step that may have changed it.
    pub(super) fn set_session(&self, live: bool, online: bool) {
        self.set(LIVE, live);
        self.set(ONLINE, online);
    }

    pub(super) fn begin_write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.set(WRITING | BUSY, true);
    }

    pub(super) fn end_write(&self) {
        self.set(WRITING | BUSY, false);
    }

    /// Whether a command waits, or a write is under way.
    #[inline]
    pub(super) fn has_write(&self) -> bool {
        self.has(COMMANDS | BUSY)
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

/// Whether messages come behind it whose number it is.
pub(super) const fn is_numbered<T, K>(event: &Event<T, K>) -> bool {
    matches!(event, Event::Sequence { .. } | Event::Cursor { .. })
}

/// Drops the messages whose number stood before them.
fn drop_numbered<T, K, I>(items: &mut VecDeque<Received<T, K, I>>) {
    let mut of_it = true;
    items.retain(|item| match item {
        Received::Event(event) => {
            of_it = of_it && !is_numbered(event);
            true
        }
        Received::Message(_) => !of_it,
    });
}
