//! The naive parts of the naive policy: the waits, the breaker, the heartbeat, the set of subscriptions.

use std::time::Duration;

use redial::backoff::{AfterTable, Curve};
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::{BackoffConfig, Disposition, Jitter, Mode, Ratio, breaker};

/// The microseconds from which to which a time may lie: equal, unless it is drawn and the core has not shown it yet.
pub type Span = (f64, f64);

/// How many subscriptions a policy of these tests can have.
pub const CAPACITY: usize = 4;

pub fn us(duration: Duration) -> f64 {
    (duration.as_nanos() as f64 / 1_000.).ceil()
}

pub fn float(ratio: Ratio) -> f64 {
    f64::from(ratio.numerator()) / f64::from(ratio.denominator())
}

/// W01: how many milliseconds the window is wide that begins so many after the loss.
fn width(backoff: &BackoffConfig, begin: f64) -> f64 {
    let Curve::Windows(scale) = backoff.curve() else { return 0. };
    let most = us(backoff.max_delay(Mode::Fresh)).max(us(backoff.max_delay(Mode::Resume))) / 1e3;
    let (m, scale) = (begin.max(1e3), us(scale) / 1e3);
    let grown = (2. * m).min((scale * m).sqrt());
    (if begin == 0. { us(backoff.initial_delay()) / 1e3 } else { grown.floor() }).min(most)
}

/// W01, W04 to W06: the wait after the first or a later failure of an outage, at this phase in the windows from `begin` on, which
/// moves on.
pub fn windowed(
    (backoff, mode): (&BackoffConfig, Mode),
    phase: f64,
    begin: &mut f64,
    first: bool,
    elapsed: f64,
) -> f64 {
    let (initial, cap) = (width(backoff, 0.) * 1e3, us(backoff.max_delay(mode)));
    let floor = us(backoff.floor()).min(cap);
    let at = |begin: f64| begin * 1e3 + (phase * width(backoff, begin) * 1e3).floor();
    let wait = if first && elapsed == 0. && floor < initial {
        floor + (phase * (initial - floor)).floor()
    } else {
        let ahead = floor.max(3e5);
        let found = (0..64).any(|_| {
            let found = at(*begin) > elapsed + ahead;
            *begin += if found { 0. } else { width(backoff, *begin) };
            found
        });
        *begin = if found { *begin } else { ((elapsed + ahead) / 1e3).ceil() + 1. };
        (at(*begin) - elapsed).max(ahead).min(ahead + initial.max(width(backoff, *begin) * 1e3))
    };
    let other = backoff.first_delay().filter(|_| first).map(|wait| (phase * us(wait)).floor());
    *begin += if other.is_some() { width(backoff, *begin) } else { 0. };
    match other.unwrap_or(wait) {
        wait if wait > cap => cap * 0.75 + (phase * cap / 4.).floor(),
        wait => wait,
    }
}

/// F21 to F27: from which to which time the n-th wait may last. `None`: the table is spent.
pub fn wait(backoff: &BackoffConfig, mode: Mode, nth: u32, elapsed: f64) -> Option<Span> {
    let (initial, cap) = (us(backoff.initial_delay()), us(backoff.max_delay(mode)));
    let nominal = match backoff.curve() {
        // W05
        Curve::Windows(_) => {
            let begin = (1..nth.min(1024)).fold(0., |begin, _| begin + width(backoff, begin));
            let now = width(backoff, (elapsed / 1e3).floor());
            initial.max(1e3 * width(backoff, begin)).max(1e3 * now)
        }
        Curve::Exponential(factor) => initial * float(factor).powi(nth as i32 - 1),
        Curve::Linear => initial * f64::from(nth),
        Curve::Fibonacci => (1..nth.min(90)).fold((initial, initial), |(one, two), _| (two, one + two)).0,
        Curve::Table(waits, AfterTable::GiveUp) => us(*waits.get(nth as usize - 1)?),
        Curve::Table(waits, _) => us(*waits.get(nth as usize - 1).or(waits.last())?),
        _ => initial,
    };
    let other = backoff.first_delay().filter(|_| nth == 1).map(us);
    let (nominal, floor) = (other.unwrap_or(nominal).min(cap), other.map_or(us(backoff.floor()), |_| 0.));
    let (low, high) = match backoff.jitter() {
        Jitter::Full => (0., nominal),
        Jitter::Equal => (nominal / 2., nominal),
        Jitter::PlusMinus(share) => (nominal * (1. - float(share)), (nominal * (1. + float(share))).min(cap)),
        _ if matches!(backoff.curve(), Curve::Windows(_)) => (0., nominal),
        _ => (nominal, nominal),
    };
    Some((low.max(floor), high.max(floor)))
}

/// D-BACKOFF-01: the first wait that is not zero, or a second.
pub fn first_wait(backoff: &BackoffConfig) -> f64 {
    let first = match backoff.curve() {
        Curve::Table(waits, _) => waits.iter().find(|wait| !wait.is_zero()).copied().unwrap_or_default(),
        _ => backoff.initial_delay(),
    };
    if first.is_zero() { 1e6 } else { us(first) }
}

/// F101, F102: how many failures in a row there were, until when it is open, and how often a probe failed.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    failures: u32,
    pub until: Option<f64>,
    reopened: i32,
}

