//! Configs under construction: the settings in any order, one check at the end, and every one of them can be read back.

use core::fmt::Debug;
use core::time::Duration;

use redial::breaker::{self, CountWindow, Rates};
use redial::budget::{
    AdaptiveThrottleConfig, RetryBudgetConfig, StartBudget, StartBudgetConfig, ThrottleConfig,
};
use redial::builder::Builder;
use redial::classify::{Class, Classifier, MAX_OVERRIDES, Match, Rule, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig, FixedEndpoints};
use redial::health::HealthConfig;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
use redial::{BackoffConfig, Cause, Config, ConfigError, Jitter, Mode, Ratio, presets};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const BACKOFF: BackoffConfig = BackoffConfig::exponential(SECOND, Ratio::TWO, MINUTE).build_const();
const HALF: Ratio = Ratio::new_const(1, 2);

type Step<C> = fn(Builder<C>) -> Builder<C>;

/// The same config whatever the order of these settings is.
fn in_any_order<C: Copy + Debug + PartialEq>(
    start: Builder<C>,
    steps: &[Step<C>],
    build: fn(Builder<C>) -> Result<C, ConfigError>,
) -> Result<C, ConfigError> {
    let forward = build(steps.iter().fold(start, |builder, step| step(builder)));
    for first in 0..steps.len() {
        let (before, after) = steps.split_at(first);
        let turned = after.iter().chain(before).fold(start, |builder, step| step(builder));
        assert_eq!(build(turned), forward, "from setting {first} on");
        let back = after.iter().chain(before).rev().fold(start, |builder, step| step(builder));
        assert_eq!(build(back), forward, "back from setting {first}");
    }
    forward
}

#[test]
fn a_backoff_is_checked_once_whatever_the_order() {
    let steps: &[Step<BackoffConfig>] = &[
        |b| b.jitter(Jitter::Full),
        |b| b.floor(SECOND / 4),
        |b| b.first_delay(SECOND / 2),
        |b| b.exact_first(),
        |b| b.max_fresh(10 * MINUTE),
    ];
    let start = BackoffConfig::exponential(SECOND, Ratio::TWO, MINUTE);
    let config = in_any_order(start, steps, Builder::<BackoffConfig>::build).expect("valid");
    assert_eq!((config.jitter(), config.floor()), (Jitter::Full, SECOND / 4));
    assert_eq!((config.first_delay(), config.exact_first()), (Some(SECOND / 2), true));
    assert_eq!((config.max_delay(Mode::Resume), config.max_delay(Mode::Fresh)), (MINUTE, 10 * MINUTE));
    assert_eq!(config.to_builder().build(), Ok(config));

    // A floor above the cap, wherever it is said, and whatever is said after it.
    let wrong: &[Step<BackoffConfig>] =
        &[|b| b.floor(2 * MINUTE), |b| b.jitter(Jitter::Equal), |b| b.exact_first()];
    assert_eq!(in_any_order(start, wrong, Builder::<BackoffConfig>::build), Err(ConfigError::FloorAboveMax));
    // A setting that is said again is what it was said to be last: the mistake is gone.
    assert!(start.floor(2 * MINUTE).floor(SECOND).build().is_ok());
}

