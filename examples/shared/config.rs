//! From JSON to a [`Config`]: the set-up line of a replay log, and the `--config` file of the gateway example.
//!
//! `{"seed": 7, "preset": "discord-gateway", "config": { … }, "start_budget": { … }, …}`, every key optional. The keys of
//! `config` are laid over the preset's values, or over the defaults below where no preset is named. Durations are integer
//! milliseconds with the suffix `_ms`, ratios are strings. An unknown key is an error.

#[path = "budgets.rs"]
pub(crate) mod budgets;
#[path = "ladder.rs"]
mod ladder;
#[path = "object.rs"]
pub(crate) mod object;

use std::time::Duration;

use redial::{
    BackoffConfig, BreakerConfig, Cause, Class, Classifier, Config, ConfigError, EndpointOrder, Establish,
    HealthConfig, HeartbeatConfig, IoKind, Jitter, Liveness, Match, OnNetworkDown, OnWake, Ratio, RefreshOn,
    RestoreConfig, ResumeConfig, Rule, TlsKind, Verdict, presets, tables, valid,
};
use serde_json::Value;

use budgets::Budgets;
use ladder::{BACKOFF, backoff};
use object::{Object, one_of, unknown};

/// The ladder where neither preset nor config says otherwise: 1 s, doubling to 30 s, no jitter.
const PLAIN: BackoffConfig =
    valid(BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)));

/// How many endpoints a policy here can walk.
pub(crate) const MAX_ENDPOINTS: usize = 16;

/// What the set-up says.
pub(crate) struct SetUp {
    pub(crate) seed: Option<u64>,
    pub(crate) config: Config,
    /// The base endpoints by name, 1 to [`MAX_ENDPOINTS`].
    pub(crate) endpoints: Vec<String>,
    /// From when on an alert is raised, if somebody watches.
    pub(crate) health: Option<HealthConfig>,
    /// What is asked before a dial.
    pub(crate) budgets: Budgets,
}

impl SetUp {
    pub(crate) fn parse(value: &Value) -> Result<Self, String> {
        let known: Vec<_> = ["seed", "preset", "config"].into_iter().chain(budgets::KEYS).collect();
        let line = Object::new("", value, &known)?;
        let mut config = match line.str("preset")? {
            Some(name) => *presets::by_name(name).ok_or_else(|| {
                let known: Vec<_> = presets::ALL.iter().map(|(name, _)| *name).collect();
                format!("unknown preset \"{name}\"; use {}", one_of(&known))
            })?,
            None => Config::new(PLAIN),
        };
        let mut endpoints = vec!["primary".to_owned()];
        let mut watched = None;
        if let Some(keys) = line.object("config", KEYS)? {
            config = lay_over(config, &keys)?;
            if let Some(named) = keys.get("endpoints") {
                endpoints =
                    names(named).ok_or_else(|| keys.wrong("endpoints", "a list of names, not empty"))?;
                if endpoints.len() > MAX_ENDPOINTS {
                    let many = endpoints.len();
                    return Err(format!("\"config.endpoints\" has {many} names; at most {MAX_ENDPOINTS}"));
                }
            }
            let known = ["window_ms", "failure_rate", "min_attempts", "average_recovery_ms"];
            watched = keys.or_null("health", |keys, key| keys.object(key, &known))?.flatten();
        }
        Ok(Self {
            seed: line.u64("seed")?,
            config,
            endpoints,
            health: watched.map(|o| health(&o)).transpose()?,
            budgets: Budgets::parse(&line)?,
        })
    }

    /// Whether the waits are drawn.
    pub(crate) fn is_jittered(&self) -> bool {
        let slow = self.config.long_outage().map(|(_, ladder)| ladder);
        [Some(self.config.backoff()), slow].iter().flatten().any(|ladder| ladder.jitter() != Jitter::None)
    }
}

const KEYS: &[&str] = &[
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
    "endpoints",
    "classify",
    // Beyond the contract.
    "please_reconnect",
    "visibility",
    "on_wake",
    "close_code",
    "initial",
    "wait_from",
    "long_outage",
    "endpoint_order",
    "endpoint_gap_ms",
    "endpoint_sticky_ms",
    "endpoint_half_life_ms",
    "health",
];

