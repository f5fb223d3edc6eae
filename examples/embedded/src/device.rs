//! The device: the link and the modem on one tick of 32 bits, which wraps in the middle of its life.

use redial::subscriptions::Subscriptions;
use redial::time::Widened;
use redial::{Action, Actions, Event, Instant};

use crate::modem::{Command, Heard, Modem, SCRIPT};
use crate::uplink::{Recorded, Topic};

/// What the host of the modem reports by itself: after so many milliseconds of life.
const HOST: &[(u32, Heard)] = &[
    (0, Event::Subscribe { key: 7, priority: 0 }),
    (0, Event::Subscribe { key: 9, priority: 3 }),
    (0, Event::Subscribe { key: 8, priority: 0 }),
    (0, Event::Start),
    (330_000, Event::Unsubscribe { key: 8 }),
    (900_000, Event::NetworkDown),
    (960_000, Event::NetworkUp),
    (1_100_000, Event::Subscribe { key: 12, priority: 1 }),
];

/// The life of the device in milliseconds; it is stopped then.
const LIFE: u32 = 1_500_000;

/// The tick at its start: it wraps two minutes later.
const FIRST_TICK: u32 = u32::MAX - 120_000;

/// Sees what the device decides.
pub trait Watch {
    /// A call of the policy and what followed.
    fn decided(&mut self, now: Instant, event: Option<&Heard>, actions: Actions, node: &Recorded);
}

/// Sees nothing.
pub struct Unwatched;

impl Watch for Unwatched {
    fn decided(&mut self, _: Instant, _: Option<&Heard>, _: Actions, _: &Recorded) {}
}

/// The link with its modem, its clock and its tick.
pub struct Device {
    node: Recorded,
    modem: Modem,
    clock: Widened,
    tick: u32,
}

impl Device {
    /// The device with this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self {
            node: Recorded::new(number),
            modem: Modem::new(SCRIPT),
            clock: Widened::new(),
            tick: FIRST_TICK,
        }
    }

    /// The link with its recorder.
    #[must_use]
    pub const fn node(&self) -> &Recorded {
        &self.node
    }

    /// Lives, from the first event to the stop. A device waits for an interrupt where this one moves its tick.
    pub fn live(&mut self, watch: &mut impl Watch) {
        let mut host = HOST.iter();
        loop {
            let lived = self.tick.wrapping_sub(FIRST_TICK);
            let until_host = host.as_slice().first().map(|(at, _)| at.wrapping_sub(lived));
            let until_modem = self.modem.next(self.tick);
            let now = self.now();
            let until_deadline = self.node.sleep_ms(now);
            let wait = [until_host, until_modem, until_deadline].into_iter().flatten().min();
            let wait = wait.unwrap_or(u32::MAX).min(LIFE.wrapping_sub(lived));
            self.tick = self.tick.wrapping_add(wait);
            if self.tick.wrapping_sub(FIRST_TICK) >= LIFE {
                return self.handle(Some(Event::Stop { keep: true }), watch);
            }
            // What happened goes before the time.
            let event = if until_host == Some(wait) {
                host.next().map(|(_, event)| event.clone())
            } else {
                self.modem.take(self.tick)
            };
            self.handle(event, watch);
        }
    }

    fn now(&mut self) -> Instant {
        self.clock.instant_from_millis(self.tick)
    }

    fn handle(&mut self, event: Option<Heard>, watch: &mut impl Watch) {
        let now = self.now();
        let actions = self.node.handle(now, event.clone());
        watch.decided(now, event.as_ref(), actions, &self.node);
        for action in actions {
            self.execute(action);
        }
    }

    fn execute(&mut self, action: Action) {
        let (tick, modem) = (self.tick, &mut self.modem);
        let link = &self.node.link;
        match action {
            Action::Open { epoch, .. } => modem.command(tick, Command::Dial(epoch)),
            Action::Close { .. } => modem.command(tick, Command::HangUp),
            Action::Identify { .. } => modem.command(tick, Command::Login),
            Action::Resume { .. } => {
                let token = link.session().token().copied();
                modem.command(tick, Command::Resume(token));
            }
            Action::Heartbeat { .. } => modem.command(tick, Command::Ping),
            Action::Restore { send, .. } => {
                let topics = link.subscriptions().batch();
                topics.for_each(|topic: &Topic| modem.command(tick, Command::Subscribe(*topic, send)));
            }
            // No credential and no handover here, and this config never gives up.
            Action::RefreshCredential { .. }
            | Action::Authenticate { .. }
            | Action::Promote { .. }
            | Action::DropSession { .. }
            | Action::GaveUp { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use redial::{Phase, Stats};

    use super::*;

    /// When the first and the newest call were.
    #[derive(Default)]
    struct Clock(Option<(Instant, Instant)>);

    impl Watch for Clock {
        fn decided(&mut self, now: Instant, _: Option<&Heard>, _: Actions, _: &Recorded) {
            let (first, newest) = self.0.unwrap_or((now, now));
            assert!(now >= newest, "{now:?} after {newest:?}");
            self.0 = Some((first, now));
        }
    }

    #[test]
    fn the_tick_wraps_and_no_time_is_lost() {
        let (mut device, mut clock) = (Device::new(7), Clock::default());
        device.live(&mut clock);
        let (first, last) = clock.0.unwrap();
        assert!(device.tick < FIRST_TICK);
        assert_eq!(last.saturating_duration_since(first), Duration::from_millis(LIFE.into()));
    }

    /// The script has every way in which a link fails, and the link gets over each.
    #[test]
    fn the_link_gets_over_every_failure() {
        for number in 0..100 {
            let mut device = Device::new(number);
            device.live(&mut Unwatched);
            let link = &device.node().link;
            let Stats { fresh, resumed, zombies, failed, losses, clock_rewinds, .. } = link.stats();
            assert_eq!(link.phase(), Phase::Stopped);
            assert_eq!((fresh, zombies, clock_rewinds), (2, 1, 0), "device {number}");
            assert!(resumed >= 4 && failed >= 5 && losses >= 4, "device {number}: {:?}", link.stats());
            assert_eq!(link.session().token(), Some(&0x51), "it was stopped with its session");
            assert_eq!(device.node().gone(), 0);
        }
    }
}