#[test]
fn every_setting_of_a_config_can_be_read_back() {
    let classifier = Classifier::new(&tables::TRANSPORT).default_class(Class::Fatal).build_const();
    let (heartbeat, resume) = (HeartbeatConfig::new().missed(3).build_const(), ResumeConfig::DISABLED);
    let restore = RestoreConfig::new().authentication(true).build_const();
    let credential = CredentialConfig::new().in_band(true).build_const();
    let endpoints = EndpointsConfig::new().order(EndpointOrder::LeastFailed).build_const();
    let breaker = breaker::Config::new(3, MINUTE).build_const();
    let config = Config::new(BACKOFF)
        .classifier(classifier)
        .reset_after_stable(5 * SECOND)
        .min_interval(SECOND)
        .max_attempts(Some(7))
        .max_elapsed(Some(3 * MINUTE))
        .initial_limits(Some(2), Some(MINUTE))
        .wait_from_dial(true)
        .long_outage(2 * MINUTE, BACKOFF)
        .retry_after_max(4 * MINUTE)
        .retry_after_spread(HALF)
        .breaker(Some(breaker))
        .endpoints(endpoints)
        .redirects(9)
        .connect_timeout(11 * SECOND)
        .connect_timeout_growing(true)
        .greeting(Some(12 * SECOND))
        .ready_timeout(Some(13 * SECOND))
        .establish(Establish::OnOpen)
        .resume(resume)
        .requested_spread(Some(14 * SECOND))
        .heartbeat(heartbeat)
        .restore(restore)
        .credential(credential)
        .max_age(Some(15 * MINUTE), 16 * SECOND)
        .close_code(3_017)
        .network(OnNetworkDown::Drop, 18 * SECOND)
        .restart_on_network_up(true)
        .on_network_change(OnNetworkChange::Ignore)
        .on_wake(OnWake::Probe)
        .on_visible(OnVisible::Probe)
        .defer_while_hidden(false)
        .build()
        .expect("valid");
    assert_eq!((config.backoff(), config.classifier()), (BACKOFF, classifier));
    assert_eq!((config.reset_after_stable(), config.stability_by_cap()), (5 * SECOND, false));
    assert_eq!((config.min_interval(), config.max_attempts()), (SECOND, Some(7)));
    assert_eq!(config.max_elapsed(), Some(3 * MINUTE));
    assert_eq!(config.initial_limits(), (Some(2), Some(MINUTE)));
    assert!(config.wait_from_dial());
    assert_eq!(config.long_outage(), Some((2 * MINUTE, BACKOFF)));
    assert_eq!((config.retry_after_max(), config.retry_after_spread()), (4 * MINUTE, HALF));
    assert_eq!((config.breaker(), config.endpoints()), (Some(breaker), endpoints));
    assert_eq!((config.redirects(), config.connect_timeout()), (9, 11 * SECOND));
    assert!(config.connect_timeout_growing() && config.greeting());
    assert_eq!(config.greeting_timeout(), Some(12 * SECOND));
    assert_eq!((config.ready_timeout(), config.establish()), (Some(13 * SECOND), Establish::OnOpen));
    assert_eq!((config.resume(), config.requested_spread()), (resume, Some(14 * SECOND)));
    assert_eq!((config.heartbeat(), config.restore()), (heartbeat, restore));
    assert_eq!((config.credential(), config.close_code()), (credential, 3_017));
    assert_eq!(config.max_age(), (Some(15 * MINUTE), 16 * SECOND));
    assert_eq!(config.network(), (OnNetworkDown::Drop, 18 * SECOND));
    assert!(config.restart_on_network_up() && !config.defer_while_hidden());
    assert_eq!(config.on_network_change(), OnNetworkChange::Ignore);
    assert_eq!((config.on_wake(), config.on_visible()), (OnWake::Probe, OnVisible::Probe));

    let back = config.to_builder().without_greeting().without_long_outage().stability_by_cap().build();
    let back = back.expect("valid");
    assert_eq!((back.greeting(), back.greeting_timeout(), back.long_outage()), (false, None, None));
    assert_eq!((back.reset_after_stable(), back.stability_by_cap()), (MINUTE, true));
}

#[test]
fn every_setting_of_a_part_can_be_read_back() {
    let config = HeartbeatConfig::new()
        .interval(SECOND)
        .liveness(Liveness::AnyTraffic)
        .missed(2)
        .first_jitter(false)
        .required(true)
        .answer_within(Some(SECOND / 2))
        .build_const();
    assert_eq!((config.interval(), config.liveness()), (Some(SECOND), Liveness::AnyTraffic));
    assert_eq!((config.missed(), config.first_jitter(), config.required()), (2, false, true));
    assert_eq!(config.answer_within(), Some(SECOND / 2));
    assert_eq!(config.to_builder().without_interval().build_const().interval(), None);

    let config = ResumeConfig::new()
        .sequence_needed(true)
        .failures_max(4)
        .invalid_wait(SECOND, MINUTE)
        .endpoint_fallback(5, SECOND)
        .build_const();
    assert_eq!((config.enabled(), config.sequence_needed(), config.failures_max()), (true, true, 4));
    assert_eq!((config.invalid_wait(), config.endpoint_fallback()), ((SECOND, MINUTE), (5, SECOND)));
    assert!(!ResumeConfig::DISABLED.enabled() && !config.to_builder().enabled(false).build_const().enabled());

    let config = RestoreConfig::new().batches(6, SECOND).confirm_timeout(Some(MINUTE)).build_const();
    assert_eq!((config.enabled(), config.batches()), (true, (6, SECOND)));
    assert_eq!((config.confirm_timeout(), config.authentication()), (Some(MINUTE), false));
    assert!(
        !RestoreConfig::DISABLED.enabled() && !config.to_builder().enabled(false).build_const().enabled()
    );

    let config = CredentialConfig::new()
        .refresh_on(RefreshOn::Dial)
        .rejections_max(Some(7))
        .timeout(8 * SECOND)
        .lead(MINUTE, SECOND)
        .build_const();
    assert_eq!((config.refresh_on(), config.rejections_max()), (RefreshOn::Dial, Some(7)));
    assert_eq!((config.timeout(), config.lead(), config.in_band()), (8 * SECOND, (MINUTE, SECOND), false));

    let config =
        EndpointsConfig::new().gap(SECOND, MINUTE).sticky(9 * SECOND).half_life(MINUTE).build_const();
    assert_eq!((config.order(), config.gap()), (EndpointOrder::PrimaryFirst, (SECOND, MINUTE)));
    assert_eq!((config.sticky(), config.half_life()), (9 * SECOND, MINUTE));

    let rates = Rates::new(HALF, 10).slow(SECOND, Ratio::ONE).build_const();
    assert_eq!((rates.failure(), rates.slow()), ((HALF, 10), Some((SECOND, Ratio::ONE))));
    let config = breaker::Config::<CountWindow<20>>::by_count(rates, SECOND)
        .growth(Ratio::TWO, MINUTE)
        .jitter(HALF)
        .probes(3)
        .lease(2 * SECOND)
        .build_const();
    assert_eq!((config.open_for(), config.growth()), (SECOND, (Ratio::TWO, MINUTE)));
    assert_eq!((config.jitter(), config.probes(), config.lease()), (HALF, 3, 2 * SECOND));
}

