//! The ways in which a server ends a connection by plan, and in which that may go wrong.

use std::time::Duration;

use redial::{BackoffConfig, Config, Jitter, Ratio, handover, presets};

use crate::client::Rules;
use crate::fault::{Expect, Fault};
use crate::plan::{Order, Plan, Welcome};
use crate::server::{self, Moving};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Variant {
    /// The connection is cut at the deadline of the warning
    OnTime,
    /// The same, and two upgrades are answered with 503 before one succeeds
    FailsTwice,
    /// The next connection is greeted after the deadline
    TooSlow,
    /// The connection is dropped, long before the deadline, as soon as the next one is dialled
    DiesFirst,
    /// As on-time, and the replaced connection stays open until it is cut, and gets every event, too
    CutDraining,
    /// As on-time amid requests, and the replaced connection stays open until its requests are answered
    Requests,
    /// The server names another URL to reconnect to, and no deadline. The connection gets nothing from the resume there on
    Moved,
    /// The connection is cut at an age that the client knows, without a warning, and gets nothing from the resume of the
    /// next one on
    Aged,
}

/// What must hold after so many cuts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    /// Successors that are promoted.
    pub(crate) handovers: usize,
    /// Connections that end before their successor is ready.
    pub(crate) failed: usize,
    /// Dials, with the first.
    pub(crate) dials: usize,
    /// The longest time without a connection.
    pub(crate) gap: Duration,
}

impl Variant {
    pub(crate) const ALL: [Self; 8] = [
        Self::OnTime,
        Self::FailsTwice,
        Self::TooSlow,
        Self::DiesFirst,
        Self::CutDraining,
        Self::Requests,
        Self::Moved,
        Self::Aged,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OnTime => "on-time",
            Self::FailsTwice => "fails-twice",
            Self::TooSlow => "too-slow",
            Self::DiesFirst => "dies-first",
            Self::CutDraining => "cut-draining",
            Self::Requests => "requests",
            Self::Moved => "moved",
            Self::Aged => "aged",
        }
    }

    pub(crate) const fn fault(self) -> Fault {
        match self {
            Self::OnTime | Self::CutDraining => Fault::PlannedRotation,
            Self::Requests => Fault::Drained,
            Self::FailsTwice => Fault::Deploy,
            Self::TooSlow => Fault::DeployTooSlow,
            Self::DiesFirst => Fault::WarnedThenDropped,
            Self::Moved => Fault::Moved,
            Self::Aged => Fault::Aged,
        }
    }

    /// The fault at this pace.
    pub(crate) fn plan(self, warning: Duration) -> Plan {
        let late = Welcome::Late(late(warning));
        match self {
            Self::OnTime | Self::CutDraining | Self::Requests => Plan::warned(warning),
            Self::FailsTwice => Plan::warned(warning).welcome(Welcome::http(503), 2),
            Self::TooSlow => Plan::warned(warning).welcome(late, 1),
            Self::DiesFirst => Plan { strikes_on_dial: true, ..Plan::warned(warning).welcome(late, 1) },
            Self::Moved => Plan { lasts: warning, ..Plan::now(Order::Move) },
            Self::Aged => Plan::now(Order::Expire(warning)),
        }
    }

    pub(crate) fn promise(self, times: usize, warning: Duration) -> Promise {
        let dials = if self == Self::FailsTwice { 3 } else { 1 };
        let (handovers, failed, gap) = match self.fault().expect() {
            Expect::Handover => (times, 0, Duration::ZERO),
            // The successor is ready as late as the server greets it and answers its resume, and what the machine takes.
            _ => (0, times, late(warning) + resume_takes(warning) + warning / 2),
        };
        Promise { handovers, failed, dials: 1 + times * dials, gap }
    }

    /// The Discord preset with waits in proportion to the warning.
    pub(crate) fn rules(self, warning: Duration, seed: u64, hands_over: bool) -> Result<Rules, String> {
        let wrong = |error: redial::ConfigError| error.to_string();
        let patience = warning * 2;
        let backoff = BackoffConfig::exponential(warning / 50, Ratio::TWO, warning)
            .jitter(Jitter::Full)
            .floor(warning / 200)
            .build()
            .map_err(wrong)?;
        let mut config = presets::DISCORD_GATEWAY
            .to_builder()
            .connect_timeout(patience)
            .greeting(Some(patience))
            .ready_timeout(Some(patience))
            .backoff(backoff)
            .reset_after_stable(warning / 4)
            .requested_spread(Some(warning / 4));
        if self == Self::Aged {
            config = config.max_age(Some(warning * 3 / 4), warning / 4);
        }
        let config: Config = config.build().map_err(wrong)?;
        let drain = match self {
            Self::CutDraining | Self::Requests => patience,
            _ => Duration::ZERO,
        };
        let handover = handover::Config::new().timeout(patience).drain(drain).build().map_err(wrong)?;
        Ok(Rules { config, handover: hands_over.then_some(handover), seed })
    }
}

/// How often the application makes a request.
pub(crate) fn request_every(warning: Duration) -> Duration {
    warning / 20
}

/// How long a resume takes the server.
fn resume_takes(warning: Duration) -> Duration {
    warning / 40
}

/// How much later than the cut a slow successor is greeted.
fn late(warning: Duration) -> Duration {
    warning / 20
}

impl Variant {
    /// A server at this pace.
    pub(crate) fn server(self, warning: Duration, event_every: Duration) -> server::Config {
        server::Config {
            heartbeat_interval: (warning / 4).max(Duration::from_millis(50)),
            event_every,
            calm: Duration::ZERO,
            calm_events: 1,
            calm_beats: 0,
            answer_after: warning / 10,
            resume_takes: resume_takes(warning),
            moving: match self {
                Self::CutDraining => Moving::Never,
                Self::Moved | Self::Aged => Moving::AtResume,
                _ => Moving::AtResumed,
            },
            patience: warning * 3 + Duration::from_secs(10),
            ..server::Config::default()
        }
    }
}