impl Breaker {
    pub fn failed(&mut self, now: f64, config: &breaker::Config) {
        self.failures += 1;
        self.reopened += i32::from(self.until.is_some());
        if self.until.is_some() || self.failures >= config.failures() {
            let (factor, max) = config.growth();
            self.until = Some(now + (us(config.open_for()) * float(factor).powi(self.reopened)).min(us(max)));
        }
    }
}

/// F80 to F87: the interval, how many in a row are unanswered, and whether an acknowledgement is awaited.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat {
    pub interval: Option<f64>,
    unanswered: bool,
    misses: u32,
    pub asked: bool,
}

impl Heartbeat {
    /// F79, F86: the first one comes within the interval.
    pub fn start(&mut self, interval: Option<Duration>, config: &HeartbeatConfig) -> Option<Span> {
        let interval = interval.map(|interval| ((us(interval) / 1e3).ceil() * 1e3).clamp(1e4, 86_400e6));
        *self = if interval.is_some() { Self { interval, ..Self::default() } } else { std::mem::take(self) };
        interval.map(|interval| (if config.first_jitter() { 0. } else { interval }, interval))
    }

    /// The next one is due. Whether the last was missed, and whether that is death.
    pub fn due(&mut self, config: &HeartbeatConfig) -> (bool, bool) {
        self.misses += u32::from(self.unanswered);
        let missed = std::mem::replace(&mut self.unanswered, true);
        (missed, missed && self.misses >= config.missed().into())
    }

    pub fn acknowledged(&mut self) -> bool {
        self.misses = 0;
        std::mem::take(&mut self.unanswered) | std::mem::take(&mut self.asked)
    }

    pub fn heard(&mut self, config: &HeartbeatConfig) -> bool {
        if config.liveness() == Liveness::AnyTraffic {
            (self.unanswered, self.misses) = (false, 0);
        }
        true
    }
}

/// How a subscription is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    Pending,
    Sent,
    Confirmed,
    Waiting(Span),
    Refused,
}

/// F93 to F96: key, priority, state and failures of what is desired, in the order in which it is sent.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    pub list: Vec<(u8, i32, Wish, u32)>,
    pub batch: Vec<u8>,
}

impl Wishes {
    pub fn subscribe(&mut self, key: u8, priority: i32) -> Disposition {
        let old = self.list.iter().find(|wish| wish.0 == key).copied();
        let (state, failures) = match old {
            Some((_, _, Wish::Refused, _)) => (Wish::Pending, 0),
            Some((_, same, _, _)) if same == priority => return Disposition::Inapplicable,
            Some((_, _, state, failures)) => (state, failures),
            None if self.list.len() == CAPACITY => return Disposition::Full,
            None => (Wish::Pending, 0),
        };
        let wish = (key, priority, state, failures);
        if let Some(place) = self.list.iter_mut().find(|wish| (wish.0, wish.1) == (key, priority)) {
            *place = wish;
        } else {
            self.list.retain(|wish| wish.0 != key);
            let place = self.list.iter().take_while(|other| other.1 >= priority).count();
            self.list.insert(place, wish);
        }
        Disposition::Applied
    }

    pub fn unsubscribe(&mut self, key: u8) -> bool {
        let before = self.list.len();
        self.list.retain(|wish| wish.0 != key);
        self.batch.retain(|sent| *sent != key);
        self.list.len() < before
    }

    /// An answer to what was sent; a failure may also end what was confirmed.
    pub fn answered(&mut self, key: u8, state: Wish) -> bool {
        let ends = state != Wish::Confirmed;
        let open = |state| state == Wish::Sent || state == Wish::Confirmed && ends;
        let Some(wish) = self.list.iter_mut().find(|wish| wish.0 == key && open(wish.2)) else {
            return false;
        };
        wish.2 = state;
        wish.3 += u32::from(ends);
        self.batch.retain(|sent| *sent != key);
        true
    }

    pub fn failures(&self, key: u8) -> u32 {
        self.list.iter().find(|wish| wish.0 == key).map_or(0, |wish| wish.3)
    }

    /// From which to which time the first of them is due.
    pub fn due(&self, now: f64) -> Option<Span> {
        let due = self.list.iter().filter_map(|wish| match wish.2 {
            Wish::Pending => Some((now, now)),
            Wish::Waiting(span) => Some(span),
            _ => None,
        });
        due.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1)))
    }

    /// Lifecycle 66: the first of those that are due.
    pub fn send(&mut self, now: f64, size: usize) -> bool {
        let due = |wish: Wish| wish == Wish::Pending || matches!(wish, Wish::Waiting(span) if span.1 <= now);
        let sent = self.list.iter_mut().filter(|wish| due(wish.2)).take(size);
        let sent: Vec<u8> = sent.map(|wish| (wish.2 = Wish::Sent, wish.0).1).collect();
        let any = !sent.is_empty();
        self.batch = if any { sent } else { std::mem::take(&mut self.batch) };
        any
    }

    pub fn connection_lost(&mut self) {
        self.batch.clear();
        for wish in &mut self.list {
            match wish.2 {
                Wish::Sent | Wish::Waiting(_) => wish.2 = Wish::Pending,
                Wish::Confirmed => wish.3 = 0,
                _ => {}
            }
        }
    }
}
