//! One history of more than a million decisions: what all presets, handovers, random configs, breakers, budgets, heartbeats and
//! backoffs decide in scripts of seeded events. It needs no heap, no float and no operating system, and it is the same on every
//! machine, bit by bit.
//!
//! Each chapter has a hash of every decision with the event that it answers. Where two machines differ, the chapter is known, and
//! both can print its decisions as text.

#![no_std]
#![forbid(unsafe_code)]

mod log;
mod parts;
mod policies;

pub use log::Log;

use redial::presets;

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
