//! A modem, the network and a server behind it, by a script: each dial meets the next attempt of the script. What follows from a command
//! comes after a while, as an event at its own time.

use redial::{Cause, Epoch, Event, IoKind};

use crate::uplink::{Token, Topic};

/// An event of this device.
pub type Heard = Event<Token, Topic>;

/// What the modem is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Dial(Epoch),
    HangUp,
    Login,
    Resume(Option<Token>),
    Subscribe(Topic, u32),
    Ping,
}

/// What a dial meets.
#[derive(Clone, Copy)]
pub enum Attempt {
    /// No carrier, after so many milliseconds.
    Fails(u32, IoKind),
    /// A carrier, and a server that has this session, and then loses the connection after so many milliseconds.
    Serves(Session, u32, Cause),
    /// A carrier, and a server that is heard no more after so many milliseconds, though the connection looks open.
    FallsSilent(u32),
}

/// What the server makes of a login or a resume.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A resume is granted.
    Kept,
    /// A resume is refused.
    Forgotten,
    /// Neither is ever answered.
    Unanswered,
}

/// What the network and the server do in the life of this device.
pub const SCRIPT: &[Attempt] = &[
    Attempt::Fails(4_000, IoKind::HostUnreachable),
    Attempt::Serves(Session::Kept, 40_000, Cause::Io(IoKind::ConnectionReset)),
    Attempt::Fails(1_000, IoKind::TimedOut),
    Attempt::Serves(Session::Kept, 200_000, Cause::NoCloseFrame),
    Attempt::Serves(Session::Unanswered, 600_000, Cause::NoCloseFrame),
    Attempt::Serves(Session::Forgotten, 600_000, Cause::NoCloseFrame),
    Attempt::FallsSilent(150_000),
    Attempt::Serves(Session::Kept, 100_000, Cause::Io(IoKind::ConnectionReset)),
    Attempt::Serves(Session::Kept, 900_000, Cause::NoCloseFrame),
    Attempt::Fails(8_000, IoKind::NetworkUnreachable),
    Attempt::Serves(Session::Kept, 900_000, Cause::NoCloseFrame),
];

/// The most events under way.
const PENDING: usize = 8;

/// Milliseconds until the carrier is there, until the server answers, and between its messages.
const CARRIER: u32 = 1_200;
const ROUND_TRIP: u32 = 350;
const MESSAGE: u32 = 25_000;

/// The modem with the connection that it has.
pub struct Modem {
    attempts: core::slice::Iter<'static, Attempt>,
    attempt: Option<Attempt>,
    epoch: Option<Epoch>,
    /// Until when the server is heard, on the tick.
    heard_until: Option<u32>,
    sequence: u64,
    pending: [Option<(u32, Heard)>; PENDING],
}

impl Modem {
    #[must_use]
    pub fn new(script: &'static [Attempt]) -> Self {
        Self {
            attempts: script.iter(),
            attempt: None,
            epoch: None,
            heard_until: None,
            sequence: 0,
            pending: [const { None }; PENDING],
        }
    }

    /// Does as it is told at this tick.
    pub fn command(&mut self, tick: u32, command: Command) {
        match command {
            Command::Dial(epoch) => self.dial(tick, epoch),
            Command::HangUp => self.hang_up(),
            Command::Login => self.answer(tick, Self::welcome),
            Command::Resume(_) => self.answer(tick, |modem, epoch| match modem.attempt {
                Some(Attempt::Serves(Session::Forgotten, ..)) => {
                    Event::SessionInvalid { epoch, resumable: false }
                }
                _ => Event::Resumed { epoch },
            }),
            Command::Subscribe(key, send) => {
                self.answer(tick, |_, epoch| Event::SubscriptionConfirmed { epoch, key, send: Some(send) });
            }
            Command::Ping => self.answer(tick, |_, epoch| Event::HeartbeatAcked { epoch }),
        }
    }

    /// The next event: how many ticks from here, and which.
    #[must_use]
    pub fn next(&self, tick: u32) -> Option<u32> {
        // Ticks are compared by their distance, which stays right when the tick wraps.
        self.pending.iter().flatten().map(|(at, _)| at.wrapping_sub(tick)).min()
    }

    /// Takes the event that is due at this tick.
    pub fn take(&mut self, tick: u32) -> Option<Heard> {
        let slot = self.pending.iter_mut().find(|slot| slot.as_ref().is_some_and(|(at, _)| *at == tick))?;
        let (_, event) = slot.take()?;
        match &event {
            Event::OpenFailed { .. } | Event::Closed { .. } => self.hang_up(),
            Event::Opened { epoch } => self.opened(tick, *epoch),
            Event::Sequence { epoch, .. } => self.talk(tick, *epoch),
            _ => {}
        }
        Some(event)
    }

    fn dial(&mut self, tick: u32, epoch: Epoch) {
        self.attempt = self.attempts.next().copied();
        self.epoch = Some(epoch);
        match self.attempt {
            Some(Attempt::Fails(after, kind)) => {
                self.later(
                    tick,
                    after,
                    Event::OpenFailed { epoch, cause: Cause::Io(kind), retry_after: None },
                );
            }
            Some(_) => self.later(tick, CARRIER, Event::Opened { epoch }),
            // The network is gone for good.
            None => {}
        }
    }

    fn opened(&mut self, tick: u32, epoch: Epoch) {
        match self.attempt {
            Some(Attempt::Serves(_, life, cause)) => self.later(tick, life, Event::Closed { epoch, cause }),
            Some(Attempt::FallsSilent(after)) => self.heard_until = Some(tick.wrapping_add(after)),
            _ => {}
        }
    }

    fn hang_up(&mut self) {
        (self.attempt, self.epoch, self.heard_until) = (None, None, None);
        self.pending = [const { None }; PENDING];
    }

    fn welcome(modem: &mut Self, epoch: Epoch) -> Heard {
        modem.sequence = 0;
        Event::Ready { epoch, token: Some(0x51), endpoint: None, sequence: Some(0), ttl: None }
    }

    /// The server's answer, unless it gives none.
    fn answer(&mut self, tick: u32, answer: impl FnOnce(&mut Self, Epoch) -> Heard) {
        let silent = matches!(self.attempt, Some(Attempt::Serves(Session::Unanswered, ..)));
        let Some(epoch) = self.epoch.filter(|_| !silent && self.is_heard(tick)) else { return };
        let event = answer(self, epoch);
        if matches!(event, Event::Ready { .. } | Event::Resumed { .. }) {
            self.talk(tick, epoch);
        }
        self.later(tick, ROUND_TRIP, event);
    }

    /// The server's next message.
    fn talk(&mut self, tick: u32, epoch: Epoch) {
        if self.is_heard(tick.wrapping_add(MESSAGE)) {
            self.sequence = self.sequence.saturating_add(1);
            self.later(tick, MESSAGE, Event::Sequence { epoch, sequence: self.sequence });
        }
    }

    /// Whether the server is heard at this tick.
    fn is_heard(&self, tick: u32) -> bool {
        self.heard_until.is_none_or(|until| until.wrapping_sub(tick) < u32::MAX / 2)
    }

    /// Two events never come at one tick, since a policy takes one at a time.
    fn later(&mut self, tick: u32, mut after: u32, event: Heard) {
        while self.pending.iter().flatten().any(|(at, _)| *at == tick.wrapping_add(after)) {
            after = after.wrapping_add(1);
        }
        if let Some(slot) = self.pending.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((tick.wrapping_add(after), event));
        }
    }
}
