//! Configs as they are written: every key, but for those that are null.

use core::fmt::{self, Display};
use core::time::Duration;

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::backoff::{AfterTable, BackoffConfig, Curve, Jitter};
use crate::breaker;
use crate::classify::{Cause, Classifier, Match, Rule, Scope, tables};
use crate::endpoints::EndpointsConfig;
use crate::handover;
use crate::heartbeat::HeartbeatConfig;
use crate::mode::Mode;
use crate::policy::{Config, CredentialConfig, RestoreConfig, ResumeConfig};
use crate::time::Micros;

/// A span in milliseconds: an integer, or a text with decimals where that is not exact.
struct Millis(Duration);

impl Millis {
    const fn of(micros: Micros) -> Self {
        Self(micros.to_duration())
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exact = self.0.subsec_nanos().checked_rem(1_000_000) == Some(0);
        // Some formats have no larger integers.
        match i64::try_from(self.0.as_millis()) {
            Ok(millis) if exact => serializer.serialize_i64(millis),
            _ => serializer.collect_str(self),
        }
    }
}

impl Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.0.subsec_nanos().checked_rem(1_000_000).unwrap_or_default();
        write!(f, "{}.{rest:06}", self.0.as_millis())
    }
}

/// What is written as a text.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An object of these keys. With an arrow, a key is left out where its value is `None`.
macro_rules! object {
    ($serializer:expr, { $($key:literal $(: $value:expr)? $(=> $optional:expr)?,)* }) => {{
        let mut map = $serializer.serialize_map(None)?;
        $(
            $(map.serialize_entry($key, &$value)?;)?
            $(
                if let Some(value) = $optional {
                    map.serialize_entry($key, &value)?;
                }
            )?
        )*
        map.end()
    }};
}

/// A part of a config that is an object of its own.
macro_rules! parts {
    ($($part:ident($config:ty) |$it:ident| { $($fields:tt)* })*) => {$(
        struct $part<'a>(&'a $config);

        impl Serialize for $part<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $it = self.0;
                object!(serializer, { $($fields)* })
            }
        }
    )*};
}

/// A whole config.
macro_rules! configs {
    ($($config:ty: |$it:ident| { $($fields:tt)* })*) => {$(
        impl Serialize for $config {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $it = self;
                object!(serializer, { $($fields)* })
            }
        }
    )*};
}

fn millis(span: Option<Micros>) -> Option<Millis> {
    span.map(Millis::of)
}

parts! {
    RetryAfter(Config) |it| { "max_ms": Millis::of(it.retry_after_max), "spread": Text(it.retry_after_spread), }
    Requested(Config) |it| { "spread_ms" => millis(it.requested_spread), }
    Redirect(Config) |it| { "max_hops": it.max_hops, }
    Initial(Config) |it| { "max_attempts" => it.initial_attempts, "max_elapsed_ms" => millis(it.initial_elapsed), }
    Network(Config) |it| {
        "on_down": it.on_network_down.as_str(),
        "on_change": it.on_network_change.as_str(),
        "spread_up_ms": Millis::of(it.network_spread),
        "restart_on_up": it.restart_on_network_up,
    }
    LongOutage((Micros, BackoffConfig)) |it| { "after_ms": Millis::of(it.0), "backoff": it.1, }
    Fallback(ResumeConfig) |it| {
        "failures": it.fallback_failures,
        "for_ms": Millis::of(it.fallback_after),
    }
}

