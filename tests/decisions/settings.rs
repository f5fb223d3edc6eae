//! What was set is told as it was set, and `Debug` and `Display` say something.

use redial::classify::tables;
use redial::handover;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{CredentialConfig, RestoreConfig};
use redial::record::FlightRecorder;
use redial::subscriptions::{FixedSubscriptions, Full, Subscriptions};
use redial::{ConfigError, Event, Instant, Policy, SplitMix64, presets};

use crate::draws::ms;

#[test]
fn every_switch_is_told_as_it_was_set() {
    for on in [false, true] {
        let config =
            presets::FEW.to_builder().restart_on_network_up(on).defer_while_hidden(on).wait_from_dial(on);
        let config = config.build().expect("switches");
        let told = [config.restart_on_network_up(), config.defer_while_hidden(), config.wait_from_dial()];
        assert_eq!(told, [on; 3]);
        let heartbeat = HeartbeatConfig::new().first_jitter(on).required(on).build().expect("switches");
        assert_eq!([heartbeat.first_jitter(), heartbeat.required()], [on; 2]);
        assert_eq!(CredentialConfig::new().in_band(on).build().expect("a switch").in_band(), on);
        let restore = RestoreConfig::new().authentication(on).build().expect("a switch");
        assert_eq!(restore.authentication(), on);
    }
}

/// F40: each of these bounds is refused by itself.
#[test]
fn every_timeout_of_zero_is_refused() {
    let zero = Some(ms(0));
    let few = || presets::FEW.to_builder();
    for config in [
        few().connect_timeout(ms(0)),
        few().greeting(zero),
        few().ready_timeout(zero),
        few().max_age(zero, ms(0)),
    ] {
        assert_eq!(config.build(), Err(ConfigError::TimeoutZero));
    }
    assert!(few().max_age(Some(ms(9)), ms(9)).build().is_ok());
    assert_eq!(few().max_age(Some(ms(9)), ms(10)).build(), Err(ConfigError::RangeReversed));
}

#[test]
fn a_table_tells_its_base() {
    assert_eq!(tables::WEBSOCKET.base().map(redial::classify::Table::name), Some("transport"));
    assert_eq!(tables::TRANSPORT.base(), None);
}

/// F110: what debug output shows is no secret, and not nothing.
#[test]
fn debug_output_shows_the_state() {
    type Small = Policy<SplitMix64, (), FixedSubscriptions<u8, 2>>;
    let mut policy: Small =
        Policy::new(&presets::FEW, SplitMix64::new(7)).with_subscriptions(FixedSubscriptions::new());
    let _kept = policy.handle_event(Instant::ZERO, Event::Subscribe { key: 200, priority: 3 });
    let _open = policy.handle_event(Instant::ZERO, Event::Start);
    let shown = format!("{policy:?}");
    for part in
        ["Policy {", "SessionState {", "SubscriptionSet {", "key: 200", "Connecting", "progress: (Fresh, "]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(shown.contains("redirect: none"), "{shown}");
    assert!(format!("{:?}", presets::FEW.backoff()).contains("rare: .."));
    let shown = format!("{:?}", policy.clone().with_handover(handover::Config::DEFAULT));
    for part in ["Handover {", "Policy {", "SubscriptionSet {"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let recorder = FlightRecorder::<_, 64>::new(&policy);
    assert!(format!("{recorder:?}").starts_with("FlightRecorder { len: 0, gone: 0"), "{recorder:?}");
    assert!(Full(1).to_string().contains("full") && Full(1).to_string().contains("unsubscribe"));
    assert_eq!(policy.subscriptions().len(), 1);
}

/// What a config uses is what a policy of that config alone has.
#[test]
fn a_config_tells_which_parts_it_uses() {
    use redial::breaker;
    use redial::policy::{ResumeConfig, fixed};
    let plain = presets::FEW.to_builder().without_greeting().heartbeat(HeartbeatConfig::DEFAULT);
    let plain = plain.breaker(None).resume(ResumeConfig::new().enabled(false).build_const());
    let used = |config: redial::builder::Builder<redial::Config>| {
        let config = config.build().expect("a config");
        [fixed::has_breaker(&config), fixed::has_heartbeat(&config), fixed::has_session(&config)]
    };
    assert_eq!(used(plain), [false; 3]);
    let breaker = breaker::Config::new(5, ms(60_000)).build_const();
    assert_eq!(used(plain.breaker(Some(breaker))), [true, false, false]);
    assert_eq!(used(plain.greeting(None)), [false, true, false]);
    for heartbeat in [HeartbeatConfig::new().interval(ms(1_000)), HeartbeatConfig::new().required(true)] {
        assert_eq!(used(plain.heartbeat(heartbeat.build_const())), [false, true, false]);
    }
    assert_eq!(used(plain.resume(ResumeConfig::new().enabled(true).build_const())), [false, false, true]);
}
