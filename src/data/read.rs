//! A config, as it is read: its keys are laid over another config, each by the builder's setting of the same meaning.

use std::format;
use std::string::String;
use std::time::Duration;

use super::backoff::{BACKOFF, PLAIN, backoff};
use super::classify::{CLASSIFY, classify, refused};
use super::object::Object;
use super::tree::Value;
use crate::breaker;
use crate::endpoints::{EndpointOrder, EndpointsConfig};
use crate::error::ConfigError;
use crate::heartbeat::{HeartbeatConfig, Liveness};
use crate::policy::{
    Config, CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn,
    RestoreConfig, ResumeConfig,
};
use crate::ratio::Ratio;

pub(super) const CONFIG: &[&str] = &[
    "backoff",
    "reset_after_stable_ms",
    "min_interval_ms",
    "max_attempts",
    "max_elapsed_ms",
    "connect_timeout_ms",
    "connect_timeout_grows",
    "greeting_timeout_ms",
    "ready_timeout_ms",
    "greeting",
    "establish",
    "hint",
    "resume",
    "heartbeat",
    "breaker",
    "restore",
    "credential",
    "network",
    "classify",
    "visibility",
    "on_visible",
    "max_age_ms",
    "max_age_spread_ms",
    "handover",
    "redirect",
    "please_reconnect",
    "on_wake",
    "close_code",
    "initial",
    "wait_from",
    "long_outage",
    "endpoint_order",
    "endpoint_gap_ms",
    "endpoint_sticky_ms",
    "endpoint_half_life_ms",
];