fn lay_over(mut config: Config, keys: &Object<'_>) -> Result<Config, String> {
    // A key's value, where the core may refuse it.
    let refused = |key: &str| {
        let name = keys.name(key);
        move |error: ConfigError| format!("\"{name}\": {error}")
    };
    if let Some(o) = keys.object("backoff", BACKOFF)? {
        config = config.with_backoff(backoff(config.backoff(), &o)?);
    }
    if let Some(held) = keys.ms("reset_after_stable_ms")? {
        config = config.with_reset_after_stable(held);
    }
    if let Some(interval) = keys.ms("min_interval_ms")? {
        config = config.with_min_interval(interval);
    }
    if let Some(attempts) = keys.or_null("max_attempts", Object::u32)? {
        config = config.with_max_attempts(attempts);
    }
    if let Some(elapsed) = keys.or_null("max_elapsed_ms", Object::ms)? {
        config = config.with_max_elapsed(elapsed);
    }
    if let Some(timeout) = keys.ms("connect_timeout_ms")? {
        config = config.with_connect_timeout(timeout).map_err(refused("connect_timeout_ms"))?;
    }
    if let Some(on) = keys.bool("connect_timeout_grows")? {
        config = config.with_connect_timeout_growing(on);
    }
    let greeting = keys.bool("greeting")?.unwrap_or(config.greeting());
    let timeout = keys.or_null("greeting_timeout_ms", Object::ms)?.unwrap_or(config.greeting_timeout());
    config = config.with_greeting(timeout).map_err(refused("greeting_timeout_ms"))?;
    if !greeting {
        config = config.without_greeting();
    }
    if let Some(timeout) = keys.or_null("ready_timeout_ms", Object::ms)? {
        config = config.with_ready_timeout(timeout).map_err(refused("ready_timeout_ms"))?;
    }
    let establish = [("on_open", Establish::OnOpen), ("on_ready", Establish::OnReady)];
    if let Some(establish) = keys.choice("establish", &establish)? {
        config = config.with_establish(establish);
    }
    if let Some(o) = keys.object("hint", &["max_ms", "spread"])? {
        if let Some(longest) = o.ms("max_ms")? {
            config = config.with_hint_max(longest);
        }
        if let Some(share) = o.ratio("spread")? {
            config = config.with_hint_spread(share);
        }
    }
    let known = ["enabled", "max_failures", "invalid_wait_ms", "endpoint_fallback", "sequence_needed"];
    if let Some(o) = keys.object("resume", &known)? {
        config = config.with_resume(resume(config.resume(), &o)?);
    }
    let known = ["interval_ms", "liveness", "missed", "first_jitter", "required"];
    if let Some(o) = keys.object("heartbeat", &known)? {
        config = config.with_heartbeat(heartbeat(config.heartbeat(), &o)?);
    }
    let known = ["failures", "open_ms", "open_max_ms", "factor", "jitter", "probes", "lease_ms"];
    if let Some(o) = keys.or_null("breaker", |keys, key| keys.object(key, &known))? {
        config = config.with_breaker(o.map(|o| breaker(&o)).transpose()?);
    }
    if let Some(o) =
        keys.object("restore", &["enabled", "batch", "interval_ms", "confirm_timeout_ms", "authenticate"])?
    {
        config = config.with_restore(restore(config.restore(), &o)?);
    }
    if let Some(o) = keys.object("credential", &["refresh_on", "max_rejections"])? {
        let refresh = [("auth", RefreshOn::Auth), ("dial", RefreshOn::Dial), ("never", RefreshOn::Never)];
        if let Some(on) = o.choice("refresh_on", &refresh)? {
            config = config.with_credential(on);
        }
        if let Some(rejections) = o.or_null("max_rejections", Object::u8)? {
            config = config.with_rejections_max(rejections);
        }
    }
    if let Some(o) = keys.object("network", &["on_down", "spread_up_ms", "restart_on_up"])? {
        let (on_down, spread) = config.network();
        let words = [
            ("park", OnNetworkDown::Park),
            ("drop", OnNetworkDown::Drop),
            ("ignore", OnNetworkDown::Ignore),
            ("probe", OnNetworkDown::Probe),
        ];
        let on_down = o.choice("on_down", &words)?.unwrap_or(on_down);
        config = config.with_network(on_down, o.ms("spread_up_ms")?.unwrap_or(spread));
        if let Some(restart) = o.bool("restart_on_up")? {
            config = config.with_restart_on_network_up(restart);
        }
    }
    if let Some(o) = keys.object("classify", &["table", "default", "overrides"])? {
        config = config.with_classifier(classify(config.classifier(), &o)?);
    }
    if let Some(o) = keys.object("please_reconnect", &["spread_ms"])? {
        if let Some(spread) = o.or_null("spread_ms", Object::ms)? {
            config = config.with_requested_spread(spread);
        }
    }
    if let Some(defer) = keys.choice("visibility", &[("defer", true), ("ignore", false)])? {
        config = config.with_defer_while_hidden(defer);
    }
    if let Some(on_wake) = keys.choice("on_wake", &[("redial", OnWake::Redial), ("probe", OnWake::Probe)])? {
        config = config.with_on_wake(on_wake);
    }
    if let Some(code) = keys.u16("close_code")? {
        config = config.with_close_code(code).map_err(refused("close_code"))?;
    }
    if let Some(o) = keys.object("initial", &["max_attempts", "max_elapsed_ms"])? {
        let (attempts, elapsed) = config.initial_limits();
        let attempts = o.or_null("max_attempts", Object::u32)?.unwrap_or(attempts);
        let elapsed = o.or_null("max_elapsed_ms", Object::ms)?.unwrap_or(elapsed);
        config = config.with_initial_limits(attempts, elapsed);
    }
    if let Some(from_dial) = keys.choice("wait_from", &[("failure", false), ("dial", true)])? {
        config = config.with_wait_from_dial(from_dial);
    }
    let known = ["after_ms", "backoff"];
    match keys.or_null("long_outage", |keys, key| keys.object(key, &known))? {
        Some(Some(o)) => {
            let base = config.long_outage();
            let after = o.ms("after_ms")?.or(base.map(|(after, _)| after));
            let base = base.map_or(PLAIN, |(_, ladder)| ladder);
            let slow = o.object("backoff", BACKOFF)?.map(|o| backoff(base, &o)).transpose()?;
            config = config.with_long_outage(o.required("after_ms", after)?, slow.unwrap_or(base));
        }
        Some(None) => config = config.without_long_outage(),
        None => {}
    }
    let mut endpoints = config.endpoints();
    let orders =
        [("primary_first", EndpointOrder::PrimaryFirst), ("least_failed", EndpointOrder::LeastFailed)];
    if let Some(order) = keys.choice("endpoint_order", &orders)? {
        endpoints = endpoints.with_order(order);
    }
    if let Some((low, high)) = keys.range("endpoint_gap_ms")? {
        endpoints = endpoints.with_gap(low, high).map_err(refused("endpoint_gap_ms"))?;
    }
    if let Some(sticky) = keys.ms("endpoint_sticky_ms")? {
        endpoints = endpoints.with_sticky(sticky);
    }
    if let Some(half_life) = keys.ms("endpoint_half_life_ms")? {
        endpoints = endpoints.with_half_life(half_life).map_err(refused("endpoint_half_life_ms"))?;
    }
    config = config.with_endpoints(endpoints);
    Ok(config)
}