configs! {
    Config: |it| {
        "backoff": it.backoff,
        "reset_after_stable_ms" => Some(it.reset_after_stable).filter(|_| !it.stable_by_cap).map(Millis::of),
        "min_interval_ms": Millis::of(it.min_interval),
        "max_attempts" => it.max_attempts,
        "max_elapsed_ms" => millis(it.max_elapsed),
        "connect_timeout_ms": Millis::of(it.connect_timeout),
        "connect_timeout_grows": it.connect_timeout_grows,
        "greeting_timeout_ms" => millis(it.greeting_timeout),
        "ready_timeout_ms" => millis(it.ready_timeout),
        "greeting": it.greeting,
        "establish": it.establish.as_str(),
        "visibility": if it.defer_while_hidden { "defer" } else { "ignore" },
        "on_visible": it.on_visible.as_str(),
        "on_wake": it.on_wake.as_str(),
        "max_age_ms" => millis(it.max_age),
        "max_age_spread_ms": Millis::of(it.max_age_spread),
        "close_code": it.close_code,
        "wait_from": if it.wait_from_dial { "dial" } else { "failure" },
        "endpoint_order": it.endpoints.order().as_str(),
        "endpoint_gap_ms": range(it.endpoints.gap()),
        "endpoint_sticky_ms": Millis(it.endpoints.sticky()),
        "endpoint_half_life_ms": Millis(it.endpoints.half_life()),
        "hint": RetryAfter(it),
        "resume": it.resume,
        "heartbeat": it.heartbeat,
        "breaker" => it.breaker,
        "restore": it.restore,
        "credential": it.credential,
        "network": Network(it),
        "redirect": Redirect(it),
        "please_reconnect": Requested(it),
        "initial": Initial(it),
        "long_outage" => it.long_outage.as_ref().map(LongOutage),
        "classify": it.classifier,
    }
    ResumeConfig: |it| {
        "enabled": it.enabled,
        "max_failures": it.failures_max,
        "invalid_wait_ms": [Millis::of(it.invalid_wait.0), Millis::of(it.invalid_wait.1)],
        "endpoint_fallback": Fallback(it),
        "sequence_needed": Needed(it.needs_sequence),
    }
    HeartbeatConfig: |it| {
        "interval_ms" => millis(it.interval),
        "liveness": it.liveness.as_str(),
        "missed": it.missed,
        "first_jitter": it.first_jitter,
        "required": it.required,
        "answer_within_ms" => millis(it.answer_within),
    }
    breaker::Config: |it| {
        "failures": it.failures(),
        "open_ms": Millis(it.open_for()),
        "open_max_ms": Millis(it.growth().1),
        "factor": Text(it.growth().0),
        "jitter": Text(it.jitter()),
        "probes": it.probes(),
        "lease_ms": Millis(it.lease()),
    }
    handover::Config: |it| {
        "timeout_ms": Millis(it.timeout()),
        "drain_ms": Millis(it.drain()),
    }
    RestoreConfig: |it| {
        "enabled": it.enabled,
        "batch": it.batch,
        "interval_ms": Millis::of(it.interval),
        "confirm_timeout_ms" => millis(it.confirm_timeout),
        "authenticate": it.authenticate,
    }
    CredentialConfig: |it| {
        "refresh_on": it.refresh_on.as_str(),
        "max_rejections" => it.rejections_max,
        "timeout_ms": Millis::of(it.timeout),
        "lead_ms": Millis::of(it.lead),
        "lead_spread_ms": Millis::of(it.lead_spread),
        "in_band": it.in_band,
    }
    EndpointsConfig: |it| {
        "order": it.order().as_str(),
        "gap_ms": range(it.gap()),
        "sticky_ms": Millis(it.sticky()),
        "half_life_ms": Millis(it.half_life()),
    }
    BackoffConfig: |it| {
        "curve": it.curve().as_str(),
        "initial_ms" => Some(Millis(it.initial_delay())).filter(|_| !is_table(it)),
        "factor" => match it.curve() {
            Curve::Exponential(factor) | Curve::Elapsed(factor) => Some(Text(factor)),
            _ => None,
        },
        "step_ms" => match it.curve() {
            Curve::Quadratic(step) => Some(Millis(step)),
            _ => None,
        },
        "scale_ms" => match it.curve() {
            Curve::Windows(scale) => Some(Millis(scale)),
            _ => None,
        },
        "phase_bits" => Some(it.phase_bits()).filter(|bits| it.has_windows() && *bits < u32::BITS as u8),
        "max_ms" => Some(Millis(it.max_delay(Mode::Resume))).filter(|_| !is_table(it) && !is_uncapped(it)),
        "table_ms" => match it.curve() {
            Curve::Table(delays, _) => Some(Delays(delays)),
            _ => None,
        },
        "after_table" => match it.curve() {
            Curve::Table(_, AfterTable::RepeatLast) => Some("repeat_last"),
            Curve::Table(_, AfterTable::GiveUp) => Some("give_up"),
            _ => None,
        },
        "floor_ms": Millis(it.floor()),
        "first_ms" => it.first_delay().map(Millis),
        "exact_first": it.exact_first(),
        "max_fresh_ms" => Some(it.max_delay(Mode::Fresh))
            .filter(|fresh| *fresh != it.max_delay(Mode::Resume))
            .map(Millis),
        "jitter": Spread(it.jitter()),
    }
}

