//! Any numbers at all into every constructor and every setting of every config: an error with a message, or a config that works.

#![allow(unreachable_pub, reason = "several crates include this file")]

mod getters;
mod parts;
mod raw;

use core::fmt::Debug;
use core::time::Duration;

use redial::backoff::WindowPhase;
use redial::testing::{Checked, Script};
use redial::{BackoffConfig, ConfigError, Event, Instant, Jitter, Mode, Policy, Ratio, SplitMix64};

pub use raw::Raw;

pub fn run(bytes: &[u8]) {
    let mut raw = Raw::new(bytes);
    for _ in 0..16 {
        if raw.is_empty() {
            return;
        }
        match raw.below(8) {
            0..=2 => policy(&mut raw),
            3 | 4 => {
                raw.backoff().map_or_else(said, |config| waits(&config, &mut raw));
            }
            5 => parts::breakers(&mut raw),
            6 => parts::budgets(&mut raw),
            _ => parts::others(&mut raw),
        }
    }
}

/// An error says what is wrong, in one line.
pub fn said(error: ConfigError) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.lines().count() == 1 && !text.ends_with('.'), "{text}");
}

/// What was built passes its own check again.
pub fn stands<C: Debug + PartialEq>(config: C, again: Result<C, ConfigError>) {
    assert_eq!(again, Ok(config));
}

/// One of each kind of code, see `BackoffConfig::build_like`.
const KINDS: [BackoffConfig; 4] = {
    const PLAIN: BackoffConfig =
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(9)).build_const();
    [
        PLAIN,
        PLAIN.to_builder().jitter(Jitter::Plus(Ratio::ONE)).build_const(),
        PLAIN.to_builder().jitter(Jitter::DecorrelatedV2).build_const(),
        BackoffConfig::windows(Duration::from_secs(1), Duration::from_secs(9)).build_const(),
    ]
};

/// Like itself it is what it was. Of the kinds, one has its code, and is as good.
fn has_a_kind(config: &BackoffConfig) {
    let like = |other| config.to_builder().build_like(other);
    stands(*config, like(config));
    let built = KINDS.each_ref().map(like);
    for refused in built.iter().filter(|built| **built != Ok(*config)) {
        assert_eq!(*refused, Err(ConfigError::BackoffKind));
    }
    assert_eq!(built.iter().filter(|built| built.is_ok()).count(), 1, "{config:?}");
}

/// Waits are between the floor and the cap, and end with a table.
fn waits(config: &BackoffConfig, raw: &mut Raw<'_>) {
    stands(*config, config.to_builder().build());
    has_a_kind(config);
    let mut backoff = redial::Backoff::new();
    if raw.flag() {
        backoff = backoff.with_window_phase(WindowPhase::of_client(raw.u64()));
    }
    assert!(config.ceiling(raw.u32(), Mode::Fresh).is_none_or(|most| most <= config.max_delay(Mode::Fresh)));
    let mut rng = SplitMix64::new(raw.u64());
    for _ in 0..20 {
        let mode = if raw.flag() { Mode::Fresh } else { Mode::Resume };
        let failures = backoff.failures();
        let Some(wait) = backoff.next_delay(config, mode, raw.duration(), &mut rng) else { break };
        assert!(wait <= config.max_delay(mode), "{wait:?} {config:?}");
        if failures > 0 || config.first_delay().is_none() {
            let floor = config.floor().min(config.max_delay(mode));
            assert!(wait >= floor, "{wait:?} {config:?}");
        }
        assert!(config.ceiling(failures, mode).is_none_or(|most| most <= config.max_delay(mode)));
    }
    let mut last = Duration::ZERO;
    let mut delays = config.delays(SplitMix64::new(7));
    let first: Vec<_> = delays.by_ref().take(5).collect();
    for delay in &first {
        last = last.max(*delay);
    }
    delays.reset();
    assert_eq!(delays.next().is_some(), !first.is_empty());
    assert!(last <= config.max_delay(Mode::Fresh).max(config.max_delay(Mode::Resume)));
}

/// A policy on it keeps every promise, whatever happens.
fn policy(raw: &mut Raw<'_>) {
    let config = match raw.config() {
        Ok(config) => config,
        Err(error) => return said(error),
    };
    getters::config(&config);
    let seed = raw.u64();
    let policy = Policy::new(config, SplitMix64::new(seed)).with_session_type::<u8>();
    let mut policy = Checked::new(policy);
    let mut script = Script::seeded(seed);
    let _dial = policy.handle_event(Instant::ZERO, Event::Start);
    for _ in 0..40 {
        let Some(step) = script.next_step(&*policy, policy.now()) else { break };
        let _actions = step.apply(&mut policy);
    }
    policy.assert_recovers();
}
