//! From JSON to a [`Config`]: the set-up line of a replay log, and the `--config` file of the gateway example.
//!
//! `{"seed": 7, "preset": "discord-gateway", "config": { … }, "start_budget": { … }, …}`, every key optional. The keys of
//! `config` are laid over the preset's values, or over the defaults below where no preset is named. Durations are integer
//! milliseconds with the suffix `_ms`, ratios are strings. An unknown key is an error.

#[path = "budgets.rs"]
pub(crate) mod budgets;
#[path = "causes.rs"]
pub(crate) mod causes;
#[path = "ladder.rs"]
mod ladder;
#[path = "object.rs"]
pub(crate) mod object;

use std::sync::LazyLock;
use std::time::Duration;

use redial::breaker;
use redial::endpoints::EndpointOrder;
use redial::health::HealthConfig;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
use redial::{BackoffConfig, Config, ConfigError, Jitter, Ratio, presets};
use serde_json::Value;

use budgets::Budgets;
use causes::classify;
use ladder::{BACKOFF, backoff};
use object::{Object, one_of};

/// The ladder where neither preset nor config says otherwise: 1 s, doubling to 30 s, no jitter.
const PLAIN: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();

/// How many endpoints a policy here can walk.
pub(crate) const MAX_ENDPOINTS: usize = 16;

/// What the set-up says.
pub(crate) struct SetUp {
    pub(crate) seed: Option<u64>,
    pub(crate) generator: GeneratorName,
    pub(crate) timers: Timers,
    /// The state to begin with.
    pub(crate) checkpoint: Option<Vec<u8>>,
    pub(crate) config: Config,
    /// The base endpoints by name, 1 to [`MAX_ENDPOINTS`], where the config names them.
    endpoints: Option<Vec<String>>,
    /// From when on an alert is raised, if somebody watches.
    pub(crate) health: Option<HealthConfig>,
    /// What is asked before a dial.
    pub(crate) budgets: Budgets,
}

impl SetUp {
    pub(crate) fn parse(value: &Value) -> Result<Self, String> {
        let known = ["seed", "generator", "timers", "checkpoint", "preset", "config"];
        let known: Vec<_> = known.into_iter().chain(budgets::KEYS).collect();
        let line = Object::new("", value, &known)?;
        let mut config = match line.str("preset")? {
            Some(name) => *presets::by_name(name).ok_or_else(|| {
                let known: Vec<_> = presets::ALL.iter().map(|(name, _)| *name).collect();
                format!("unknown preset \"{name}\"; use {}", one_of(&known))
            })?,
            None => Config::new(PLAIN).build_const(),
        };
        let mut endpoints = None;
        let mut watched = None;
        if let Some(keys) = line.object("config", KEYS)? {
            config = lay_over(config, &keys)?;
            if let Some(named) = keys.get("endpoints") {
                let named =
                    names(named).ok_or_else(|| keys.wrong("endpoints", "a list of names, not empty"))?;
                if named.len() > MAX_ENDPOINTS {
                    let many = named.len();
                    return Err(format!("\"config.endpoints\" has {many} names; at most {MAX_ENDPOINTS}"));
                }
                endpoints = Some(named);
            }
            let known = ["window_ms", "failure_rate", "min_attempts", "average_recovery_ms"];
            watched = keys.or_null("health", |keys, key| keys.object(key, &known))?.flatten();
        }
        let generators = [("chacha8", GeneratorName::ChaCha8), ("splitmix64", GeneratorName::SplitMix64)];
        let timers = [("auto", Timers::Auto), ("logged", Timers::Logged)];
        let digits = |text: &str| {
            unhex(text).ok_or_else(|| line.wrong("checkpoint", "hexadecimal digits, two a byte"))
        };
        Ok(Self {
            seed: line.u64("seed")?,
            generator: line.choice("generator", &generators)?.unwrap_or(GeneratorName::ChaCha8),
            timers: line.choice("timers", &timers)?.unwrap_or(Timers::Auto),
            checkpoint: line.str("checkpoint")?.map(digits).transpose()?,
            config,
            endpoints,
            health: watched.map(|o| health(&o)).transpose()?,
            budgets: Budgets::parse(&line)?,
        })
    }

    /// Whether the generator has no seed: neither given, nor part of the state to begin with.
    pub(crate) const fn needs_seed(&self) -> bool {
        self.seed.is_none() && self.checkpoint.is_none()
    }