fn resume(mut resume: ResumeConfig, o: &Object<'_>) -> Result<ResumeConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    if let Some(on) = o.bool("enabled")? {
        resume = resume.with_enabled(on);
    }
    if let Some(failures) = o.u8("max_failures")? {
        resume = resume.with_failures_max(failures).map_err(refused)?;
    }
    if let Some((low, high)) = o.range("invalid_wait_ms")? {
        resume = resume.with_invalid_wait(low, high).map_err(refused)?;
    }
    if let Some(fallback) = o.object("endpoint_fallback", &["failures", "for_ms"])? {
        let (failures, after) = resume.endpoint_fallback();
        let failures = fallback.u8("failures")?.unwrap_or(failures);
        resume = resume.with_endpoint_fallback(failures, fallback.ms("for_ms")?.unwrap_or(after));
    }
    if let Some(needed) = o.bool("sequence_needed")? {
        resume = resume.with_sequence_needed(needed);
    }
    Ok(resume)
}

fn heartbeat(mut heartbeat: HeartbeatConfig, o: &Object<'_>) -> Result<HeartbeatConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    match o.or_null("interval_ms", Object::ms)? {
        Some(Some(interval)) => heartbeat = heartbeat.with_interval(interval).map_err(refused)?,
        Some(None) => heartbeat = heartbeat.without_interval(),
        None => {}
    }
    let words = [("ack", Liveness::Ack), ("any_traffic", Liveness::AnyTraffic)];
    if let Some(liveness) = o.choice("liveness", &words)? {
        heartbeat = heartbeat.with_liveness(liveness);
    }
    if let Some(missed) = o.u8("missed")? {
        heartbeat = heartbeat.with_missed(missed).map_err(refused)?;
    }
    if let Some(on) = o.bool("first_jitter")? {
        heartbeat = heartbeat.with_first_jitter(on);
    }
    if let Some(on) = o.bool("required")? {
        heartbeat = heartbeat.with_required(on);
    }
    Ok(heartbeat)
}

