//! What is asked of a WebSocket client beyond coming back.

use crate::timeline::{Seen, What, seconds};
use crate::verdict::Verdict;

/// No dial for so long; the end of the process is the user's to see.
pub(super) fn quiet(for_ms: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let fault = seen.fault()?;
        if let Some(dial) = seen.dials_after_fault().first().filter(|at| **at < fault + for_ms) {
            return Some(Verdict::fail(format!("dialled again {} after it", seconds(dial - fault))));
        }
        (seen.over || seen.now > fault + for_ms)
            .then(|| Verdict::pass(format!("no dial within {}", seconds(for_ms))))
    }
}

pub(super) fn subscribed(seen: &Seen<'_>) -> Option<Verdict> {
    let newest = seen.entries.iter().rev().find(|entry| entry.what == What::Open)?.conn;
    let count = |wanted: &str| {
        seen.on(newest).filter(|entry| matches!(&entry.what, What::Text { text } if text == wanted)).count()
    };
    let (a, b) = (count("SUB a"), count("SUB b"));
    Some(if (a, b) == (1, 1) {
        Verdict::pass("both subscriptions were sent again, once")
    } else {
        Verdict::fail(format!("\"SUB a\" was sent {a} times and \"SUB b\" {b} times on the new connection"))
    })
}

pub(super) fn ponged(seen: &Seen<'_>) -> Option<Verdict> {
    let fault = seen.fault()?;
    let pong = |what: &What| matches!(what, What::Pong { text } if text == "are you there?");
    match seen.times(pong).next() {
        Some(at) => Some(Verdict::pass(format!("the pong came after {}", seconds(at - fault)))),
        None => seen.over.then(|| Verdict::fail(format!("no pong in {}", seconds(seen.now - fault)))),
    }
}

pub(super) fn echoed(seen: &Seen<'_>) -> Option<Verdict> {
    let fault = seen.fault()?;
    match seen.after_fault(|entry| matches!(entry.what, What::Close { .. })) {
        Some(close) => {
            Some(Verdict::pass(format!("the close frame came after {}", seconds(close.at - fault))))
        }
        None => seen.over.then(|| Verdict::fail(format!("no close frame in {}", seconds(seen.now - fault)))),
    }
}

pub(super) fn one_at_a_time(seen: &Seen<'_>) -> Option<Verdict> {
    let dials = seen.entries.iter().filter(|entry| matches!(entry.what, What::Dial { .. }));
    let beside = dials.flat_map(|dial| {
        let older = seen
            .entries
            .iter()
            .filter(|entry| matches!(entry.what, What::Dial { .. }) && entry.conn < dial.conn);
        older.map(|older| seen.end_of(older.conn).unwrap_or(seen.now).saturating_sub(dial.at))
    });
    let longest = beside.max().unwrap_or(0);
    let opened = seen.entries.iter().any(|entry| entry.what == What::Open);
    if longest > 500 {
        return Some(Verdict::fail(format!("had two connections under way for {}", seconds(longest))));
    }
    seen.over.then(|| {
        let count = seen.dials_from(0).len();
        Verdict::pass(format!(
            "{count} dials, one at a time; {}",
            if opened { "connected" } else { "not connected" }
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::tests::{LOST, fails, passes};

    #[test]
    fn who_was_told_to_stay_away_stays_away() {
        passes(quiet(10_000), LOST, 12_000);
        fails(quiet(10_000), &format!("{LOST} 5000 2 dial"), 12_000);
        passes(quiet(10_000), &format!("{LOST} 11000 2 dial"), 12_000);
    }

    #[test]
    fn subscriptions_come_again_once() {
        let with = |sent: &str| format!("{LOST} 1700 2 dial; 1702 2 open; {sent}");
        passes(subscribed, &with("1703 2 text SUB a; 1703 2 text SUB b"), 5_000);
        fails(subscribed, &with("1703 2 text SUB a"), 5_000);
        fails(subscribed, &with("1703 2 text SUB a; 1703 2 text SUB b; 1704 2 text SUB a"), 5_000);
    }

    #[test]
    fn pings_and_closes_are_answered() {
        passes(ponged, "0 1 dial; 700 1 fault; 701 1 pong are you there?", 5_000);
        fails(ponged, "0 1 dial; 700 1 fault; 701 1 pong what?", 5_000);
        passes(echoed, "0 1 dial; 700 1 fault; 701 1 close 1001", 5_000);
        fails(echoed, "0 1 dial; 700 1 fault; 701 1 gone", 5_000);
    }

    #[test]
    fn dials_don_t_overlap() {
        passes(one_at_a_time, "0 1 dial; 0 1 fault; 3000 1 open", 9_000);
        passes(one_at_a_time, "0 1 dial; 0 1 fault; 2000 1 gone; 2500 2 dial", 9_000);
        fails(one_at_a_time, "0 1 dial; 0 1 fault; 2000 2 dial; 3000 1 open", 9_000);
    }
}
