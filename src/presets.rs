//! Ready configs, with the source of every number.
//!
//! A preset is a plain constant: take it as it is, or lay your own `with_*` calls over it.

use core::time::Duration;

use crate::backoff::{BackoffConfig, Jitter};
use crate::classify::{Classifier, tables};
use crate::error::valid;
use crate::heartbeat::HeartbeatConfig;
use crate::policy::{Config, ResumeConfig};
use crate::ratio::Ratio;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What this project recommends where nothing else is known.
///
/// - Full jitter from 1 s, doubling to 30 s, never below 250 ms: near the optimum of 10,000 clients against 500
///   accepts a second (research on reconnect storms), and no lockstep at the cap.
/// - The ladder begins anew only after 30 s of an established connection, so flapping climbs.
/// - Attempts without limit: every default limit in the field has left clients offline for good.
/// - A wait that the server asks for is spread upwards over once its length: obeyed to the second by a fleet it would
///   bring everybody back at once.
/// - Network down parks; its return is spread over 3 s.
/// - Sessions are resumed; three failed resumes in a row start fresh.
pub const RECOMMENDED: Config = Config::new(valid(
    valid(valid(BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30))).with_jitter(Jitter::Full))
        .with_floor(Duration::from_millis(250)),
))
.with_reset_after_stable(secs(30))
.with_hint_spread(Ratio::ONE)
.with_network(crate::policy::OnNetworkDown::Park, secs(3));

/// A Discord gateway: hello, heartbeat, identify or resume, READY or RESUMED.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | ladder | full jitter, 1 s, ×2, 30 s before a resume, 600 s before an identify | vellum-assistant: 86,400 s / (600 s / 2) stays below 1000 identifies a day |
/// | floor | 250 ms | this project: no herd at 0 ms |
/// | stable after | 120 s | vellum-assistant |
/// | reconnect request (op 7) | within 1 s when the session was stable | documentation: "immediately"; discord-api-docs #1369: with some jitter |
/// | connect timeout | 10 s | twilight |
/// | hello timeout | 30 s | vellum-assistant |
/// | heartbeat | from hello, first one jittered, dead at the first miss | documentation, "Heartbeat Interval" |
/// | invalid session | 1 to 5 s before the fresh start | documentation of 2018-2022; carbon, discordeno |
/// | failed resumes | 3, then fresh | carbon #364 |
/// | session endpoint | left after its first failed dial | twilight |
/// | close before a resume | 4000 | twilight, vellum-assistant |
/// | close codes | `discord-gateway` table | discord-api-docs, PR #7172 |
pub const DISCORD_GATEWAY: Config = valid(
    Config::new(valid(
        valid(
            valid(valid(BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30))).with_max_fresh(secs(600)))
                .with_jitter(Jitter::Full),
        )
        .with_floor(Duration::from_millis(250)),
    ))
    .with_greeting(Some(secs(30))),
)
.with_classifier(Classifier::new(&tables::DISCORD_GATEWAY))
.with_reset_after_stable(secs(120))
.with_requested_spread(Some(secs(1)))
.with_heartbeat(HeartbeatConfig::new().with_required(true))
.with_resume(ResumeConfig::new());

/// Every preset with its name, as `replay` and the examples know it.
pub const ALL: &[(&str, &Config)] = &[("recommended", &RECOMMENDED), ("discord-gateway", &DISCORD_GATEWAY)];

/// The preset of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Config> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, config)| *config)
}