/// A whole breaker, not a change of the preset's. Above `open_ms`, `open_max_ms` lets the open time grow with every
/// failed probe.
fn breaker(o: &Object<'_>) -> Result<BreakerConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let minute = Duration::from_secs(60);
    let open = o.ms("open_ms")?.unwrap_or(minute);
    let max = o.ms("open_max_ms")?.unwrap_or(minute.max(open));
    let factor = o.ratio("factor")?.unwrap_or(if max > open { Ratio::TWO } else { Ratio::ONE });
    let mut breaker = BreakerConfig::new(o.u32("failures")?.unwrap_or(5), open)
        .and_then(|breaker| breaker.with_growth(factor, max))
        .map_err(refused)?;
    if let Some(share) = o.ratio("jitter")? {
        breaker = breaker.with_jitter(share).map_err(refused)?;
    }
    if let Some(probes) = o.u8("probes")? {
        breaker = breaker.with_probes(probes).map_err(refused)?;
    }
    match o.ms("lease_ms")? {
        Some(lease) => breaker.with_lease(lease).map_err(refused),
        None => Ok(breaker),
    }
}

/// The alerts that stand beside a policy.
fn health(o: &Object<'_>) -> Result<HealthConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let mut health = HealthConfig::new();
    if let Some(window) = o.ms("window_ms")? {
        health = health.with_window(window).map_err(refused)?;
    }
    let tenth = Ratio::new(1, 10).map_err(refused)?;
    let rate = o.ratio("failure_rate")?.unwrap_or(tenth);
    health = health.with_failure_rate(rate, o.u32("min_attempts")?.unwrap_or(1)).map_err(refused)?;
    if let Some(above) = o.ms("average_recovery_ms")? {
        health = health.with_average_recovery(above);
    }
    Ok(health)
}

fn restore(mut restore: RestoreConfig, o: &Object<'_>) -> Result<RestoreConfig, String> {
    if let Some(on) = o.bool("enabled")? {
        restore = restore.with_enabled(on);
    }
    let (batch, interval) = restore.batches();
    let batch = o.u16("batch")?.unwrap_or(batch);
    let interval = o.ms("interval_ms")?.unwrap_or(interval);
    restore = restore
        .with_batches(batch, interval)
        .map_err(|error: ConfigError| format!("\"{}\": {error}", o.path()))?;
    if let Some(timeout) = o.or_null("confirm_timeout_ms", Object::ms)? {
        restore = restore
            .with_confirm_timeout(timeout)
            .map_err(|error| format!("\"{}\": {error}", o.name("confirm_timeout_ms")))?;
    }
    if let Some(on) = o.bool("authenticate")? {
        restore = restore.with_authentication(on);
    }
    Ok(restore)
}

/// Another table leaves the preset's overrides behind, since they were made for its own.
fn classify(mut classifier: Classifier, o: &Object<'_>) -> Result<Classifier, String> {
    if let Some(name) = o.str("table")? {
        let known: Vec<_> = tables::ALL.iter().map(|table| table.name()).collect();
        let table = tables::by_name(name).ok_or_else(|| o.wrong("table", one_of(&known)))?;
        classifier = Classifier::new(table);
    }
    if let Some(default) = class(o, "default")? {
        classifier = classifier.with_default(default);
    }
    let Some(overrides) = o.get("overrides") else { return Ok(classifier) };
    let list = overrides.as_array().ok_or_else(|| o.wrong("overrides", "a list"))?;
    for (at, value) in list.iter().enumerate() {
        let path = format!("{}[{at}]", o.name("overrides"));
        let known: Vec<_> = ["ws", "http", "io", "tls", "timeout"].iter().chain(VERDICT).copied().collect();
        let row = Object::new(&path, value, &known)?;
        let rule = Rule::new(Match::Is(cause(&row, VERDICT)?), verdict(&row)?);
        classifier = classifier.with_override(rule).map_err(|error| format!("\"{path}\": {error}"))?;
    }
    Ok(classifier)
}

