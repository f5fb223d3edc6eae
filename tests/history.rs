//! One history: a million decisions of all presets, handovers, random configs and parts are those whose hashes
//! `ci/history/hashes.tsv` has; `ci/history.sh` compares the same on five machines, prints the decisions behind a hash, and accepts new ones.
#![expect(unreachable_pub, reason = "a program of `ci/history` has them public")]

#[path = "../ci/history/src/chapters.rs"]
mod chapters;
#[path = "../ci/history/src/log.rs"]
#[expect(dead_code, reason = "the program shows decisions as well")]
mod log;
#[path = "../ci/history/src/parts.rs"]
mod parts;
#[path = "../ci/history/src/policies.rs"]
mod policies;

use std::ops::RangeBounds;

use chapters::{chapters, name, play};
use log::Log;
use redial::presets;

const HASHES: &str = include_str!("../ci/history/hashes.tsv");

/// Plays these of the chapters, numbered from 0.
fn told(which: impl RangeBounds<usize>) {
    let mut played = 0;
    for chapter in (0..chapters()).filter(|chapter| which.contains(chapter)) {
        let name = name(chapter).expect("it is below their number");
        let mut log = Log::new();
        play(chapter, &mut log);
        let row = format!("{name}\t{}\t{:016x}", log.decisions(), log.hash());
        assert!(
            HASHES.lines().any(|line| line == row),
            "{name} decides otherwise: ci/history.sh shows where, and with --accept takes it over; now {row}"
        );
        played += 1;
    }
    assert!(played > 0);
}

const PRESETS: usize = presets::ALL.len();

/// The presets, and what comes after them, a test for a few chapters of each.
macro_rules! history {
    ($($test:ident: $which:expr;)+) => {$(
        #[test]
        fn $test() {
            told($which);
        }
    )+};
}

history! {
    recommended: ..1;
    presets_from_1: 1..4;
    presets_from_4: 4..8;
    presets_from_8: 8..12;
    presets_from_12: 12..16;
    presets_from_16: 16..20;
    presets_from_20: 20..24;
    presets_from_24: 24..28;
    presets_from_28: 28..32;
    presets_from_32: 32..36;
    presets_from_36: 36..40;
    presets_from_40: 40..PRESETS;
    handover_recommended: PRESETS..PRESETS + 1;
    handovers: PRESETS + 1..PRESETS + 5;
    configs: PRESETS + 5..PRESETS + 6;
    breakers: PRESETS + 6..PRESETS + 9;
    budgets: PRESETS + 9..PRESETS + 12;
    backoffs: PRESETS + 12..PRESETS + 13;
    the_other_parts: PRESETS + 13..;
}