const fn range((low, high): (Duration, Duration)) -> [Millis; 2] {
    [Millis(low), Millis(high)]
}

const fn is_table(it: &BackoffConfig) -> bool {
    matches!(it.curve(), Curve::Table(..))
}

/// Windows without a cap.
fn is_uncapped(it: &BackoffConfig) -> bool {
    it.has_windows() && it.cap(Mode::Resume) == Micros::MAX
}

struct Delays(&'static [Duration]);

impl Serialize for Delays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|delay| Millis(*delay)))
    }
}

/// `true`, or what a session without a sequence is resumed by.
struct Needed(bool);

impl Serialize for Needed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 { serializer.serialize_bool(true) } else { serializer.serialize_str("auto") }
    }
}

struct Spread(Jitter);

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Jitter::PlusMinus(share) => object!(serializer, { "plus_minus": Text(share), }),
            Jitter::Plus(share) => object!(serializer, { "plus": Text(share), }),
            Jitter::Minus(share) => object!(serializer, { "minus": Text(share), }),
            Jitter::Window(low, high) => object!(serializer, { "window": [Text(low), Text(high)], }),
            Jitter::PlusFixed(low, high) => object!(serializer, { "plus_fixed_ms": range((low, high)), }),
            word => serializer.serialize_str(word.as_str()),
        }
    }
}

impl Serialize for Classifier {
    /// # Errors
    /// The table is not one of this crate's: it has no name that could be read.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = self.table();
        if tables::by_name(table.name()) != Some(table) {
            return Err(S::Error::custom(format_args!(
                "the classification table \"{}\" is the program's own, and data can only name one of this crate's",
                table.name()
            )));
        }
        let overrides = Some(Overrides(self)).filter(|_| self.rules().next().is_some());
        object!(serializer, {
            "table": table.name(),
            "default": self.default_class().as_str(),
            "overrides" => overrides,
        })
    }
}

struct Overrides<'a>(&'a Classifier);

impl Serialize for Overrides<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        self.0.rules().try_for_each(|rule| list.serialize_element(rule))?;
        list.end()
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.matches {
            Match::CloseRange(low, high) => map.serialize_entry("ws", &[low, high])?,
            Match::HttpRange(low, high) => map.serialize_entry("http", &[low, high])?,
            Match::AnyIo => map.serialize_entry("io", "any")?,
            Match::AnyTls => map.serialize_entry("tls", "any")?,
            Match::Is(Cause::CloseFrame(code)) => map.serialize_entry("ws", &code)?,
            Match::Is(Cause::NoCloseFrame) => map.serialize_entry("ws", "none")?,
            Match::Is(Cause::Http(status)) => map.serialize_entry("http", &status)?,
            Match::Is(Cause::Io(kind)) => map.serialize_entry("io", kind.as_str())?,
            Match::Is(Cause::Tls(kind)) => map.serialize_entry("tls", kind.as_str())?,
            Match::Is(Cause::Timeout) => map.serialize_entry("timeout", &true)?,
            Match::Is(Cause::Class(class)) => map.serialize_entry("judged", class.as_str())?,
            Match::Is(cause) => map.serialize_entry("kind", &Text(cause))?,
        }
        let verdict = &self.verdict;
        map.serialize_entry("class", verdict.class.as_str())?;
        let (wait, steps) = verdict.waits();
        map.serialize_entry("wait_ms", &[wait.0, wait.1])?;
        if !steps.is_empty() {
            map.serialize_entry("steps_ms", steps)?;
        }
        if verdict.limit > 0 {
            map.serialize_entry("limit", &verdict.limit)?;
        }
        if verdict.scope != Scope::Client {
            map.serialize_entry("scope", verdict.scope.as_str())?;
        }
        for (key, on) in
            [("at_cap", verdict.at_cap), ("renew", verdict.renew), ("client_fault", verdict.client_fault)]
        {
            if on {
                map.serialize_entry(key, &true)?;
            }
        }
        map.end()
    }
}