const VERDICT: &[&str] = &["class", "limit", "wait_ms", "steps_ms", "at_cap", "renew", "client_fault"];

/// What follows from a cause. Left out, each key is what belongs to the class.
fn verdict(row: &Object<'_>) -> Result<Verdict, String> {
    let mut verdict = Verdict::new(row.required("class", class(row, "class")?)?);
    if let Some(limit) = row.u8("limit")? {
        verdict = verdict.with_limit(limit);
    }
    if let Some((low, high)) = row.range("wait_ms")? {
        verdict = verdict
            .with_wait(low, high)
            .map_err(|error: ConfigError| format!("\"{}\": {error}", row.name("wait_ms")))?;
    }
    if let Some(steps) = row.get("steps_ms") {
        let step = |step: &Value| step.as_u64().and_then(|step| u32::try_from(step).ok());
        let steps: Option<Vec<_>> = steps.as_array().and_then(|list| list.iter().map(step).collect());
        let steps = steps.ok_or_else(|| row.wrong("steps_ms", "a list of integers from 0 to 4294967295"))?;
        // As with the table of a ladder: it lives as long as the program.
        verdict = verdict.with_steps_ms(Box::leak(steps.into_boxed_slice()));
    }
    if row.bool("renew")? == Some(true) {
        verdict = verdict.with_renewal();
    }
    if row.bool("at_cap")? == Some(true) {
        verdict = verdict.with_at_cap();
    }
    if row.bool("client_fault")? == Some(true) {
        verdict = verdict.with_client_fault();
    }
    Ok(verdict)
}

fn class(o: &Object<'_>, key: &str) -> Result<Option<Class>, String> {
    let words: Vec<_> = Class::ALL.iter().map(|class| (class.as_str(), *class)).collect();
    o.choice(key, &words)
}

/// The one cause in an object, beside these other keys: `{"ws": 4004}`, `{"io": "connection_refused"}` …
pub(crate) fn cause(o: &Object<'_>, beside: &[&str]) -> Result<Cause, String> {
    let mut kinds = o.entries().map(|(key, _)| key).filter(|key| !beside.contains(key));
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return Err(format!(
            "\"{}\" must have exactly one of \"ws\", \"http\", \"io\", \"tls\", \"timeout\" and \"class\"",
            o.path()
        ));
    };
    let found = match kind {
        "ws" => o.or_null(kind, Object::u16)?.map(|code| code.map_or(Cause::NoCloseFrame, Cause::CloseFrame)),
        "http" => o.u16(kind)?.map(Cause::Http),
        "io" if o.str(kind)?.is_some_and(|name| IO_OTHER.contains(&name)) => Some(Cause::Io(IoKind::Other)),
        "io" => named(o, kind, IoKind::ALL, IoKind::as_str)?.map(Cause::Io),
        "tls" => named(o, kind, TlsKind::ALL, TlsKind::as_str)?.map(Cause::Tls),
        "timeout" => match o.bool(kind)? {
            Some(true) => Some(Cause::Timeout),
            _ => return Err(o.wrong(kind, "true")),
        },
        _ => class(o, kind)?.map(Cause::Class),
    };
    o.required(kind, found)
}

/// Kinds of `std::io::ErrorKind` that concern no connection: the core lumps them together.
const IO_OTHER: &[&str] = &[
    "already_exists",
    "not_a_directory",
    "is_a_directory",
    "directory_not_empty",
    "read_only_filesystem",
    "stale_network_file_handle",
    "storage_full",
    "not_seekable",
    "quota_exceeded",
    "file_too_large",
    "executable_file_busy",
    "deadlock",
    "crosses_devices",
    "too_many_links",
    "invalid_filename",
    "argument_list_too_long",
];

fn named<T: Copy>(
    o: &Object<'_>,
    key: &str,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    let Some(name) = o.str(key)? else { return Ok(None) };
    let found = all.iter().find(|kind| as_str(**kind) == name).copied();
    let names: Vec<_> = all.iter().map(|kind| as_str(*kind)).collect();
    found.map(Some).ok_or_else(|| unknown(&o.name(key), name, name, &names))
}

fn names(value: &Value) -> Option<Vec<String>> {
    let list: Option<Vec<_>> =
        value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    list.filter(|list| !list.is_empty())
}
