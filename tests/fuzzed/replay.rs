//! Every byte string is a log for the `replay` program, the same behind a set-up, and the dump of a flight: decisions, or an error
//! that names its line.

#![allow(unreachable_pub, reason = "several crates include this file")]

use crate::engine::Replay;
use crate::read_back::sealed;
use crate::timeline::Timeline;
use crate::{engine, flight};

pub fn run(bytes: &[u8]) {
    play(bytes.split(|byte| *byte == b'\n'));
    let set_up: &[u8] = br#"{"seed": 7, "preset": "discord-gateway"}"#;
    play([set_up].into_iter().chain(bytes.split(|byte| *byte == b'\n')));
    let set_up = Some(r#"{"preset": "recommended"}"#);
    for dump in [bytes.to_vec(), sealed([&[0xd3, 1], bytes].concat())] {
        if let Ok(log) = flight::log(&dump, set_up) {
            play(log.iter().map(String::as_bytes));
        }
    }
    let _no_object = engine::json::parse(bytes);
}

/// Plays the lines until the first error, and shows them as a timeline, too.
fn play<'a>(lines: impl Iterator<Item = &'a [u8]>) {
    let (mut replay, mut timeline) = (Replay::default(), Timeline::default());
    let mut out = String::new();
    for (number, line) in (1..).zip(lines.take(500)) {
        let good = out.len();
        let played = replay.line(line, &mut out);
        for note in replay.notes() {
            assert!(!note.is_empty() && note.lines().count() == 1, "{note}");
        }
        if let Err(error) = played {
            assert_eq!(out.len(), good, "an error prints nothing");
            assert!(error.starts_with(&format!("line {number}: ")), "{error}");
            return;
        }
        let told = String::from_utf8_lossy(line).into_owned();
        let _shown = timeline.lines(&told, &out[good..]);
    }
    match replay.finish(&mut out) {
        Ok(()) => assert!(out.lines().all(|line| line.starts_with("{\"at"))),
        Err(error) => assert!(error.starts_with("line "), "{error}"),
    }
    let _shown = timeline.finish();
}
