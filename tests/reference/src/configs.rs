//! Configs over the knobs that the model knows, and what a run begins with.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use redial::backoff::{AfterTable, Curve, WindowPhase};
use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, OnNetworkChange, OnNetworkDown, RefreshOn, RestoreConfig, ResumeConfig,
};
use redial::{BackoffConfig, Cause, Config, Jitter, Ratio, breaker, presets};

use crate::dice::Dice;

/// A config that is shared, not copied: a case has hundreds of states.
#[derive(Clone, Debug)]
pub struct Knobs(pub Arc<Config>);

impl Default for Knobs {
    fn default() -> Self {
        Self(Arc::new(presets::RECOMMENDED))
    }
}

impl Deref for Knobs {
    type Target = Config;
    fn deref(&self) -> &Config {
        &self.0
    }
}

/// What a run begins with: a config, a seed for the core, and a session from an earlier process.
#[derive(Clone, Debug)]
pub struct Case {
    pub config: Arc<Config>,
    pub seed: u64,
    /// Of the windows, where the curve has any.
    pub phase: WindowPhase,
    pub session: (Option<u8>, Option<u8>, Option<u64>),
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

static TABLE: [Duration; 4] = [ms(0), ms(2_000), ms(10_000), ms(30_000)];
/// Codes of the tests: a rate limit without a wait of its own, and an application's stop.
pub const LIMIT: Cause = Cause::CloseFrame(4_321);
pub const STOP: Cause = Cause::CloseFrame(4_002);

impl Case {
    pub fn read(dice: &mut Dice<'_>) -> Self {
        let seed = u64::from(dice.byte()) << 8 | u64::from(dice.byte());
        let session = match dice.below(6) {
            4 => (Some(1), None, Some(5)),
            5 => (Some(1), Some(2), dice.perhaps(&[0, 5])),
            _ => (None, None, None),
        };
        Self { config: Arc::new(config(dice)), seed, phase: WindowPhase::of_client(seed), session }
    }
}

fn backoff(dice: &mut Dice<'_>) -> BackoffConfig {
    let (initial, max) =
        (dice.pick(&[ms(1_000), ms(250), ms(30_000)]), dice.pick(&[ms(30_000), ms(600_000)]));
    let builder = match dice.below(8) {
        2 => BackoffConfig::windows(initial, ms(40_000)),
        3 => BackoffConfig::windows(initial, ms(8_000)).max_delay(max),
        4 => BackoffConfig::linear(initial, max),
        5 => BackoffConfig::fibonacci(initial, max),
        6 => BackoffConfig::constant(initial),
        7 => BackoffConfig::table(&TABLE, dice.pick(&[AfterTable::GiveUp, AfterTable::RepeatLast])),
        _ => BackoffConfig::exponential(initial, dice.pick(&[Ratio::TWO, Ratio::new_const(10, 1)]), max),
    };
    let mut config = builder.build_const();
    if dice.one_in(4) {
        config = config.to_builder().first_delay(dice.pick(&[ms(0), ms(500)])).build_const();
    }
    if dice.one_in(6) {
        config = config.to_builder().max_fresh(ms(900_000)).build_const();
    }
    // Half of the configs draw nothing.
    if matches!(config.curve(), Curve::Windows(_)) {
        if dice.one_in(3) {
            config = config.to_builder().floor(dice.pick(&[ms(100), ms(5_000)])).build_const();
        }
    } else if dice.one_in(2) {
        let jitter = dice.pick(&[Jitter::Full, Jitter::Equal, Jitter::PlusMinus(Ratio::new_const(1, 5))]);
        config = config.to_builder().jitter(jitter).build_const();
        if dice.one_in(3) {
            config = config.to_builder().floor(ms(100)).build_const();
        }
    }
    config
}

/// A config. A run of zeros is the plainest.
pub fn config(dice: &mut Dice<'_>) -> Config {
    let backoff = backoff(dice);
    let draws = backoff.jitter() != Jitter::None || matches!(backoff.curve(), Curve::Windows(_));
    let zero = Verdict::new(Class::RateLimited).with_wait_const(ms(0), ms(0));
    let classifier = Classifier::new(&tables::WEBSOCKET)
        .rule(Rule::new(Match::Is(LIMIT), zero))
        .rule(Rule::new(Match::Is(STOP), Verdict::new(Class::Fatal)))
        .build_const();
    let mut resume = ResumeConfig::new()
        .enabled(!dice.one_in(8))
        .sequence_needed(dice.one_in(3))
        .failures_max(dice.pick(&[3, 1]));
    resume = match dice.below(3) {
        0 => resume.endpoint_fallback(1, ms(0)),
        1 => resume.endpoint_fallback(2, ms(0)),
        _ => resume.endpoint_fallback(2, ms(5_000)),
    };
    if !draws {
        resume = resume.invalid_wait(ms(3_000), ms(3_000));
    }
    let mut heartbeat = HeartbeatConfig::new()
        .first_jitter(draws)
        .missed(dice.pick(&[1, 2]))
        .required(dice.one_in(4))
        .liveness(dice.pick(&[Liveness::Ack, Liveness::AnyTraffic]));
    if let Some(interval) = dice.perhaps(&[ms(45_000), ms(4_000)]) {
        heartbeat = heartbeat.interval(interval);
    }
    let breaker = dice.one_in(3).then(|| {
        let config = breaker::Config::new(dice.pick(&[3, 1]), dice.pick(&[ms(60_000), ms(5_000)]));
        let config = if dice.one_in(2) { config.growth(Ratio::TWO, ms(200_000)) } else { config };
        // A probe that waits for a session as long as its heartbeat is answered does not run out.
        config.lease(ms(86_400_000)).build_const()
    });
    let restore = RestoreConfig::new()
        .enabled(!dice.one_in(8))
        .batches(dice.pick(&[50, 2, 1]), dice.pick(&[ms(0), ms(500)]))
        .authentication(dice.one_in(4))
        .build_const();
    let credential = CredentialConfig::new()
        .refresh_on(dice.pick(&[RefreshOn::Auth, RefreshOn::Auth, RefreshOn::Dial, RefreshOn::Never]))
        .rejections_max(dice.perhaps(&[0, 1]))
        .build_const();
    let on_down = dice.pick(&[OnNetworkDown::Park, OnNetworkDown::Park, OnNetworkDown::Ignore]);
    let mut config = Config::new(backoff)
        .classifier(classifier)
        .resume(resume.build_const())
        .heartbeat(heartbeat.build_const())
        .breaker(breaker)
        .restore(restore)
        .credential(credential)
        .network(if restore.authentication() { OnNetworkDown::Ignore } else { on_down }, ms(0))
        .on_network_change(OnNetworkChange::Ignore)
        .defer_while_hidden(!dice.one_in(4))
        .retry_after_spread(if draws { dice.pick(&[Ratio::ONE, Ratio::ZERO]) } else { Ratio::ZERO })
        .min_interval(dice.pick(&[ms(0), ms(0), ms(5_000)]))
        .ready_timeout(dice.perhaps(&[ms(15_000), ms(300_000)]))
        .max_attempts(if dice.one_in(3) { Some(dice.pick(&[3, 0, 1])) } else { None })
        .max_elapsed(if dice.one_in(4) { Some(dice.pick(&[ms(60_000), ms(2_000)])) } else { None });
    config = match dice.below(3) {
        0 => config.reset_after_stable(ms(0)),
        1 => config.reset_after_stable(ms(20_000)),
        _ => config,
    };
    if dice.one_in(2) {
        config = config.greeting(dice.perhaps(&[ms(30_000)]));
    }
    config.build_const()
}