/// The keys laid over a config. An error names the key whose value the config refuses.
pub(super) fn config(base: Config, keys: &Object<'_>) -> Result<Config, String> {
    let refused = |key: &str| {
        let name = keys.name(key);
        move |error: ConfigError| format!("\"{name}\": {error}")
    };
    let mut config = base.to_builder();
    if let Some(o) = keys.object("backoff", BACKOFF)? {
        config = config.backoff(backoff(base.backoff(), &o)?);
    }
    match keys.or_null("reset_after_stable_ms", Object::ms)? {
        Some(Some(held)) => config = config.reset_after_stable(held),
        Some(None) => config = config.stability_by_cap(),
        None => {}
    }
    if let Some(interval) = keys.ms("min_interval_ms")? {
        config = config.min_interval(interval);
        config.build().map_err(refused("min_interval_ms"))?;
    }
    if let Some(attempts) = keys.or_null("max_attempts", Object::u32)? {
        config = config.max_attempts(attempts);
    }
    if let Some(elapsed) = keys.or_null("max_elapsed_ms", Object::ms)? {
        config = config.max_elapsed(elapsed);
    }
    if let Some(timeout) = keys.ms("connect_timeout_ms")? {
        config = config.connect_timeout(timeout);
        config.build().map_err(refused("connect_timeout_ms"))?;
    }
    if let Some(on) = keys.bool("connect_timeout_grows")? {
        config = config.connect_timeout_growing(on);
    }
    let greeting = keys.bool("greeting")?.unwrap_or(base.greeting());
    let timeout = keys.or_null("greeting_timeout_ms", Object::ms)?.unwrap_or(base.greeting_timeout());
    config = config.greeting(timeout);
    config.build().map_err(refused("greeting_timeout_ms"))?;
    if !greeting {
        config = config.without_greeting();
    }
    if let Some(timeout) = keys.or_null("ready_timeout_ms", Object::ms)? {
        config = config.ready_timeout(timeout);
        config.build().map_err(refused("ready_timeout_ms"))?;
    }
    let establish = [Establish::OnOpen, Establish::OnReady].map(|on| (on.as_str(), on));
    if let Some(establish) = keys.choice("establish", &establish)? {
        config = config.establish(establish);
    }
    if let Some(o) = keys.object("hint", &["max_ms", "spread"])? {
        if let Some(longest) = o.ms("max_ms")? {
            config = config.retry_after_max(longest);
        }
        if let Some(share) = o.ratio("spread")? {
            config = config.retry_after_spread(share);
        }
    }
    if let Some(o) = keys.object("resume", RESUME)? {
        config = config.resume(resume(base.resume(), &o)?);
    }
    if let Some(o) = keys.object("heartbeat", HEARTBEAT)? {
        config = config.heartbeat(heartbeat(base.heartbeat(), &o)?);
    }
    if let Some(o) = keys.or_null("breaker", |keys, key| keys.object(key, BREAKER))? {
        config = config.breaker(o.map(|o| breaker(&o)).transpose()?);
    }
    if let Some(o) = keys.object("restore", RESTORE)? {
        config = config.restore(restore(base.restore(), &o)?);
    }
    if let Some(o) = keys.object("credential", CREDENTIAL)? {
        config = config.credential(credential(base.credential(), &o)?);
    }
    if let Some(o) = keys.object("network", &["on_down", "on_change", "spread_up_ms", "restart_on_up"])? {
        let (on_down, spread) = base.network();
        let words = [OnNetworkDown::Park, OnNetworkDown::Drop, OnNetworkDown::Ignore, OnNetworkDown::Probe];
        let on_down = o.choice("on_down", &words.map(|word| (word.as_str(), word)))?.unwrap_or(on_down);
        config = config.network(on_down, o.ms("spread_up_ms")?.unwrap_or(spread));
        let words = [OnNetworkChange::Probe, OnNetworkChange::Drop, OnNetworkChange::Ignore];
        if let Some(on_change) = o.choice("on_change", &words.map(|word| (word.as_str(), word)))? {
            config = config.on_network_change(on_change);
        }
        if let Some(restart) = o.bool("restart_on_up")? {
            config = config.restart_on_network_up(restart);
        }
    }
    let (age, spread) = base.max_age();
    let age = keys.or_null("max_age_ms", Object::ms)?.unwrap_or(age);
    config = config.max_age(age, keys.ms("max_age_spread_ms")?.unwrap_or(spread));
    config.build().map_err(|error| match error {
        ConfigError::RangeReversed => keys.wrong("max_age_spread_ms", "at most \"max_age_ms\""),
        error => format!("\"{}\": {error}", keys.name("max_age_ms")),
    })?;
    if let Some(o) = keys.object("redirect", &["max_hops"])? {
        if let Some(hops) = o.u8("max_hops")? {
            config = config.redirects(hops);
        }
    }
    if keys.get("handover").is_some_and(|handover| *handover != Value::Null) {
        return Err(format!(
            "{}: a handover stands beside a policy; read it as a handover::Config, for Policy::with_handover",
            keys.wrong("handover", "null")
        ));
    }
    if let Some(o) = keys.object("classify", CLASSIFY)? {
        config = config.classifier(classify(base.classifier(), &o)?);
    }
    if let Some(o) = keys.object("please_reconnect", &["spread_ms"])? {
        if let Some(spread) = o.or_null("spread_ms", Object::ms)? {
            config = config.requested_spread(spread);
        }
    }
    if let Some(defer) = keys.choice("visibility", &[("defer", true), ("ignore", false)])? {
        config = config.defer_while_hidden(defer);
    }
    let words = [OnVisible::Nothing, OnVisible::Probe].map(|word| (word.as_str(), word));
    if let Some(on_visible) = keys.choice("on_visible", &words)? {
        config = config.on_visible(on_visible);
    }
    let words = [OnWake::Redial, OnWake::Probe].map(|word| (word.as_str(), word));
    if let Some(on_wake) = keys.choice("on_wake", &words)? {
        config = config.on_wake(on_wake);
    }
    if let Some(code) = keys.u16("close_code")? {
        config = config.close_code(code);
        config.build().map_err(refused("close_code"))?;
    }
    if let Some(o) = keys.object("initial", &["max_attempts", "max_elapsed_ms"])? {
        let (attempts, elapsed) = base.initial_limits();
        let attempts = o.or_null("max_attempts", Object::u32)?.unwrap_or(attempts);
        let elapsed = o.or_null("max_elapsed_ms", Object::ms)?.unwrap_or(elapsed);
        config = config.initial_limits(attempts, elapsed);
    }
    if let Some(from_dial) = keys.choice("wait_from", &[("failure", false), ("dial", true)])? {
        config = config.wait_from_dial(from_dial);
    }
    match keys.or_null("long_outage", |keys, key| keys.object(key, &["after_ms", "backoff"]))? {
        Some(Some(o)) => {
            let base = base.long_outage();
            let after = o.ms("after_ms")?.or(base.map(|(after, _)| after));
            let base = base.map_or(PLAIN, |(_, slow)| slow);
            let slow = o.object("backoff", BACKOFF)?.map(|o| backoff(base, &o)).transpose()?;
            config = config.long_outage(o.required("after_ms", after)?, slow.unwrap_or(base));
        }
        Some(None) => config = config.without_long_outage(),
        None => {}
    }
    let prefixed = ["endpoint_order", "endpoint_gap_ms", "endpoint_sticky_ms", "endpoint_half_life_ms"];
    config = config.endpoints(endpoints(base.endpoints(), keys, prefixed)?);
    config.build().map_err(super::classify::refused(keys))
}

