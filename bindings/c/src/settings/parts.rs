//! The parts of a config beside backoff and classification.

use core::time::Duration;

use core_policy::ConfigError;
use core_policy::breaker;
use core_policy::endpoints::EndpointsConfig;
use core_policy::heartbeat::HeartbeatConfig;
use core_policy::policy::{CredentialConfig, RestoreConfig, ResumeConfig};

use crate::choices::{
    endpoint_order_number, liveness_number, redial_endpoint_order, redial_liveness, redial_refresh_on,
    refresh_on_number,
};
use crate::names::word;
use crate::status::{Refused, Why};
use crate::time::{limit, limit_millis, millis};

use super::{REDIAL_NO_LIMIT, choice, redial_ratio, refused};

/// Whether and how sessions are resumed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_resume {
    /// The minimum wait before the fresh start that follows a refused session: from here
    pub invalid_wait_low_ms: u64,
    /// to here, drawn.
    pub invalid_wait_high_ms: u64,
    /// The session's own endpoint is given up when its first failed dial in a row is so long ago
    pub fallback_for_ms: u64,
    /// and so many have failed.
    pub fallback_failures: u8,
    /// After how many failed resumes in a row the session is dropped.
    pub max_failures: u8,
    /// Whether sessions are kept.
    pub enabled: u8,
    /// Whether a resume needs a sequence number.
    pub sequence_needed: u8,
}

impl redial_resume {
    pub(super) fn of(config: &ResumeConfig) -> Self {
        let (low, high) = config.invalid_wait();
        let (failures, after) = config.endpoint_fallback();
        Self {
            invalid_wait_low_ms: millis(low),
            invalid_wait_high_ms: millis(high),
            fallback_for_ms: millis(after),
            fallback_failures: failures,
            max_failures: config.failures_max(),
            enabled: config.enabled().into(),
            sequence_needed: config.sequence_needed().into(),
        }
    }

    pub(super) fn build(&self) -> Result<ResumeConfig, Refused> {
        ResumeConfig::new()
            .enabled(self.enabled != 0)
            .sequence_needed(self.sequence_needed != 0)
            .failures_max(self.max_failures)
            .invalid_wait(
                Duration::from_millis(self.invalid_wait_low_ms),
                Duration::from_millis(self.invalid_wait_high_ms),
            )
            .endpoint_fallback(self.fallback_failures, Duration::from_millis(self.fallback_for_ms))
            .build()
            .map_err(|error| match error {
                ConfigError::RangeReversed => refused(word!("resume.invalid_wait_low_ms"))(error),
                error => refused(word!("resume.max_failures"))(error),
            })
    }
}

/// How a connection is kept alive and how a dead one is found.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_heartbeat {
    /// The time between two heartbeats; `REDIAL_NEVER`: none, unless a greeting says so.
    pub interval_ms: u64,
    /// How long an answer may take; `REDIAL_NEVER`: until the next heartbeat.
    pub answer_within_ms: u64,
    /// What answers a heartbeat.
    pub liveness: liveness_number,
    /// How many missed answers make a dead connection.
    pub missed: u8,
    /// Whether the first heartbeat comes at a random time of its interval.
    pub first_jitter: u8,
    /// Whether a greeting without an interval ends the connection.
    pub required: u8,
}

impl redial_heartbeat {
    pub(super) fn of(config: &HeartbeatConfig) -> Self {
        Self {
            interval_ms: limit_millis(config.interval()),
            answer_within_ms: limit_millis(config.answer_within()),
            liveness: redial_liveness::of(config.liveness()),
            missed: config.missed(),
            first_jitter: config.first_jitter().into(),
            required: config.required().into(),
        }
    }

    pub(super) fn build(&self) -> Result<HeartbeatConfig, Refused> {
        let mut config = HeartbeatConfig::new()
            .liveness(choice(redial_liveness::read(self.liveness), word!("heartbeat.liveness"))?)
            .missed(self.missed)
            .first_jitter(self.first_jitter != 0)
            .required(self.required != 0);
        config.build().map_err(refused(word!("heartbeat.missed")))?;
        config = config.answer_within(limit(self.answer_within_ms));
        config.build().map_err(refused(word!("heartbeat.answer_within_ms")))?;
        if let Some(interval) = limit(self.interval_ms) {
            config = config.interval(interval);
        }
        config.build().map_err(refused(word!("heartbeat.interval_ms")))
    }
}

/// A breaker over the attempts of a policy.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_breaker {
    /// How long it is open at first.
    pub open_ms: u64,
    /// How long at most.
    pub open_max_ms: u64,
    /// How long a probe may take.
    pub lease_ms: u64,
    /// The failures in a row that open it.
    pub failures: u32,
    /// How much longer it is open after each failed probe.
    pub factor: redial_ratio,
    /// The share of the open time that is added at random.
    pub jitter: redial_ratio,
    /// How many probes a half-open breaker admits.
    pub probes: u8,
    /// Whether there is a breaker. Otherwise nothing of this is read.
    pub enabled: u8,
}

/// What a breaker of a program's own begins with: five failures open it for a minute.
const BREAKER: breaker::Config = breaker::Config::new(5, Duration::from_secs(60)).build_const();

impl redial_breaker {
    pub(super) fn of(config: Option<&breaker::Config>) -> Self {
        let enabled = config.is_some().into();
        let config = config.unwrap_or(&BREAKER);
        let (factor, longest) = config.growth();
        Self {
            open_ms: millis(config.open_for()),
            open_max_ms: millis(longest),
            lease_ms: millis(config.lease()),
            failures: config.failures(),
            factor: redial_ratio::of(factor),
            jitter: redial_ratio::of(config.jitter()),
            probes: config.probes(),
            enabled,
        }
    }

