//! What is not configured costs nothing and changes nothing: policies with parts left out, beside whole ones.

#[path = "harness/mod.rs"]
mod harness;
#[path = "common/script.rs"]
mod script;

use core::time::Duration;

use arbitrary::{Result, Unstructured};
use harness::{KEYS, TestEvent};
use rand_core::Rng;
use redial::breaker;
use redial::endpoints::{Endpoints, FixedEndpoints};
use redial::heartbeat::{Heartbeat, HeartbeatConfig};
use redial::policy::{ConfigSource, Lean, OptionalPart, POLICY_STATE_BYTES, ResumeConfig};
use redial::subscriptions::{FixedSubscriptions, NoSubscriptions};
use redial::{
    Actions, BackoffConfig, CircuitBreaker, Config, ConfigError, Event, Explanation, Instant, Policy, Ratio,
    SessionState, SplitMix64, Stats,
};

const LADDER: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
const BREAKER: breaker::Config = breaker::Config::new(5, Duration::from_secs(60)).build_const();

/// Bytes of a policy beside a reference to its config and its generator.
const fn state<T, C: ConfigSource>() -> usize {
    size_of::<Policy<SplitMix64, T, NoSubscriptions, C>>() - size_of::<&Config>() - size_of::<SplitMix64>()
}

type NoBreaker<'c> = Lean<'c, (), Heartbeat, SessionState>;
type NoHeartbeat<'c> = Lean<'c, CircuitBreaker, (), SessionState>;
type NoSession<'c> = Lean<'c, CircuitBreaker, Heartbeat>;