pub(super) const ENDPOINTS: [&str; 4] = ["order", "gap_ms", "sticky_ms", "half_life_ms"];

/// The keys of endpoints, by whatever names.
pub(super) fn endpoints(
    base: EndpointsConfig,
    o: &Object<'_>,
    [order, gap, sticky, half_life]: [&str; 4],
) -> Result<EndpointsConfig, String> {
    let refused = |key: &str| {
        let name = o.name(key);
        move |error: ConfigError| format!("\"{name}\": {error}")
    };
    let mut endpoints = base.to_builder();
    let orders = [EndpointOrder::PrimaryFirst, EndpointOrder::LeastFailed].map(|word| (word.as_str(), word));
    if let Some(order) = o.choice(order, &orders)? {
        endpoints = endpoints.order(order);
    }
    if let Some((low, high)) = o.range(gap)? {
        endpoints = endpoints.gap(low, high);
        endpoints.build().map_err(refused(gap))?;
    }
    if let Some(sticky) = o.ms(sticky)? {
        endpoints = endpoints.sticky(sticky);
    }
    if let Some(span) = o.ms(half_life)? {
        endpoints = endpoints.half_life(span);
    }
    endpoints.build().map_err(refused(half_life))
}

pub(super) const CREDENTIAL: &[&str] =
    &["refresh_on", "max_rejections", "timeout_ms", "lead_ms", "lead_spread_ms", "in_band"];

pub(super) fn credential(base: CredentialConfig, o: &Object<'_>) -> Result<CredentialConfig, String> {
    let mut credential = base.to_builder();
    let words = [RefreshOn::Auth, RefreshOn::Dial, RefreshOn::Never].map(|word| (word.as_str(), word));
    if let Some(on) = o.choice("refresh_on", &words)? {
        credential = credential.refresh_on(on);
    }
    if let Some(rejections) = o.or_null("max_rejections", Object::u8)? {
        credential = credential.rejections_max(rejections);
    }
    if let Some(timeout) = o.ms("timeout_ms")? {
        credential = credential.timeout(timeout);
    }
    let (lead, spread) = base.lead();
    credential = credential.lead(o.ms("lead_ms")?.unwrap_or(lead), o.ms("lead_spread_ms")?.unwrap_or(spread));
    if let Some(on) = o.bool("in_band")? {
        credential = credential.in_band(on);
    }
    credential.build().map_err(refused(o))
}

pub(super) const RESUME: &[&str] =
    &["enabled", "max_failures", "invalid_wait_ms", "endpoint_fallback", "sequence_needed"];

