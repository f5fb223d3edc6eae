//! A policy in firmware: no heap, a 32-bit millisecond tick that wraps, topics in place: `cargo run --example embedded`.
//!
//! All but `main` is `no_std`: call `poll` when something happened, and at the latest when the time that it returned is over.

use core::time::Duration;

use redial::heartbeat::HeartbeatConfig;
use redial::policy::Establish;
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::time::Widened;
use redial::{
    Action, BackoffConfig, Config, Event, Instant, Jitter, Phase, Policy, Ratio, SplitMix64, fixed_config,
};

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(2), Ratio::TWO, Duration::from_secs(120))
        .jitter(Jitter::Equal)
        .build_const();
const HEARTBEAT: HeartbeatConfig = HeartbeatConfig::new().interval(Duration::from_secs(60)).build_const();

fixed_config! {
    /// The compiler knows it: what it does not use, here a breaker, is not in the program.
    struct Uplink = Config::new(BACKOFF).establish(Establish::OnOpen).heartbeat(HEARTBEAT).build_const();
}

/// What the radio is told. None of it waits.
#[derive(Debug)]
enum Radio {
    Open,
    Close,
    Ping,
    Subscribe(u16),
}

type Link = Policy<SplitMix64, (), FixedSubscriptions<u16, 4>, Uplink>;

/// Takes an event, or the time alone, and returns in how many milliseconds it is to be called again.
fn poll(
    link: &mut Link,
    now: Instant,
    event: Option<Event<(), u16>>,
    mut radio: impl FnMut(Radio),
) -> Option<u32> {
    let actions = match event {
        Some(event) => link.handle_event(now, event),
        None => link.handle_timeout(now),
    };
    for action in actions {
        match action {
            Action::Open { .. } => radio(Radio::Open),
            Action::Close { .. } => radio(Radio::Close),
            Action::Heartbeat { .. } => radio(Radio::Ping),
            Action::Restore { .. } => {
                link.subscriptions().batch().for_each(|topic| radio(Radio::Subscribe(*topic)))
            }
            _ => {} // No session, no credential, and this config never gives up.
        }
    }
    u32::try_from(link.poll_timeout()?.saturating_duration_since(now).as_micros().div_ceil(1_000)).ok()
}

/// A radio that answers no ping, ten seconds before the tick wraps. The device's number is the seed: devices that start together
/// must not dial together.
fn main() {
    let mut link: Link =
        Policy::new(Uplink, SplitMix64::new(0x5eed)).with_subscriptions(FixedSubscriptions::new());
    let (mut clock, mut tick, mut event) = (Widened::new(), u32::MAX - 10_000, Some(Event::Start));
    poll(&mut link, clock.instant_from_millis(tick), Some(Event::Subscribe { key: 7, priority: 0 }), |_| {});
    for _ in 0..12 {
        let now = clock.instant_from_millis(tick);
        let wait = poll(&mut link, now, event.take(), |command| match command {
            Radio::Subscribe(topic) => println!("{tick:>10} subscribe to {topic}"),
            other => println!("{tick:>10} {other:?}"),
        });
        match link.epoch() {
            Some(epoch) if link.phase() == Phase::Connecting => event = Some(Event::Opened { epoch }),
            _ => tick = tick.wrapping_add(wait.expect("this device always waits for something")),
        }
    }
}