    pub(super) fn build(&self) -> Result<Option<breaker::Config>, Refused> {
        if self.enabled == 0 {
            return Ok(None);
        }
        breaker::Config::new(self.failures, Duration::from_millis(self.open_ms))
            .growth(self.factor.read(word!("breaker.factor"))?, Duration::from_millis(self.open_max_ms))
            .jitter(self.jitter.read(word!("breaker.jitter"))?)
            .probes(self.probes)
            .lease(Duration::from_millis(self.lease_ms))
            .build()
            .map(Some)
            .map_err(refused(word!("breaker")))
    }
}

/// How subscriptions are restored on a connection.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_restore {
    /// The pause between two batches.
    pub interval_ms: u64,
    /// How long the server may take to answer a subscription; `REDIAL_NEVER`: it need not.
    pub confirm_timeout_ms: u64,
    /// How many subscriptions are sent at a time.
    pub batch: u16,
    /// Whether subscriptions are restored.
    pub enabled: u8,
    /// Whether a new session is authenticated before.
    pub authenticate: u8,
}

impl redial_restore {
    pub(super) fn of(config: &RestoreConfig) -> Self {
        let (batch, interval) = config.batches();
        Self {
            interval_ms: millis(interval),
            confirm_timeout_ms: limit_millis(config.confirm_timeout()),
            batch,
            enabled: config.enabled().into(),
            authenticate: config.authentication().into(),
        }
    }

    pub(super) fn build(&self) -> Result<RestoreConfig, Refused> {
        RestoreConfig::new()
            .enabled(self.enabled != 0)
            .batches(self.batch, Duration::from_millis(self.interval_ms))
            .confirm_timeout(limit(self.confirm_timeout_ms))
            .authentication(self.authenticate != 0)
            .build()
            .map_err(|error| match error {
                ConfigError::TimeoutZero => refused(word!("restore.confirm_timeout_ms"))(error),
                error => refused(word!("restore.batch"))(error),
            })
    }
}

/// When credentials are requested and how they are renewed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_credential {
    /// How long a request for a credential may take.
    pub timeout_ms: u64,
    /// How long before its end a credential is renewed.
    pub lead_ms: u64,
    /// How much earlier at random.
    pub lead_spread_ms: u64,
    /// When a credential is requested.
    pub refresh_on: refresh_on_number,
    /// After how many rejections in a row of renewed credentials the policy gives up, at most 255, or `REDIAL_NO_LIMIT`.
    pub max_rejections: u32,
    /// Whether a renewed credential is sent on the live connection.
    pub in_band: u8,
}

impl redial_credential {
    pub(super) fn of(config: &CredentialConfig) -> Self {
        let (lead, spread) = config.lead();
        Self {
            timeout_ms: millis(config.timeout()),
            lead_ms: millis(lead),
            lead_spread_ms: millis(spread),
            refresh_on: redial_refresh_on::of(config.refresh_on()),
            max_rejections: config.rejections_max().map_or(REDIAL_NO_LIMIT, u32::from),
            in_band: config.in_band().into(),
        }
    }

    pub(super) fn build(&self) -> Result<CredentialConfig, Refused> {
        let rejections = match self.max_rejections {
            REDIAL_NO_LIMIT => None,
            some => Some(u8::try_from(some).map_err(|_| Refused {
                setting: word!("credential.max_rejections"),
                why: Why::Text(word!("more than 255; use REDIAL_NO_LIMIT for no limit")),
            })?),
        };
        CredentialConfig::new()
            .refresh_on(choice(redial_refresh_on::read(self.refresh_on), word!("credential.refresh_on"))?)
            .rejections_max(rejections)
            .timeout(Duration::from_millis(self.timeout_ms))
            .lead(Duration::from_millis(self.lead_ms), Duration::from_millis(self.lead_spread_ms))
            .in_band(self.in_band != 0)
            .build()
            .map_err(refused(word!("credential.timeout_ms")))
    }
}

/// In which order several endpoints are dialled.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_endpoints {
    /// The wait between two endpoints of one round: from here
    pub gap_low_ms: u64,
    /// to here, drawn.
    pub gap_high_ms: u64,
    /// For how long rounds begin with an endpoint that succeeded.
    pub sticky_ms: u64,
    /// After how long failures count half.
    pub half_life_ms: u64,
    /// The endpoint that a round begins with.
    pub order: endpoint_order_number,
}

impl redial_endpoints {
    pub(super) fn of(config: &EndpointsConfig) -> Self {
        let (low, high) = config.gap();
        Self {
            gap_low_ms: millis(low),
            gap_high_ms: millis(high),
            sticky_ms: millis(config.sticky()),
            half_life_ms: millis(config.half_life()),
            order: redial_endpoint_order::of(config.order()),
        }
    }

    pub(super) fn build(&self) -> Result<EndpointsConfig, Refused> {
        EndpointsConfig::new()
            .order(choice(redial_endpoint_order::read(self.order), word!("endpoints.order"))?)
            .gap(Duration::from_millis(self.gap_low_ms), Duration::from_millis(self.gap_high_ms))
            .sticky(Duration::from_millis(self.sticky_ms))
            .half_life(Duration::from_millis(self.half_life_ms))
            .build()
            .map_err(|error| match error {
                ConfigError::RangeReversed => refused(word!("endpoints.gap_low_ms"))(error),
                error => refused(word!("endpoints.half_life_ms"))(error),
            })
    }
}