pub(super) fn resume(base: ResumeConfig, o: &Object<'_>) -> Result<ResumeConfig, String> {
    let mut resume = base.to_builder();
    if let Some(on) = o.bool("enabled")? {
        resume = resume.enabled(on);
    }
    if let Some(failures) = o.u8("max_failures")? {
        resume = resume.failures_max(failures);
    }
    if let Some((low, high)) = o.range("invalid_wait_ms")? {
        resume = resume.invalid_wait(low, high);
    }
    if let Some(fallback) = o.object("endpoint_fallback", &["failures", "for_ms"])? {
        let (failures, after) = base.endpoint_fallback();
        let failures = fallback.u8("failures")?.unwrap_or(failures);
        resume = resume.endpoint_fallback(failures, fallback.ms("for_ms")?.unwrap_or(after));
    }
    match o.get("sequence_needed") {
        // A session that has a sequence is resumed with it in any case.
        Some(Value::String(word)) if word == "auto" => resume = resume.sequence_needed(false),
        Some(Value::Bool(needed)) => resume = resume.sequence_needed(*needed),
        Some(_) => return Err(o.wrong("sequence_needed", "\"auto\", true or false")),
        None => {}
    }
    resume.build().map_err(refused(o))
}

pub(super) const HEARTBEAT: &[&str] =
    &["interval_ms", "liveness", "missed", "first_jitter", "required", "answer_within_ms"];

pub(super) fn heartbeat(base: HeartbeatConfig, o: &Object<'_>) -> Result<HeartbeatConfig, String> {
    let mut heartbeat = base.to_builder();
    match o.or_null("interval_ms", Object::ms)? {
        Some(Some(interval)) => heartbeat = heartbeat.interval(interval),
        Some(None) => heartbeat = heartbeat.without_interval(),
        None => {}
    }
    let words = [Liveness::Ack, Liveness::AnyTraffic].map(|word| (word.as_str(), word));
    if let Some(liveness) = o.choice("liveness", &words)? {
        heartbeat = heartbeat.liveness(liveness);
    }
    if let Some(missed) = o.u8("missed")? {
        heartbeat = heartbeat.missed(missed);
    }
    if let Some(on) = o.bool("first_jitter")? {
        heartbeat = heartbeat.first_jitter(on);
    }
    if let Some(on) = o.bool("required")? {
        heartbeat = heartbeat.required(on);
    }
    if let Some(within) = o.or_null("answer_within_ms", Object::ms)? {
        heartbeat = heartbeat.answer_within(within);
    }
    heartbeat.build().map_err(refused(o))
}

pub(super) const BREAKER: &[&str] =
    &["failures", "open_ms", "open_max_ms", "factor", "jitter", "probes", "lease_ms"];

/// A whole breaker, not a change of another one. Above `open_ms`, `open_max_ms` lets the open time grow with every failed
/// probe.
pub(super) fn breaker(o: &Object<'_>) -> Result<breaker::Config, String> {
    let minute = Duration::from_secs(60);
    let open = o.ms("open_ms")?.unwrap_or(minute);
    let max = o.ms("open_max_ms")?.unwrap_or(minute.max(open));
    let factor = o.ratio("factor")?.unwrap_or(if max > open { Ratio::TWO } else { Ratio::ONE });
    let mut breaker = breaker::Config::new(o.u32("failures")?.unwrap_or(5), open).growth(factor, max);
    if let Some(share) = o.ratio("jitter")? {
        breaker = breaker.jitter(share);
    }
    if let Some(probes) = o.u8("probes")? {
        breaker = breaker.probes(probes);
    }
    if let Some(lease) = o.ms("lease_ms")? {
        breaker = breaker.lease(lease);
    }
    breaker.build().map_err(refused(o))
}

pub(super) const RESTORE: &[&str] =
    &["enabled", "batch", "interval_ms", "confirm_timeout_ms", "authenticate"];

pub(super) fn restore(base: RestoreConfig, o: &Object<'_>) -> Result<RestoreConfig, String> {
    let (batch, interval) = base.batches();
    let batch = o.u16("batch")?.unwrap_or(batch);
    let mut restore = base.to_builder().batches(batch, o.ms("interval_ms")?.unwrap_or(interval));
    if let Some(on) = o.bool("enabled")? {
        restore = restore.enabled(on);
    }
    restore.build().map_err(refused(o))?;
    if let Some(timeout) = o.or_null("confirm_timeout_ms", Object::ms)? {
        restore = restore.confirm_timeout(timeout);
    }
    if let Some(on) = o.bool("authenticate")? {
        restore = restore.authentication(on);
    }
    restore.build().map_err(|error| format!("\"{}\": {error}", o.name("confirm_timeout_ms")))
}
