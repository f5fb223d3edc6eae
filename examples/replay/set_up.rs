//! The set-up line of a log: `{"seed": 7, "preset": "discord-gateway", "config": { … }, "start_budget": { … }, …}`, every key
//! optional. The keys of `config` are laid over the preset's values, or over the defaults where no preset is named.

use std::sync::LazyLock;

use redial::backoff::{Curve, WindowPhase};
use redial::handover;
use redial::health::HealthConfig;
use redial::policy::ConfigOver;
use redial::{BackoffConfig, Config, ConfigError, Jitter, Ratio, presets};
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::budgets::{self, Budgets};
use super::handover::{HANDOVER, handover as read_handover};
use super::object::{Object, one_of};

/// How many endpoints a policy here can walk.
pub(crate) const MAX_ENDPOINTS: usize = 16;

/// What the set-up says.
#[derive(Clone)]
pub(crate) struct SetUp {
    pub(crate) seed: Option<u64>,
    pub(crate) generator: GeneratorName,
    pub(crate) timers: Timers,
    /// Where in the windows of each outage the client dials, if that is given.
    pub(crate) phase: Option<WindowPhase>,
    /// The state to begin with.
    pub(crate) checkpoint: Option<Vec<u8>>,
    pub(crate) config: Config,
    /// How a connection is replaced before it ends, if it is.
    pub(crate) handover: Option<handover::Config>,
    /// The base endpoints by name, 1 to [`MAX_ENDPOINTS`], where the config names them.
    endpoints: Option<Vec<String>>,
    /// From when on an alert is raised, if somebody watches.
    pub(crate) health: Option<HealthConfig>,
    /// What is asked before a dial.
    pub(crate) budgets: Budgets,
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

impl SetUp {
    pub(crate) fn parse(value: &Value) -> Result<Self, String> {
        let known = ["seed", "generator", "timers", "phase", "checkpoint", "preset", "config"];
        let known: Vec<_> = known.into_iter().chain(budgets::KEYS).collect();
        let line = Object::new("", value, &known)?;
        let preset = match line.str("preset")? {
            Some(name) => *presets::by_name(name).ok_or_else(|| {
                let known: Vec<_> = presets::ALL.iter().map(|(name, _)| *name).collect();
                format!("unknown preset \"{name}\"; use {}", one_of(&known))
            })?,
            None => default_config()?,
        };
        let (mut config, mut endpoints, mut health, mut handover) = (preset, None, None, None);
        if let Some(value) = line.get("config") {
            let mut keys = match value {
                Value::Object(keys) => keys.clone(),
                _ => Map::new(),
            };
            // What stands beside a policy, and is no part of its config.
            let beside: Map<_, _> = BESIDE.iter().filter_map(|key| keys.remove_entry(*key)).collect();
            let rest = if value.is_object() { Value::Object(keys) } else { value.clone() };
            config = ConfigOver::new(&preset)
                .named("config")
                .deserialize(rest)
                .map_err(|error| error.to_string())?;
            let beside = Value::Object(beside);
            let beside = Object::new("config", &beside, &BESIDE)?;
            endpoints = beside.get("endpoints").map(|_| names(&beside)).transpose()?;
            let watched = beside.or_null("health", |keys, key| keys.object(key, HEALTH))?.flatten();
            health = watched.map(|o| health_config(&o)).transpose()?;
            let handed = beside.or_null("handover", |keys, key| keys.object(key, HANDOVER))?.flatten();
            handover = handed.map(|o| read_handover(handover::Config::DEFAULT, &o)).transpose()?;
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
            phase: phase(&line)?,
            checkpoint: line.str("checkpoint")?.map(digits).transpose()?,
            config,
            handover,
            endpoints,
            health,
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
        let backoff = self.config.backoff();
        let slow = self.config.long_outage().map(|(_, backoff)| backoff);
        let windows = |backoff: BackoffConfig| matches!(backoff.curve(), Curve::Windows(_));
        [Some(backoff), slow].iter().flatten().any(|backoff| backoff.jitter() != Jitter::None)
            || windows(backoff) && self.phase.is_none()
            || slow.is_some_and(windows)
    }
}

fn phase(line: &Object<'_>) -> Result<Option<WindowPhase>, String> {
    let Some(ratio) = line.ratio("phase")? else { return Ok(None) };
    WindowPhase::from_ratio(ratio)
        .map(Some)
        .ok_or_else(|| line.wrong("phase", "a ratio of at least 0 and below 1"))
}

/// The keys of `config` that are none of the policy's.
const BESIDE: [&str; 3] = ["endpoints", "health", "handover"];

const HEALTH: &[&str] = &["window_ms", "failure_rate", "min_attempts", "average_recovery_ms"];

/// What the keys are laid over where no preset is named.
fn default_config() -> Result<Config, String> {
    serde_json::from_str("{}").map_err(|error: serde_json::Error| error.to_string())
}

fn names(keys: &Object<'_>) -> Result<Vec<String>, String> {
    let named = keys.get("endpoints").and_then(Value::as_array);
    let named: Option<Vec<_>> =
        named.and_then(|list| list.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    let named = named.filter(|list| !list.is_empty());
    let named = named.ok_or_else(|| keys.wrong("endpoints", "a list of names, not empty"))?;
    match named.len() {
        ..=MAX_ENDPOINTS => Ok(named),
        many => Err(format!("\"config.endpoints\" has {many} names; at most {MAX_ENDPOINTS}")),
    }
}

/// The alerts that stand beside a policy.
fn health_config(o: &Object<'_>) -> Result<HealthConfig, String> {
    let refused = |error: ConfigError| format!("\"{}\": {error}", o.path());
    let mut health = HealthConfig::new();
    if let Some(window) = o.ms("window_ms")? {
        health = health.window(window);
    }
    let tenth = Ratio::new(1, 10).map_err(refused)?;
    let rate = o.ratio("failure_rate")?.unwrap_or(tenth);
    health = health.failure_rate(rate, o.u32("min_attempts")?.unwrap_or(1));
    if let Some(above) = o.ms("average_recovery_ms")? {
        health = health.average_recovery(above);
    }
    health.build().map_err(refused)
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