/// Issue 3: the state is small, and what is not configured costs no byte of it.
#[test]
fn what_is_left_out_takes_no_byte() {
    let whole = state::<(), &Config>();
    assert_eq!(whole, POLICY_STATE_BYTES);
    assert_eq!(state::<(), Lean<'_, CircuitBreaker, Heartbeat, SessionState>>(), whole);
    assert_eq!(state::<(), NoBreaker<'_>>(), whole - size_of::<CircuitBreaker>());
    assert_eq!(state::<(), NoHeartbeat<'_>>(), whole - size_of::<Heartbeat>());
    assert_eq!(state::<(), NoSession<'_>>(), whole - size_of::<SessionState<()>>());
    // The name of an endpoint that a server may give is the caller's storage.
    let name = size_of::<Option<String>>();
    assert_eq!(state::<String, NoSession<'_>>(), whole - size_of::<SessionState<()>>() + name);
    let lean = whole - size_of::<CircuitBreaker>() - size_of::<Heartbeat>() - size_of::<SessionState<()>>();
    assert_eq!(state::<String, Lean<'_>>(), lean + name);
    assert_eq!(state::<(), Lean<'_>>(), lean);
    assert!(lean <= 176, "{lean}");
}

/// A config can't ask for what is not there.
#[test]
fn a_config_that_asks_for_more_is_refused() {
    let plain = Config::new(LADDER).resume(ResumeConfig::DISABLED).build_const();
    assert!(<Lean<'_>>::new(&plain).is_ok());
    let every_second = HeartbeatConfig::new().interval(Duration::from_secs(1)).build().expect("an interval");
    let greeting = plain.to_builder().greeting(None).build().expect("no timeout");
    for (config, error) in [
        (plain.to_builder().breaker(Some(BREAKER)).build_const(), ConfigError::BreakerLeftOut),
        (plain.to_builder().heartbeat(every_second).build_const(), ConfigError::HeartbeatLeftOut),
        (
            plain.to_builder().heartbeat(HeartbeatConfig::new().required(true).build_const()).build_const(),
            ConfigError::HeartbeatLeftOut,
        ),
        (greeting, ConfigError::HeartbeatLeftOut),
        (plain.to_builder().resume(ResumeConfig::DEFAULT).build_const(), ConfigError::SessionLeftOut),
    ] {
        assert_eq!(<Lean<'_>>::new(&config), Err(error), "{error}");
        let whole = <Lean<'_, CircuitBreaker, Heartbeat, SessionState>>::new(&config);
        assert!(whole.is_ok(), "{error}");
        let breaker = <Lean<'_, CircuitBreaker>>::new(&config);
        assert_eq!(breaker.is_ok(), error == ConfigError::BreakerLeftOut);
        let heartbeat = <Lean<'_, (), Heartbeat>>::new(&config);
        assert_eq!(heartbeat.is_ok(), error == ConfigError::HeartbeatLeftOut);
        let session = <Lean<'_, (), (), SessionState>>::new(&config);
        assert_eq!(session.is_ok(), error == ConfigError::SessionLeftOut);
    }
}

/// What a caller can see of a policy.
#[derive(Debug, PartialEq)]
struct Seen {
    actions: Actions,
    explanation: Explanation,
    deadline: Option<Instant>,
    stats: Stats,
    subscriptions: FixedSubscriptions<u8, KEYS>,
    endpoint: u8,
    snapshot: Option<redial::policy::Snapshot<u8>>,
}

type Of<C> = Policy<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, C, FixedEndpoints<3>>;

fn see<C: ConfigSource>(policy: &mut Of<C>, now: Instant, event: Option<TestEvent<u8>>) -> Seen {
    let actions = match event {
        Some(event) => policy.handle_event(now, event),
        None => policy.handle_timeout(now),
    };
    Seen {
        actions,
        explanation: policy.explain(),
        deadline: policy.poll_timeout(),
        stats: policy.stats(),
        subscriptions: policy.subscriptions().clone(),
        endpoint: policy.endpoints().current(),
        snapshot: policy.snapshot(now),
    }
}

/// The same script twice: with the config itself, and with a lender that leaves out what it does not ask for.
/// Returns how many events and timeouts that was.
fn side_by_side<C: ConfigSource>(
    bytes: &[u8],
    plain: fn(Config) -> Config,
    lean: fn(&'static Config) -> core::result::Result<C, ConfigError>,
) -> usize {
    let mut steps = 0;
    // The only error of `arbitrary` here is the end of the bytes, which is the end of the script.
    let _end: Result<()> = (|| {
        let u = &mut Unstructured::new(bytes);
        let (config, _) = script::config(u)?;
        let config: &Config = Box::leak(Box::new(plain(config)));
        let seed = SplitMix64::new(u64::from(u.arbitrary::<u8>()?));
        let endpoints = FixedEndpoints::new(u.int_in_range(1..=3)?).expect("1 to 3 endpoints");
        let lent = harness::Lent(config);
        let mut whole = Policy::from_parts(lent, seed.clone(), FixedSubscriptions::new(), endpoints.clone());
        let lender = lean(config).expect("nothing that is left out");
        let mut lean: Of<C> = Policy::from_parts(lender, seed, FixedSubscriptions::new(), endpoints);
        let mut now = Instant::ZERO;
        while !u.is_empty() && steps < 2_000 {
            now = script::time(u, now, &whole)?;
            let event = script::event(u, &whole)?;
            let beats = <C::Heartbeat as OptionalPart<Heartbeat>>::NEW.get().is_some();
            if let (false, Some(Event::Greeting { .. } | Event::KeepAlive { .. })) = (beats, &event) {
                continue;
            }
            let expected = see(&mut whole, now, event.clone());
            let mut seen = see(&mut lean, now, event.clone());
            if let (false, Some(Event::HeartbeatAcked { .. })) = (beats, &event) {
                // The answer to a heartbeat that the server asked for concerns a heartbeat alone.
                assert!(seen.actions.is_empty() && expected.actions.is_empty());
                seen.actions = expected.actions;
            }
            assert_eq!(seen, expected, "{} us: {event:?}", now.as_micros());
            steps += 1;
        }
        Ok(())
    })();
    steps
}

/// Many scripts; enough of them get somewhere.
fn same<C: ConfigSource>(
    plain: fn(Config) -> Config,
    lean: fn(&'static Config) -> core::result::Result<C, ConfigError>,
) {
    let mut rng = SplitMix64::new(20);
    let mut steps = 0;
    for _story in 0..500 {
        let mut bytes = [0; 1_200];
        rng.fill_bytes(&mut bytes);
        steps += side_by_side(&bytes, plain, lean);
    }
    assert!(steps > 50_000, "{steps}");
}

#[test]
fn a_policy_without_a_breaker_decides_the_same() {
    same(|config| config.to_builder().breaker(None).build_const(), NoBreaker::new);
}

#[test]
fn a_policy_without_a_heartbeat_decides_the_same() {
    let plain = |config: Config| {
        config.to_builder().heartbeat(HeartbeatConfig::DEFAULT).without_greeting().build_const()
    };
    same(plain, NoHeartbeat::new);
}

#[test]
fn a_policy_without_a_session_decides_the_same() {
    same(|config| config.to_builder().resume(ResumeConfig::DISABLED).build_const(), NoSession::new);
}

#[test]
fn a_policy_without_any_of_them_decides_the_same() {
    let plain = |config: Config| {
        let config = config.to_builder().heartbeat(HeartbeatConfig::DEFAULT).without_greeting().build_const();
        config.to_builder().breaker(None).resume(ResumeConfig::DISABLED).build_const()
    };
    same(plain, <Lean<'static>>::new);
}