    /// The names of the base endpoints.
    pub(crate) fn endpoints(&self) -> &[String] {
        static PRIMARY: LazyLock<[String; 1]> = LazyLock::new(|| ["primary".to_owned()]);
        self.endpoints.as_deref().unwrap_or(PRIMARY.as_slice())
    }

    /// There are so many endpoints: the names that are given must be as many, and where none are they are numbers.
    pub(crate) fn name_endpoints(&mut self, count: usize) -> Result<(), String> {
        match &self.endpoints {
            Some(names) if names.len() != count => Err(format!(
                "\"config.endpoints\" has {} names, and the checkpoint {count} endpoints",
                names.len()
            )),
            None if count > 1 => {
                self.endpoints = Some((0..count).map(|number| number.to_string()).collect());
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the waits are drawn.
    pub(crate) fn is_jittered(&self) -> bool {
        let slow = self.config.long_outage().map(|(_, ladder)| ladder);
        [Some(self.config.backoff()), slow].iter().flatten().any(|ladder| ladder.jitter() != Jitter::None)
    }
}

/// Which generator draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeneratorName {
    ChaCha8,
    SplitMix64,
}

/// When timers fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timers {
    /// By themselves, on time.
    Auto,
    /// Where the log says so.
    Logged,
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
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
    "visibility",
    "on_visible",
    "max_age_ms",
    "max_age_spread_ms",
    "handover",
    "redirect",
    // Beyond the contract.
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
    "health",
];

fn lay_over(mut config: Config, keys: &Object<'_>) -> Result<Config, String> {
    // A key's value, where the core may refuse it.
    let refused = |key: &str| {
        let name = keys.name(key);
        move |error: ConfigError| format!("\"{name}\": {error}")
    };
    if let Some(o) = keys.object("backoff", BACKOFF)? {
        config = config.to_builder().backoff(backoff(config.backoff(), &o)?).build_const();
    }
    match keys.or_null("reset_after_stable_ms", Object::ms)? {
        Some(Some(held)) => config = config.to_builder().reset_after_stable(held).build_const(),
        Some(None) => config = config.to_builder().stability_by_cap().build_const(),
        None => {}
    }
    if let Some(interval) = keys.ms("min_interval_ms")? {
        config = config.to_builder().min_interval(interval).build().map_err(refused("min_interval_ms"))?;
    }
    if let Some(attempts) = keys.or_null("max_attempts", Object::u32)? {
        config = config.to_builder().max_attempts(attempts).build_const();
    }
    if let Some(elapsed) = keys.or_null("max_elapsed_ms", Object::ms)? {
        config = config.to_builder().max_elapsed(elapsed).build_const();
    }
    if let Some(timeout) = keys.ms("connect_timeout_ms")? {
        config =
            config.to_builder().connect_timeout(timeout).build().map_err(refused("connect_timeout_ms"))?;
    }
    if let Some(on) = keys.bool("connect_timeout_grows")? {
        config = config.to_builder().connect_timeout_growing(on).build_const();
    }
    let greeting = keys.bool("greeting")?.unwrap_or(config.greeting());
    let timeout = keys.or_null("greeting_timeout_ms", Object::ms)?.unwrap_or(config.greeting_timeout());
    config = config.to_builder().greeting(timeout).build().map_err(refused("greeting_timeout_ms"))?;
    if !greeting {
        config = config.to_builder().without_greeting().build_const();
    }
    if let Some(timeout) = keys.or_null("ready_timeout_ms", Object::ms)? {
        config = config.to_builder().ready_timeout(timeout).build().map_err(refused("ready_timeout_ms"))?;
    }
    let establish = [("on_open", Establish::OnOpen), ("on_ready", Establish::OnReady)];
    if let Some(establish) = keys.choice("establish", &establish)? {
        config = config.to_builder().establish(establish).build_const();
    }
    if let Some(o) = keys.object("hint", &["max_ms", "spread"])? {
        if let Some(longest) = o.ms("max_ms")? {
            config = config.to_builder().retry_after_max(longest).build_const();
        }
        if let Some(share) = o.ratio("spread")? {
            config = config.to_builder().retry_after_spread(share).build_const();
        }
    }
    let known = ["enabled", "max_failures", "invalid_wait_ms", "endpoint_fallback", "sequence_needed"];
    if let Some(o) = keys.object("resume", &known)? {
        config = config.to_builder().resume(resume(config.resume(), &o)?).build_const();
    }
    let known = ["interval_ms", "liveness", "missed", "first_jitter", "required", "answer_within_ms"];
    if let Some(o) = keys.object("heartbeat", &known)? {
        config = config.to_builder().heartbeat(heartbeat(config.heartbeat(), &o)?).build_const();
    }
    let known = ["failures", "open_ms", "open_max_ms", "factor", "jitter", "probes", "lease_ms"];
    if let Some(o) = keys.or_null("breaker", |keys, key| keys.object(key, &known))? {
        config = config.to_builder().breaker(o.map(|o| breaker(&o)).transpose()?).build_const();
    }
    if let Some(o) =
        keys.object("restore", &["enabled", "batch", "interval_ms", "confirm_timeout_ms", "authenticate"])?
    {
        config = config.to_builder().restore(restore(config.restore(), &o)?).build_const();
    }
    if let Some(o) = keys.object("credential", CREDENTIAL)? {
        config = config.to_builder().credential(credential(config.credential(), &o)?).build_const();
    }
    if let Some(o) = keys.object("network", &["on_down", "on_change", "spread_up_ms", "restart_on_up"])? {
        let (on_down, spread) = config.network();
        let words = [
            ("park", OnNetworkDown::Park),
            ("drop", OnNetworkDown::Drop),
            ("ignore", OnNetworkDown::Ignore),
            ("probe", OnNetworkDown::Probe),
        ];
        let on_down = o.choice("on_down", &words)?.unwrap_or(on_down);
        config = config.to_builder().network(on_down, o.ms("spread_up_ms")?.unwrap_or(spread)).build_const();
        let words = [
            ("probe", OnNetworkChange::Probe),
            ("drop", OnNetworkChange::Drop),
            ("ignore", OnNetworkChange::Ignore),
        ];
        if let Some(on_change) = o.choice("on_change", &words)? {
            config = config.to_builder().on_network_change(on_change).build_const();
        }
        if let Some(restart) = o.bool("restart_on_up")? {
            config = config.to_builder().restart_on_network_up(restart).build_const();
        }
    }
    config = planned(config, keys)?;
    if let Some(o) = keys.object("classify", &["table", "default", "overrides"])? {
        config = config.to_builder().classifier(classify(config.classifier(), &o)?).build_const();
    }
    if let Some(o) = keys.object("please_reconnect", &["spread_ms"])? {
        if let Some(spread) = o.or_null("spread_ms", Object::ms)? {
            config = config.to_builder().requested_spread(spread).build_const();
        }
    }
    if let Some(defer) = keys.choice("visibility", &[("defer", true), ("ignore", false)])? {
        config = config.to_builder().defer_while_hidden(defer).build_const();
    }
    let words = [("nothing", OnVisible::Nothing), ("probe", OnVisible::Probe)];
    if let Some(on_visible) = keys.choice("on_visible", &words)? {
        config = config.to_builder().on_visible(on_visible).build_const();
    }
    if let Some(on_wake) = keys.choice("on_wake", &[("redial", OnWake::Redial), ("probe", OnWake::Probe)])? {
        config = config.to_builder().on_wake(on_wake).build_const();
    }
    if let Some(code) = keys.u16("close_code")? {
        config = config.to_builder().close_code(code).build().map_err(refused("close_code"))?;
    }
    if let Some(o) = keys.object("initial", &["max_attempts", "max_elapsed_ms"])? {
        let (attempts, elapsed) = config.initial_limits();
        let attempts = o.or_null("max_attempts", Object::u32)?.unwrap_or(attempts);
        let elapsed = o.or_null("max_elapsed_ms", Object::ms)?.unwrap_or(elapsed);
        config = config.to_builder().initial_limits(attempts, elapsed).build_const();
    }
    if let Some(from_dial) = keys.choice("wait_from", &[("failure", false), ("dial", true)])? {
        config = config.to_builder().wait_from_dial(from_dial).build_const();
    }
    let known = ["after_ms", "backoff"];
    match keys.or_null("long_outage", |keys, key| keys.object(key, &known))? {
        Some(Some(o)) => {
            let base = config.long_outage();
            let after = o.ms("after_ms")?.or(base.map(|(after, _)| after));
            let base = base.map_or(PLAIN, |(_, ladder)| ladder);
            let slow = o.object("backoff", BACKOFF)?.map(|o| backoff(base, &o)).transpose()?;
            config = config
                .to_builder()
                .long_outage(o.required("after_ms", after)?, slow.unwrap_or(base))
                .build_const();
        }
        Some(None) => config = config.to_builder().without_long_outage().build_const(),
        None => {}
    }
    let mut endpoints = config.endpoints();
    let orders =
        [("primary_first", EndpointOrder::PrimaryFirst), ("least_failed", EndpointOrder::LeastFailed)];
    if let Some(order) = keys.choice("endpoint_order", &orders)? {
        endpoints = endpoints.to_builder().order(order).build_const();
    }
    if let Some((low, high)) = keys.range("endpoint_gap_ms")? {
        endpoints = endpoints.to_builder().gap(low, high).build().map_err(refused("endpoint_gap_ms"))?;
    }
    if let Some(sticky) = keys.ms("endpoint_sticky_ms")? {
        endpoints = endpoints.to_builder().sticky(sticky).build_const();
    }
    if let Some(half_life) = keys.ms("endpoint_half_life_ms")? {
        endpoints =
            endpoints.to_builder().half_life(half_life).build().map_err(refused("endpoint_half_life_ms"))?;
    }
    config = config.to_builder().endpoints(endpoints).build_const();
    Ok(config)
}

/// What ends a connection by plan, and where the next one goes.
fn planned(mut config: Config, keys: &Object<'_>) -> Result<Config, String> {
    let (age, spread) = config.max_age();
    let age = keys.or_null("max_age_ms", Object::ms)?.unwrap_or(age);
    let spread = keys.ms("max_age_spread_ms")?.unwrap_or(spread);
    config = config.to_builder().max_age(age, spread).build().map_err(|error| match error {
        ConfigError::RangeReversed => keys.wrong("max_age_spread_ms", "at most \"max_age_ms\""),
        error => format!("\"{}\": {error}", keys.name("max_age_ms")),
    })?;
    if let Some(o) = keys.object("redirect", &["max_hops"])? {
        if let Some(hops) = o.u8("max_hops")? {
            config = config.to_builder().redirects(hops).build_const();
        }
    }
    if keys.get("handover").is_some_and(|handover| !handover.is_null()) {
        return Err(format!(
            "{}: a handover is not there yet, so a planned end closes the connection before it dials",
            keys.wrong("handover", "null")
        ));
    }
    Ok(config)
}

const CREDENTIAL: &[&str] =
    &["refresh_on", "max_rejections", "timeout_ms", "lead_ms", "lead_spread_ms", "in_band"];

fn credential(mut credential: CredentialConfig, o: &Object<'_>) -> Result<CredentialConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let words = [("auth", RefreshOn::Auth), ("dial", RefreshOn::Dial), ("never", RefreshOn::Never)];
    if let Some(on) = o.choice("refresh_on", &words)? {
        credential = credential.to_builder().refresh_on(on).build_const();
    }
    if let Some(rejections) = o.or_null("max_rejections", Object::u8)? {
        credential = credential.to_builder().rejections_max(rejections).build_const();
    }
    if let Some(timeout) = o.ms("timeout_ms")? {
        credential = credential.to_builder().timeout(timeout).build().map_err(refused)?;
    }
    let (lead, spread) = credential.lead();
    credential = credential
        .to_builder()
        .lead(o.ms("lead_ms")?.unwrap_or(lead), o.ms("lead_spread_ms")?.unwrap_or(spread))
        .build_const();
    if let Some(on) = o.bool("in_band")? {
        credential = credential.to_builder().in_band(on).build_const();
    }
    Ok(credential)
}

fn resume(mut resume: ResumeConfig, o: &Object<'_>) -> Result<ResumeConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    if let Some(on) = o.bool("enabled")? {
        resume = resume.to_builder().enabled(on).build_const();
    }
    if let Some(failures) = o.u8("max_failures")? {
        resume = resume.to_builder().failures_max(failures).build().map_err(refused)?;
    }
    if let Some((low, high)) = o.range("invalid_wait_ms")? {
        resume = resume.to_builder().invalid_wait(low, high).build().map_err(refused)?;
    }
    if let Some(fallback) = o.object("endpoint_fallback", &["failures", "for_ms"])? {
        let (failures, after) = resume.endpoint_fallback();
        let failures = fallback.u8("failures")?.unwrap_or(failures);
        resume = resume
            .to_builder()
            .endpoint_fallback(failures, fallback.ms("for_ms")?.unwrap_or(after))
            .build_const();
    }
    let needed = match o.get("sequence_needed") {
        // A session that has a sequence is resumed with it in any case.
        Some(Value::String(word)) if word == "auto" => Some(false),
        Some(Value::Bool(needed)) => Some(*needed),
        Some(_) => return Err(o.wrong("sequence_needed", "\"auto\", true or false")),
        None => None,
    };
    if let Some(needed) = needed {
        resume = resume.to_builder().sequence_needed(needed).build_const();
    }
    Ok(resume)
}

