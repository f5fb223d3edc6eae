//! Every config made again of what its getters say is the same config.

use redial::budget::{AdaptiveThrottleConfig, RetryBudgetConfig, StartBudgetConfig, ThrottleConfig};
use redial::endpoints::EndpointsConfig;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{CredentialConfig, RestoreConfig, ResumeConfig};
use redial::{Config, breaker, handover};

use super::stands;

pub fn config(config: &Config) {
    parts(config);
    let mut again = Config::new(config.backoff())
        .classifier(config.classifier())
        .min_interval(config.min_interval())
        .max_attempts(config.max_attempts())
        .max_elapsed(config.max_elapsed())
        .initial_limits(config.initial_limits().0, config.initial_limits().1)
        .wait_from_dial(config.wait_from_dial())
        .retry_after_max(config.retry_after_max())
        .retry_after_spread(config.retry_after_spread())
        .breaker(config.breaker())
        .endpoints(config.endpoints())
        .redirects(config.redirects())
        .connect_timeout(config.connect_timeout())
        .connect_timeout_growing(config.connect_timeout_growing())
        .ready_timeout(config.ready_timeout())
        .establish(config.establish())
        .resume(config.resume())
        .requested_spread(config.requested_spread())
        .heartbeat(config.heartbeat())
        .restore(config.restore())
        .credential(config.credential())
        .max_age(config.max_age().0, config.max_age().1)
        .close_code(config.close_code())
        .network(config.network().0, config.network().1)
        .restart_on_network_up(config.restart_on_network_up())
        .on_network_change(config.on_network_change())
        .on_wake(config.on_wake())
        .on_visible(config.on_visible())
        .defer_while_hidden(config.defer_while_hidden())
        .greeting(config.greeting_timeout());
    if !config.greeting() {
        again = again.without_greeting();
    }
    again = again.reset_after_stable(config.reset_after_stable());
    if config.stability_by_cap() {
        again = again.stability_by_cap();
    }
    again = match config.long_outage() {
        Some((after, backoff)) => again.long_outage(after, backoff),
        None => again.without_long_outage(),
    };
    stands(*config, again.build());
}

fn parts(config: &Config) {
    let resume = config.resume();
    let again = ResumeConfig::default()
        .to_builder()
        .enabled(resume.enabled())
        .failures_max(resume.failures_max())
        .invalid_wait(resume.invalid_wait().0, resume.invalid_wait().1)
        .endpoint_fallback(resume.endpoint_fallback().0, resume.endpoint_fallback().1);
    // Whether it follows the sequence itself, or was told, its getter does not say.
    let told = again.sequence_needed(resume.sequence_needed());
    assert!([again.build(), told.build()].contains(&Ok(resume)));
    let restore = config.restore();
    let again = RestoreConfig::default()
        .to_builder()
        .enabled(restore.enabled())
        .batches(restore.batches().0, restore.batches().1)
        .confirm_timeout(restore.confirm_timeout())
        .authentication(restore.authentication());
    stands(restore, again.build());
    let credential = config.credential();
    let again = CredentialConfig::default()
        .to_builder()
        .refresh_on(credential.refresh_on())
        .rejections_max(credential.rejections_max())
        .timeout(credential.timeout())
        .lead(credential.lead().0, credential.lead().1)
        .in_band(credential.in_band());
    stands(credential, again.build());
    heartbeat(&config.heartbeat());
    let endpoints = config.endpoints();
    let again = EndpointsConfig::default()
        .to_builder()
        .order(endpoints.order())
        .gap(endpoints.gap().0, endpoints.gap().1)
        .sticky(endpoints.sticky())
        .half_life(endpoints.half_life());
    stands(endpoints, again.build());
    if let Some(breaker) = config.breaker() {
        let again = breaker::Config::new(breaker.failures(), breaker.open_for())
            .growth(breaker.growth().0, breaker.growth().1)
            .jitter(breaker.jitter())
            .probes(breaker.probes())
            .lease(breaker.lease());
        stands(breaker, again.build());
    }
}

pub fn heartbeat(heartbeat: &HeartbeatConfig) {
    let again = HeartbeatConfig::default()
        .to_builder()
        .liveness(heartbeat.liveness())
        .missed(heartbeat.missed())
        .first_jitter(heartbeat.first_jitter())
        .required(heartbeat.required())
        .answer_within(heartbeat.answer_within());
    let again = match heartbeat.interval() {
        Some(interval) => again.interval(interval),
        None => again.without_interval(),
    };
    stands(*heartbeat, again.build());
}

pub fn handover(handover: &handover::Config) {
    stands(
        *handover,
        handover::Config::default().to_builder().timeout(handover.timeout()).drain(handover.drain()).build(),
    );
}

pub fn starts(config: &StartBudgetConfig) {
    let (buckets, each, window) = config.window();
    let again = StartBudgetConfig::new(buckets, each, window);
    let again = if let Some((starts, day)) = config.daily() { again.daily(starts, day) } else { again };
    // A day without a limit may have any length.
    let said = |config: &StartBudgetConfig| (config.window(), config.daily());
    assert_eq!(again.build().map(|again| said(&again)), Ok(said(config)));
}

pub fn retries(config: &RetryBudgetConfig) {
    let again = RetryBudgetConfig::new().ttl(config.ttl()).reserve(config.reserve()).share(config.share());
    stands(*config, again.build());
}

pub fn throttle(config: &ThrottleConfig) {
    assert!(config.millitokens_per_success() > 0 && config.max_millitokens() >= 1_000);
    stands(*config, config.to_builder().build());
}

pub fn adaptive(config: &AdaptiveThrottleConfig) {
    assert!(!config.multiplier().is_below_one());
    stands(*config, config.to_builder().build());
}
