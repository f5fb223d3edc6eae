//! What the numbers are to be, and what is said where they are not.

use std::fmt;

use redial_benches::{Kind, Operation};

use crate::document::{NOT_MEASURED, Report, head, hundredths, row};

/// The bounds of what other commands measure: group, name, what it is, the bound.
const GOALS: [(&str, &str, &str, Bound); 12] = [
    ("thumbv7m", "backoff", "code of a backoff alone, thumbv7m", Bound::AtMost(1_024.0)),
    ("thumbv7m", "breaker", "code of a breaker alone, thumbv7m", Bound::AtMost(1_024.0)),
    ("thumbv7m", "policy", "code of a policy on a known config, thumbv7m", Bound::AtMost(10_752.0)),
    ("thumbv7m", "policy_no_beat", "the same without heartbeat and breaker", Bound::AtMost(9_216.0)),
    ("thumbv7m", "policy_discord", "the same on the preset of Discord's gateway", Bound::AtMost(11_776.0)),
    ("thumbv7m", "policy_any", "code of a policy on any config, thumbv7m", Bound::AtMost(19_456.0)),
    ("wasm-gzip", "policy", "WebAssembly of a policy on a known config, gzip", Bound::AtMost(6_144.0)),
    ("wasm-gzip", "core", "WebAssembly of the whole core, gzip", Bound::AtMost(20_480.0)),
    ("compile", "redial", "building the crate from clean", Bound::AtMost(3.0)),
    (
        "compile",
        "redial, debug, without default features",
        "the same as a debug build, without default features",
        Bound::AtMost(1.2),
    ),
    ("fleet", "events-per-second", "a million policies through an outage, one core", Bound::AtLeast(7.5e6)),
    ("misses", "last-level-misses", "cache misses of a quiet fact in a fleet", Bound::AtMost(2.0)),
];
/// Goals that this design does not reach: what is honest in their place, and why. No measurement stands here.
const HONEST: [(&str, &str, &str); 10] = [
    (
        "next delay at the cap",
        "100 instructions, with the dearest jitter; 60 with full jitter",
        "A share of a jitter is a multiplication and a division that no compiler knows, and what is not full jitter is kept \
         out of line, so that full jitter stays small. The best peer takes more than each of them.",
    ),
    (
        "five failures, refusal, probe, close",
        "240 instructions, with every transition read",
        "Five failures take about 15 each. The rest is opening, one refusal, admitting a probe with a lease and closing, \
         each change with a new generation, by which late results are told apart, and a transition. What takes less \
         (reliakit-circuit, bare) has neither generations nor leases.",
    ),
    (
        "a sequence number",
        "50 instructions, and traffic and an acknowledged beat up to 55",
        "About 15 of them are making the event, handing it over and taking an empty result back (\"handed over and back\" \
         less \"nothing\"), which a program pays too, so that they are not taken off.",
    ),
    (
        "a whole outage",
        "1,830 instructions, 1,590 on a known config",
        "Dispatching each event to its stages, the loss, the gates with the dial, the limits of each step and the backoff: \
         none of them is over a quarter. Making the events and taking the results is in it (\"the calls of an outage\"). \
         The bare struct does the same calls, deadlines and counters without a classifier, breaker, budget or explanation.",
    ),
    (
        "code of a policy on a known config, thumbv7m",
        "22 KiB, 18 KiB without heartbeat and breaker, 15 KiB without sessions too",
        "The config's choices are gone from it, and the backoff is a sixth of what it is for any config. What is left are the \
         rules: forty-two kinds of events in ten stages, with gates, limits and a clock that may jump, in instants of 64 bits that \
         take two registers and a carry each on this machine.",
    ),
    (
        "code of a policy on any config, thumbv7m",
        "33 KiB",
        "The linker can't know the config, so every curve, jitter, gate and stage is in it but the two rare jitters.",
    ),
    (
        "WebAssembly of the whole core, gzip",
        "32 KiB, and 11 KiB for a policy on a known config",
        "\"core\" is everything at once: a policy with subscriptions, endpoints, snapshots and every table, three kinds of \
         breakers, budgets, throttles and health.",
    ),
    (
        "the same as a debug build, without default features",
        "3.5 CPU s",
        "Four fifths of it are reading and checking the source (`cargo check` takes as long), so that only less source would \
         take less. It is paid once for each machine: a change of the program that uses the crate does not compile it again.",
    ),
    (
        "a million policies through an outage, one core",
        "3 to 7 million events/s, by the machine's day",
        "An event here is a loss, a refusal or a dial and not a quiet fact, on five cache lines in random order among \
         hundreds of megabytes, so that the table of pages misses too. A fleet that fits the cache is faster: see the growth.",
    ),
    (
        "a sequence number among a million policies, beside bare memory",
        "three times",
        "It touches no more lines than the bare memory does, but between two misses there are ten times the instructions, \
         so that the machine overlaps fewer of them.",
    ),
];
const MILLION: &str = "1000000";
const TIMES_BARE: f64 = 1.3;
/// How many times fewer instructions a delay is to take than the best peer's, also with the dearest jitter.
const TIMES_FEWER: f64 = 1.0;
/// The operation of that goal.
const DELAY: &str = "next delay at the cap";

