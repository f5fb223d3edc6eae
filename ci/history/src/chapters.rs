//! The chapters of the history: one of each preset, and those of everything else.

use redial::presets;

use crate::log::Log;
use crate::{parts, policies};

/// The chapters after those of the presets.
type Chapter = (&'static str, fn(&mut Log<'_>));

const OTHERS: &[Chapter] = &[
    ("handover/recommended", |log| policies::handover(log, &presets::RECOMMENDED, 1)),
    ("handover/websocket", |log| policies::handover(log, &presets::WEBSOCKET, 2)),
    ("handover/discord-gateway", |log| policies::handover(log, &presets::DISCORD_GATEWAY, 3)),
    ("handover/signalr", |log| policies::handover(log, &presets::SIGNALR, 4)),
    ("handover/nats-go", |log| policies::handover(log, &presets::NATS_GO, 5)),
    ("configs", policies::configs),
    ("breaker/consecutive", parts::breaker_consecutive),
    ("breaker/count-window", parts::breaker_by_count),
    ("breaker/time-window", parts::breaker_by_time),
    ("budget/starts", parts::starts),
    ("budget/retries", parts::retries),
    ("budget/throttles", parts::throttles),
    ("backoff", parts::backoffs),
    ("heartbeat", parts::heartbeats),
    ("health", parts::health),
    ("time", parts::ticks),
];

/// How many chapters there are.
#[must_use]
pub fn chapters() -> usize {
    presets::ALL.len().saturating_add(OTHERS.len())
}

/// The name of a chapter: a preset, or what follows them.
#[must_use]
pub fn name(chapter: usize) -> Option<&'static str> {
    match presets::ALL.get(chapter) {
        Some((name, _)) => Some(name),
        None => OTHERS.get(chapter.checked_sub(presets::ALL.len())?).map(|(name, _)| *name),
    }
}

/// Takes all decisions of a chapter.
pub fn play(chapter: usize, log: &mut Log<'_>) {
    if let Some((_, config)) = presets::ALL.get(chapter) {
        policies::preset(log, config, chapter as u64);
    } else if let Some((_, other)) = chapter.checked_sub(presets::ALL.len()).and_then(|at| OTHERS.get(at)) {
        other(log);
    }
}
