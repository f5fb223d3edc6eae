//! S92 to S98 for every string of events: random ones, all short ones, and those of an adversary.

use core::time::Duration;

use proptest::prelude::*;

use redial::testing::strategies;
use redial::{
    BackoffConfig, Cause, Config, Disposition, Epoch, Event, Instant, IoKind, Policy, Ratio, SplitMix64,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::harness::cases(2_000), max_shrink_iters: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// S92-S94, S96-S98, P22, for random events, times, epochs, causes and configs.
    #[test]
    fn no_string_of_events_breaks_an_invariant(mut script in strategies::scripts(1_200)) {
        let config = script.config();
        let policy = crate::story::policy(&mut script, &config);
        crate::story::live(&mut script, policy);
    }
}

mod adversary;
mod exhaustive;

/// S93: some causes ask for the longest wait of the backoff, and a backoff may have none.
#[test]
fn no_cause_makes_a_backoff_without_a_cap_wait_forever() {
    static CONFIG: Config = Config::new(
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::MAX).build_const(),
    )
    .build_const();
    let mut policy = Policy::new(&CONFIG, SplitMix64::new(7));
    let _dial = policy.handle_event(Instant::ZERO, Event::Start);
    let epoch = Epoch::from_raw(1).expect("not 0");
    let cause = Cause::Io(IoKind::TooManyOpenFiles);
    let _wait = policy.handle_event(Instant::ZERO, Event::OpenFailed { epoch, cause, retry_after: None });
    assert_eq!(policy.poll_timeout(), Some(Instant::from_millis(1_000)));
}

/// The session expires between the opening and the greeting: the connection begins a new session, and its numbers count.
#[test]
fn a_session_that_expires_on_an_open_transport_leaves_its_numbers_to_the_next() {
    static CONFIG: Config = Config::new(
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
    )
    .greeting(Some(Duration::from_secs(20)))
    .build_const();
    let mut policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session_type::<u8>();
    let _dial = policy.handle_event(Instant::ZERO, Event::Start);
    let epoch = policy.epoch().expect("a dial");
    let ttl = Some(Duration::from_secs(3));
    for event in [
        Event::Opened { epoch },
        Event::Greeting { epoch, heartbeat: None },
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(40), ttl },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
    ] {
        let _actions = policy.handle_event(Instant::ZERO, event);
    }
    let now = policy.poll_timeout().expect("a wait");
    let _resume = policy.handle_timeout(now);
    let epoch = policy.epoch().expect("a dial");
    let _opened = policy.handle_event(now, Event::Opened { epoch });
    let early = policy.handle_event(now, Event::Sequence { epoch, sequence: 41 });
    assert_eq!(early.disposition(), Disposition::Inapplicable, "no resume was sent yet");
    let now = now.saturating_add(Duration::from_secs(3));
    assert_eq!(policy.poll_timeout().map(|at| at <= now), Some(true));
    let _expired = policy.handle_timeout(now);
    assert_eq!(policy.epoch(), Some(epoch));
    let counted = policy.handle_event(now, Event::Sequence { epoch, sequence: 1 });
    assert_eq!(counted.disposition(), Disposition::Applied);
    assert_eq!(policy.session().sequence(), Some(1));
}