impl Report {
    /// A row for each goal, and then what is honest where one is not reached.
    pub(crate) fn goals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Goals\n")?;
        head(f, &["what", "goal", "measured", "unit", "reached"], 2)?;
        for (index, operation) in self.operations.iter().enumerate() {
            if let Some(goal) = operation.goal {
                let what = format!("{} ({})", operation.name, operation.who);
                let value = self.count(index).map(|count| count as f64);
                reached(f, &what, Bound::AtMost(goal.into()), value, "instructions")?;
            }
        }
        let of_delay = |operation: &Operation| operation.name == DELAY && operation.kind == Kind::Ours;
        let ours = self.operations.iter().enumerate().filter(|(_, operation)| of_delay(operation));
        let ours = ours.filter_map(|(index, _)| self.count(index)).max();
        let fewer =
            self.best_peer(DELAY).zip(ours).map(|(peer, ours)| hundredths(peer as f64 / ours.max(1) as f64));
        let what = format!("{DELAY}: the best peer's instructions to those of our dearest jitter");
        reached(f, &what, Bound::AtLeast(TIMES_FEWER), fewer, "times")?;
        for bytes in &self.bytes {
            if let Some(goal) = bytes.goal {
                let value = bytes.value as f64 + bytes.heap as f64;
                reached(f, bytes.who, Bound::AtMost(goal as f64), Some(value), "bytes")?;
            }
        }
        let ours = self.operations.iter().zip(&self.allocations);
        let allocations: u64 =
            ours.filter(|(operation, _)| operation.kind == Kind::Ours).map(|(_, n)| n).sum();
        reached(
            f,
            "all operations of ours",
            Bound::AtMost(0.0),
            Some(allocations as f64),
            "heap allocations",
        )?;
        for (group, name, what, bound) in GOALS {
            let mut all = self.sizes.iter().chain(&self.fleet).chain(&self.misses);
            let line = all.find(|line| line.group == group && line.name == name);
            let unit = line.map_or("", |line| line.unit.as_str());
            reached(f, what, bound, line.and_then(|line| line.value.parse().ok()), unit)?;
        }
        for fact in ["a sequence number", "other traffic"] {
            let what = format!("{fact} among a million policies, beside bare memory");
            let value = self.beside_bare(fact, MILLION).map(|times| (times * 100.0).ceil() / 100.0);
            reached(f, &what, Bound::AtMost(TIMES_BARE), value, "times")?;
        }
        writeln!(f, "\n### What is honest where a goal is not reached\n")?;
        head(f, &["what", "honest", "why"], 3)?;
        for (what, honest, why) in HONEST {
            row(f, &[what, honest, why])?;
        }
        writeln!(f)
    }
}

fn reached(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    bound: Bound,
    value: Option<f64>,
    unit: &str,
) -> fmt::Result {
    let verdict = value.map_or("", |value| if bound.holds(value) { "yes" } else { "**no**" });
    let value = value.map_or(NOT_MEASURED.to_owned(), |value| value.to_string());
    row(f, &[what, &bound.to_string(), &value, unit, verdict])
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
        }
    }
}
