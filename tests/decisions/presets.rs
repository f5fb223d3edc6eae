//! Every preset against its peer's published waits, through a policy, and against its peer's known bugs.

mod defaults;
mod faults;
mod limits;
mod vectors;

use std::time::Duration;

use vectors::{VECTORS, preset};

use crate::draws::{Constant, Shared, assert_near, ms};
use redial::classify::Class;
use redial::presets::{self, by_name};
use redial::{
    Action, Backoff, BackoffConfig, Cause, Config, Disposition, Epoch, Event, GiveUp, Instant, IoKind,
    Jitter, Mode, Policy, Ratio, SplitMix64,
};

const HOUR: Duration = Duration::from_secs(3600);

/// The same with a first connect that is retried like any other.
fn retrying(name: &str) -> &'static Config {
    Box::leak(Box::new(preset(name).to_builder().initial_limits(None, None).build_const()))
}

/// How a server drops what it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// When the transport is open.
    Unready,
    /// Ready, then closed.
    Closed(Cause),
    /// Ready, then told that the session is invalid.
    Invalid,
    /// Ready, then asked to reconnect.
    Asked,
}

/// Plays the driver of a policy whose dials all fail, and of one whose sessions never hold.
struct Driver {
    policy: Policy<SplitMix64>,
    now: Instant,
    epoch: Option<Epoch>,
    gave_up: Option<GiveUp>,
    dials: u32,
    /// What the newest dial said of itself.
    attempt: u32,
    mode: Mode,
    /// Heartbeats that nobody has looked at yet.
    beats: u32,
}

impl Driver {
    fn new(config: &'static Config) -> Self {
        Self::seeded(config, 11)
    }

    fn seeded(config: &'static Config, seed: u64) -> Self {
        let policy = Policy::new(config, SplitMix64::new(seed));
        let mut driver = Self {
            policy,
            now: Instant::ZERO,
            epoch: None,
            gave_up: None,
            dials: 0,
            attempt: 0,
            mode: Mode::Fresh,
            beats: 0,
        };
        driver.tell(Event::Start);
        driver
    }

    fn tell(&mut self, event: Event) {
        let actions = self.policy.handle_event(self.now, event);
        self.obey(actions);
    }

    fn obey(&mut self, actions: redial::Actions) {
        for action in actions {
            match action {
                Action::Open { epoch, mode, attempt, .. } => {
                    (self.epoch, self.gave_up, self.dials) = (Some(epoch), None, self.dials + 1);
                    (self.mode, self.attempt) = (mode, attempt);
                }
                Action::Heartbeat { .. } => self.beats += 1,
                Action::GaveUp { reason, .. } => self.gave_up = Some(reason),
                Action::RefreshCredential { .. } => panic!("nothing was rejected"),
                _ => {}
            }
        }
    }

    /// Fails the dial; the wait before the next one. `None`: given up.
    fn fail(&mut self) -> Option<Duration> {
        self.fail_after(ms(0))
    }

    /// Fails the dial when it has taken this long.
    fn fail_after(&mut self, took: Duration) -> Option<Duration> {
        self.now = self.now.saturating_add(took);
        let cause = Cause::Io(IoKind::ConnectionRefused);
        self.tell(Event::OpenFailed { epoch: self.epoch.unwrap(), cause, retry_after: None });
        self.wait()
    }

    /// Establishes a session and loses it after `held`.
    fn lose_after(&mut self, held: Duration) -> Option<Duration> {
        self.flap(Loss::Closed(Cause::CloseFrame(1006)), held)
    }

    /// A connection that gets as far as `loss` says, and ends like that `held` later. The wait before the next dial.
    fn flap(&mut self, loss: Loss, held: Duration) -> Option<Duration> {
        let epoch = self.epoch.unwrap();
        self.tell(Event::Opened { epoch });
        if loss != Loss::Unready {
            self.tell(Event::Greeting { epoch, heartbeat: Some(ms(41_250)) });
            // With a session, where the preset keeps one.
            self.tell(Event::Ready { epoch, token: Some(()), endpoint: None, sequence: Some(1), ttl: None });
        }
        self.now = self.now.saturating_add(held);
        self.tell(match loss {
            Loss::Unready => Event::Closed { epoch, cause: Cause::NoCloseFrame },
            Loss::Invalid => Event::SessionInvalid { epoch, resumable: false },
            Loss::Asked => Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
            Loss::Closed(cause) => Event::Closed { epoch, cause },
        });
        self.wait()
    }

    /// Lets the timers fire that are due by then.
    fn pass_to(&mut self, time: Duration) {
        let end = Instant::ZERO.saturating_add(time);
        while let Some(due) = self.policy.poll_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            let actions = self.policy.handle_timeout(self.now);
            self.obey(actions);
        }
        self.now = end;
    }

    fn wait(&mut self) -> Option<Duration> {
        let before = self.now;
        while self.gave_up.is_none() && self.policy.epoch().is_none() {
            self.now = self.policy.poll_timeout().expect("a deadline");
            if self.now == Instant::MAX {
                return None; // beyond the end of time: it never comes
            }
            let actions = self.policy.handle_timeout(self.now);
            self.obey(actions);
        }
        self.gave_up.is_none().then(|| self.now.saturating_duration_since(before))
    }
}