fn heartbeat(mut heartbeat: HeartbeatConfig, o: &Object<'_>) -> Result<HeartbeatConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    match o.or_null("interval_ms", Object::ms)? {
        Some(Some(interval)) => {
            heartbeat = heartbeat.to_builder().interval(interval).build().map_err(refused)?
        }
        Some(None) => heartbeat = heartbeat.to_builder().without_interval().build_const(),
        None => {}
    }
    let words = [("ack", Liveness::Ack), ("any_traffic", Liveness::AnyTraffic)];
    if let Some(liveness) = o.choice("liveness", &words)? {
        heartbeat = heartbeat.to_builder().liveness(liveness).build_const();
    }
    if let Some(missed) = o.u8("missed")? {
        heartbeat = heartbeat.to_builder().missed(missed).build().map_err(refused)?;
    }
    if let Some(on) = o.bool("first_jitter")? {
        heartbeat = heartbeat.to_builder().first_jitter(on).build_const();
    }
    if let Some(on) = o.bool("required")? {
        heartbeat = heartbeat.to_builder().required(on).build_const();
    }
    if let Some(within) = o.or_null("answer_within_ms", Object::ms)? {
        heartbeat = heartbeat.to_builder().answer_within(within).build().map_err(refused)?;
    }
    Ok(heartbeat)
}