#[test]
fn every_setting_of_a_budget_can_be_read_back() {
    let config = RetryBudgetConfig::new().ttl(20 * SECOND).reserve(3).share(HALF).build_const();
    assert_eq!((config.ttl(), config.reserve(), config.share()), (20 * SECOND, 3, HALF));
    let config = ThrottleConfig::new(10, HALF).build_const();
    assert_eq!((config.max_millitokens(), config.millitokens_per_success()), (10_000, 500));
    assert_eq!(AdaptiveThrottleConfig::new().multiplier(Ratio::ONE).build_const().multiplier(), Ratio::ONE);
    let config = StartBudgetConfig::new(16, 2, SECOND).daily(1_000, 24 * 60 * MINUTE).build_const();
    assert_eq!((config.window(), config.daily()), ((16, 2, SECOND), Some((1_000, 24 * 60 * MINUTE))));
    assert_eq!(StartBudgetConfig::new(16, 2, SECOND).build_const().daily(), None);
    let config = HealthConfig::new().failure_rate(HALF, 4).average_recovery(SECOND).build_const();
    assert_eq!((config.failure_rate(), config.average_recovery()), ((HALF, 4), SECOND));
}

/// What is kept no longer by the time of the check: the first such mistake.
#[test]
fn a_mistake_that_leaves_no_trace_is_kept() {
    let rule = |code| Rule::new(Match::Is(Cause::CloseFrame(code)), Verdict::new(Class::Fatal));
    let codes = 4_000..=4_000 + u16::try_from(MAX_OVERRIDES).expect("few");
    let full = codes.map(rule).fold(Classifier::new(&tables::WEBSOCKET), Builder::<Classifier>::rule);
    assert_eq!(full.build(), Err(ConfigError::TooManyOverrides));
    assert_eq!(full.default_class(Class::Fatal).build(), Err(ConfigError::TooManyOverrides));

    let never = breaker::Config::new(0, SECOND);
    assert_eq!(never.build(), Err(ConfigError::BreakerFailuresZero));
    let rates = Rates::new(HALF, 30).build_const();
    let never = breaker::Config::<CountWindow<20>>::by_count(rates, Duration::ZERO).probes(2);
    assert_eq!(never.build(), Err(ConfigError::BreakerMinimum));
}

#[test]
fn a_preset_is_changed_and_checked_again() {
    let config = presets::RECOMMENDED.to_builder().max_attempts(Some(3)).build().expect("valid");
    assert_eq!(config.max_attempts(), Some(3));
    assert_eq!(config.to_builder().max_attempts(None).build(), Ok(presets::RECOMMENDED));
    for (name, preset) in presets::ALL {
        assert_eq!(preset.to_builder().build(), Ok(**preset), "{name}");
        assert_eq!(preset.to_builder().close_code(1_000).build(), Err(ConfigError::CloseCode), "{name}");
    }
    // What follows from another setting follows from the one that is there in the end.
    let slow = BackoffConfig::constant(20 * SECOND).build_const();
    assert_eq!(Config::new(BACKOFF).backoff(slow).build_const().reset_after_stable(), 20 * SECOND);
}

#[test]
#[should_panic(expected = "the floor is above the maximum")]
fn a_wrong_constant_says_what_is_wrong() {
    let _wrong = BackoffConfig::constant(SECOND).floor(MINUTE).build_const();
}

#[test]
fn what_is_no_config_has_a_constructor_for_constants() {
    const ENDPOINTS: FixedEndpoints<3> = FixedEndpoints::new_const(2);
    const STARTS: StartBudget<1, 4> =
        StartBudget::new_const(StartBudgetConfig::new(1, 1, SECOND).build_const());
    const FORBIDDEN: Verdict = Verdict::new(Class::Transient).with_wait_const(SECOND, MINUTE);
    assert_eq!(Ok(ENDPOINTS), FixedEndpoints::new(2));
    assert_eq!(StartBudget::new(StartBudgetConfig::new(1, 1, SECOND).build_const()), Ok(STARTS));
    assert_eq!(Verdict::new(Class::Transient).with_wait(SECOND, MINUTE), Ok(FORBIDDEN));
}
