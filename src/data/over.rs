//! The ways in: each config over its defaults, and a config over another one.

use core::fmt;
use std::string::String;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error};

use super::backoff::{BACKOFF, PLAIN, backoff};
use super::classify::{CLASSIFY, classify, rule};
use super::handover::{HANDOVER, handover};
use super::object::Object;
use super::read;
use super::tree::Value;
use crate::backoff::BackoffConfig;
use crate::breaker;
use crate::classify::{Classifier, Rule};
use crate::endpoints::EndpointsConfig;
use crate::handover;
use crate::heartbeat::HeartbeatConfig;
use crate::policy::{Config, CredentialConfig, RestoreConfig, ResumeConfig};

/// Reads a config whose keys are laid over another one, such as a [preset](crate::presets): what is left out stays as it is
/// there.
///
/// The keys are those that `replay --help` lists in its section CONFIG, without `endpoints`, `health` and `handover`, in JSON, TOML or any
/// other format of serde. Durations are integers in milliseconds, and ratios are strings: `"2"`, `"3/2"`, `"0.2"`.
///
/// By itself, `Config: Deserialize` lays the keys over the defaults of the replay program: a backoff of 1 s that doubles to
/// 30 s without jitter, a server's wait that is kept exactly (`"hint": {"spread": "0"}`, where [`Config::new`] has 1), and for everything
/// else what each setting of the builder states.
///
/// ```
/// use redial::policy::ConfigOver;
/// use redial::presets;
/// use serde::de::DeserializeSeed;
///
/// let text = r#"{"backoff": {"max_ms": 60000}, "max_attempts": 3}"#;
/// let config = ConfigOver::new(&presets::RECOMMENDED).deserialize(&mut serde_json::Deserializer::from_str(text))?;
/// assert_eq!(config.max_attempts(), Some(3));
/// assert_eq!(config.heartbeat(), presets::RECOMMENDED.heartbeat());
///
/// let wrong = r#"{"backoff": {"max": 60000}}"#;
/// let error = ConfigOver::new(&config).deserialize(&mut serde_json::Deserializer::from_str(wrong)).unwrap_err();
/// assert_eq!(error.to_string(), "unknown key \"backoff.max\"; did you mean \"max_ms\"?");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// One table of a larger document is kept as a value of its format, and read in a second step. Its [name](Self::named) then
/// stands in messages:
///
/// ```
/// use redial::policy::ConfigOver;
/// use redial::{Jitter, Ratio, presets};
/// use serde::de::DeserializeSeed;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     url: String,
///     reconnect: serde_json::Value, // or a toml::Value, and so on
/// }
///
/// let settings: Settings = serde_json::from_str(
///     r#"{
///         "url": "wss://feed.example",
///         "reconnect": {
///             "max_attempts": 7,
///             "backoff": {"factor": "3/2", "max_ms": 60000, "jitter": {"plus_minus": "0.2"}}
///         }
///     }"#,
/// )?;
/// let over = ConfigOver::new(&presets::RECOMMENDED).named("reconnect");
/// let config = over.deserialize(settings.reconnect)?;
/// assert_eq!(config.max_attempts(), Some(7));
/// assert_eq!(config.backoff().jitter(), Jitter::PlusMinus(Ratio::new(1, 5)?));
///
/// let wrong = serde_json::json!({"backoff": {"jitter": "ful"}});
/// let error = over.deserialize(wrong).unwrap_err().to_string();
/// assert!(error.starts_with(r#""reconnect.backoff.jitter" must be "none", "full","#), "{error}");
/// assert!(error.contains(r#"an object such as {"plus_minus": "0.2"} or {"window": ["0.2", "1"]}, not "ful""#), "{error}");
/// # assert_eq!(settings.url, "wss://feed.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct ConfigOver<'a> {
    base: &'a Config,
    path: &'a str,
}

impl<'a> ConfigOver<'a> {
    /// Over this config.
    #[must_use]
    pub const fn new(base: &'a Config) -> Self {
        Self { base, path: "" }
    }

    /// With the name of the place in a larger document, for messages: `config` gives `config.backoff.jitter`.
    #[must_use]
    pub const fn named(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }
}

impl<'de> DeserializeSeed<'de> for ConfigOver<'_> {
    type Value = Config;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Config, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let keys = object(self.path, &value, read::CONFIG).map_err(D::Error::custom)?;
        read::config(*self.base, &keys).map_err(D::Error::custom)
    }
}

impl fmt::Debug for ConfigOver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigOver").field("path", &self.path).finish_non_exhaustive()
    }
}

fn object<'a>(path: &str, value: &'a Value, known: &[&str]) -> Result<Object<'a>, String> {
    match value {
        Value::Object(_) => Object::new(path, value, known),
        _ => Object::new(if path.is_empty() { "config" } else { path }, value, known),
    }
}

/// Over the config that has all the defaults.
macro_rules! configs {
    ($($config:ty: $known:expr, |$keys:ident| $read:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $config {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                let $keys = &object("", &value, $known).map_err(D::Error::custom)?;
                $read.map_err(D::Error::custom)
            }
        }
    )*};
}

const DEFAULT: Config = Config::new(PLAIN).retry_after_spread(crate::ratio::Ratio::ZERO).build_const();

configs! {
    Config: read::CONFIG, |keys| read::config(DEFAULT, keys);
    BackoffConfig: BACKOFF, |keys| backoff(PLAIN, keys);
    Classifier: CLASSIFY, |keys| classify(DEFAULT.classifier(), keys);
    CredentialConfig: read::CREDENTIAL, |keys| read::credential(Self::DEFAULT, keys);
    EndpointsConfig: &read::ENDPOINTS, |keys| read::endpoints(Self::DEFAULT, keys, read::ENDPOINTS);
    HeartbeatConfig: read::HEARTBEAT, |keys| read::heartbeat(Self::DEFAULT, keys);
    RestoreConfig: read::RESTORE, |keys| read::restore(Self::DEFAULT, keys);
    ResumeConfig: read::RESUME, |keys| read::resume(Self::DEFAULT, keys);
    breaker::Config: read::BREAKER, |keys| read::breaker(keys);
    handover::Config: HANDOVER, |keys| handover(Self::DEFAULT, keys);
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        rule("", &Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