/// A whole breaker, not a change of the preset's. Above `open_ms`, `open_max_ms` lets the open time grow with every
/// failed probe.
fn breaker(o: &Object<'_>) -> Result<breaker::Config, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let minute = Duration::from_secs(60);
    let open = o.ms("open_ms")?.unwrap_or(minute);
    let max = o.ms("open_max_ms")?.unwrap_or(minute.max(open));
    let factor = o.ratio("factor")?.unwrap_or(if max > open { Ratio::TWO } else { Ratio::ONE });
    let mut breaker = breaker::Config::new(o.u32("failures")?.unwrap_or(5), open)
        .growth(factor, max)
        .build()
        .map_err(refused)?;
    if let Some(share) = o.ratio("jitter")? {
        breaker = breaker.to_builder().jitter(share).build().map_err(refused)?;
    }
    if let Some(probes) = o.u8("probes")? {
        breaker = breaker.to_builder().probes(probes).build().map_err(refused)?;
    }
    match o.ms("lease_ms")? {
        Some(lease) => breaker.to_builder().lease(lease).build().map_err(refused),
        None => Ok(breaker),
    }
}

/// The alerts that stand beside a policy.
fn health(o: &Object<'_>) -> Result<HealthConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let mut health = HealthConfig::DEFAULT;
    if let Some(window) = o.ms("window_ms")? {
        health = health.to_builder().window(window).build().map_err(refused)?;
    }
    let tenth = Ratio::new(1, 10).map_err(refused)?;
    let rate = o.ratio("failure_rate")?.unwrap_or(tenth);
    health = health
        .to_builder()
        .failure_rate(rate, o.u32("min_attempts")?.unwrap_or(1))
        .build()
        .map_err(refused)?;
    if let Some(above) = o.ms("average_recovery_ms")? {
        health = health.to_builder().average_recovery(above).build_const();
    }
    Ok(health)
}

fn restore(mut restore: RestoreConfig, o: &Object<'_>) -> Result<RestoreConfig, String> {
    if let Some(on) = o.bool("enabled")? {
        restore = restore.to_builder().enabled(on).build_const();
    }
    let (batch, interval) = restore.batches();
    let batch = o.u16("batch")?.unwrap_or(batch);
    let interval = o.ms("interval_ms")?.unwrap_or(interval);
    restore = restore
        .to_builder()
        .batches(batch, interval)
        .build()
        .map_err(|error: ConfigError| format!("\"{}\": {error}", o.path()))?;
    if let Some(timeout) = o.or_null("confirm_timeout_ms", Object::ms)? {
        restore = restore
            .to_builder()
            .confirm_timeout(timeout)
            .build()
            .map_err(|error| format!("\"{}\": {error}", o.name("confirm_timeout_ms")))?;
    }
    if let Some(on) = o.bool("authenticate")? {
        restore = restore.to_builder().authentication(on).build_const();
    }
    Ok(restore)
}

fn names(value: &Value) -> Option<Vec<String>> {
    let list: Option<Vec<_>> =
        value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    list.filter(|list| !list.is_empty())
}
