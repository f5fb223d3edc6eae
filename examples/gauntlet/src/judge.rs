//! The judges that several shapes share.

use crate::timeline::{Entry, Seen, What, seconds};
use crate::verdict::{Outcome, Verdict};

/// What a client must survive.
pub(crate) const LONG_OUTAGE: &str = "plain harm: a restart takes longer than half a minute, and a client that has given up is gone for good; here: back within 100 s of its end";

/// More dials in a second than this is hammering, whatever the fault.
const HAMMERING: usize = 8;

/// How long a connection may be open beside a newer one, for its close.
const CLOSING: u64 = 5_000;

/// What no client may do under any fault. Only for one client at a time.
pub(crate) fn always(seen: &Seen<'_>) -> Option<Verdict> {
    let (most, at) = Seen::densest(&seen.dials_from(0), 1_000);
    if most > HAMMERING {
        let at = seconds(at);
        return Some(Verdict::fail(format!("dialled {most} times within 1 s, {at} after the start")));
    }
    let (beside, newer) = seen.overlap()?;
    (beside > seen.limit(CLOSING)).then(|| {
        let beside = seconds(beside);
        Verdict::fail(format!("had an older connection open for {beside} beside connection {newer}"))
    })
}

fn ended(seen: &Seen<'_>) -> Option<String> {
    let (at, status) = seen.exit()?;
    let how = status.map_or_else(|| "by a signal".to_owned(), |status| format!("with status {status}"));
    let after = seconds(at.saturating_sub(seen.fault().unwrap_or(0)));
    Some(format!("the process ended {how} {after} after the fault began"))
}

/// Connected again within so many milliseconds.
pub(crate) fn back(within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    returns(0, within)
}

/// Of use again within so many milliseconds, on this connection or on another.
pub(crate) fn goes_on(within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    use_again(0, within, true)
}

/// Connected again, and not dialled before so many milliseconds.
pub(crate) fn returns(not_before: u64, within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    use_again(not_before, within, false)
}

fn use_again(not_before: u64, within: u64, same: bool) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let fault = seen.fault()?;
        let dials = seen.dials_after_fault();
        if let Some(early) = dials.first().filter(|at| **at + SLACK < fault + not_before) {
            let (after, floor) = (seconds(early - fault), seconds(not_before));
            return Some(Verdict::fail(format!("dialled again {after} after the fault, before the {floor}")));
        }
        let faulty = seen.faulty();
        if let Some(open) =
            seen.after_fault(|entry| entry.what == What::Open && (same || entry.conn != faulty))
        {
            let count = dials.iter().filter(|at| **at <= open.at).count();
            let after = seconds(open.at - fault);
            if open.conn == faulty {
                return Some(Verdict::pass(format!("went on after {after}, on the same connection")));
            }
            // What follows within a second tells a connection that stays from two that compete.
            return (seen.over || seen.now > open.at + 1_000)
                .then(|| Verdict::pass(format!("connected again {after} after the fault, by dial {count}")));
        }
        if let Some(ended) = ended(seen) {
            return Some(Verdict::fail(format!("{ended}, and nothing connected again")));
        }
        (seen.over || seen.now > fault + seen.limit(within)).then(|| {
            let (after, count) = (seconds(seen.now - fault), dials.len());
            Verdict::fail(format!(
                "not connected again {after} after the fault began, after {count} more dials"
            ))
        })
    }
}

/// Connected again. A client that ends leaves it to its user, who sees it.
pub(crate) fn back_or_leaves(within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| match back(within)(seen)? {
        verdict if verdict.outcome == Outcome::Fail && seen.exit().is_some() => {
            Some(Verdict::not_applicable(format!("a refusal ends the client: {}", verdict.reason)))
        }
        verdict => Some(verdict),
    }
}

/// Connected again, or ended and said so by its status: where the server may never be of use.
pub(crate) fn back_or_ended(within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| match seen.exit().and(ended(seen)) {
        Some(ended) if !seen.entries.iter().any(|entry| entry.what == What::Open) => {
            Some(Verdict::pass(ended))
        }
        _ => back(within)(seen),
    }
}

/// Clocks of two processes, and the way between them.
pub(crate) const SLACK: u64 = 100;

/// Never connected again, within what is watched: the answer would be the same.
pub(crate) fn stops() -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    |seen| {
        seen.fault()?;
        if let Some(dial) = seen.dials_after_fault().first() {
            let after = seconds(dial - seen.fault()?);
            return Some(Verdict::fail(format!("dialled again {after} after an answer that is final")));
        }
        if let Some(ended) = ended(seen) {
            return Some(Verdict::pass(format!("{ended} and no other dial")));
        }
        let watched = seconds(seen.now - seen.fault()?);
        seen.over.then(|| Verdict::pass(format!("no other dial in {watched}")))
    }
}

/// Dialled at most so often within what is watched, or ended.
pub(crate) fn sparing(most: usize) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let fault = seen.fault()?;
        let count = seen.dials_after_fault().len();
        let took = seconds(seen.now - fault);
        if count > most {
            return Some(Verdict::fail(format!("{count} more dials in {took}, where {most} are allowed")));
        }
        if let Some(ended) = ended(seen) {
            return Some(Verdict::pass(format!("{ended} and {count} more dials")));
        }
        seen.over.then(|| Verdict::pass(format!("{count} more dials in {took}, where {most} are allowed")))
    }
}

/// A distance between dials that needs no growth: 4 s, so that a fleet's dials are a quarter of one a second.
const CALM: u64 = 4_000;

/// The waits grow: in the second half of what is watched there are clearly fewer dials than in the first, or few at all.
pub(crate) fn slows() -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    |seen| {
        let fault = seen.fault()?;
        let dials = seen.dials_after_fault();
        // Whether a client may give up is asked elsewhere.
        if let Some(ended) = ended(seen) {
            return Some(Verdict::pass(format!("{ended}, after {} more dials", dials.len())));
        }
        if !seen.over {
            return None;
        }
        let half = (seen.now - fault) / 2;
        let first = dials.iter().filter(|at| **at < fault + half).count();
        let second = dials.len() - first;
        let (half_text, gap) = (seconds(half), half / u64::try_from(second.max(1)).unwrap_or(1));
        let text = format!("{first} dials in the first {half_text} and {second} in the second");
        if dials.is_empty() {
            return Some(Verdict::fail(format!("no dial in {}: it has given up", seconds(seen.now - fault))));
        }
        Some(if gap >= CALM || second * 2 <= first {
            Verdict::pass(text)
        } else {
            Verdict::fail(format!("{text}: one every {}, and the waits do not grow", seconds(gap)))
        })
    }
}

/// The client ends the connection on which the fault is.
pub(crate) fn ends(within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let fault = seen.fault()?;
        let ending = |entry: &Entry| {
            entry.conn == seen.faulty()
                && matches!(entry.what, What::Gone { .. } | What::Close { .. } | What::Disconnect { .. })
        };
        if let Some(end) = seen.after_fault(ending) {
            let how = match end.what {
                What::Close { code: Some(code) } => format!("closed with {code}"),
                What::Close { code: None } => "closed without a code".to_owned(),
                What::Disconnect { reason } => format!("sent DISCONNECT 0x{reason:02X}"),
                _ => "ended the connection".to_owned(),
            };
            return Some(Verdict::pass(format!("{how} {} after it", seconds(end.at - fault))));
        }
        (seen.over || seen.now > fault + seen.limit(within))
            .then(|| Verdict::fail(format!("kept the connection for {} after it", seconds(seen.now - fault))))
    }
}

/// Both, one after the other.
pub(crate) fn both(
    first: impl Fn(&Seen<'_>) -> Option<Verdict>,
    second: impl Fn(&Seen<'_>) -> Option<Verdict>,
) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let first = first(seen)?;
        if first.outcome != Outcome::Pass {
            return Some(first);
        }
        let second = second(seen)?;
        Some(Verdict { reason: format!("{}; {}", first.reason, second.reason), ..second })
    }
}

/// The connection lives on.
pub(crate) fn stays() -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    |seen| {
        let fault = seen.fault()?;
        let conn = seen.faulty();
        if let Some(end) = seen.end_of(conn) {
            let after = seconds(end.saturating_sub(fault));
            return Some(Verdict::fail(format!("ended the connection {after} after it, which was in order")));
        }
        if let Some(dial) = seen.dials_after_fault().first() {
            let after = seconds(dial - fault);
            return Some(Verdict::fail(format!(
                "dialled again after {after}, though the connection was in order"
            )));
        }
        if let Some(ended) = ended(seen) {
            return Some(Verdict::fail(ended));
        }
        seen.over.then(|| Verdict::pass(format!("kept the connection for {}", seconds(seen.now - fault))))
    }
}

/// The process ends when it is asked to.
pub(crate) fn obeys(within: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let asked = seen.times(|what| *what == What::Signal).next()?;
        if let Some((at, _)) = seen.exit() {
            let after = seconds(at.saturating_sub(asked));
            return Some(if at < asked {
                Verdict::fail("ended before it was asked to")
            } else {
                Verdict::pass(format!("ended {after} after SIGTERM"))
            });
        }
        (seen.over || seen.now > asked + seen.limit(within))
            .then(|| Verdict::fail(format!("still running {} after SIGTERM", seconds(seen.now - asked))))
    }
}

/// As many clients lose their connection at once: no more than two thirds of them may be back within the same tenth of a second.
pub(crate) fn spreads() -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    |seen| {
        let fault = seen.fault()?;
        let clients =
            seen.entries.iter().filter(|entry| entry.what == What::Open && entry.at <= fault).count();
        let mut dials = seen.dials_after_fault();
        dials.truncate(clients);
        if dials.len() < clients && !seen.over {
            return None;
        }
        let back = dials.len();
        if back * 2 < clients {
            return Some(Verdict::fail(format!("of {clients} clients only {back} dialled again")));
        }
        let (most, at) = Seen::densest(&dials, 100);
        let (first, last) = (dials.first().copied().unwrap_or(fault), dials.last().copied().unwrap_or(fault));
        let (first, last, at) = (seconds(first - fault), seconds(last - fault), seconds(at - fault));
        let text = format!(
            "of {clients} clients {most} dialled within the same 100 ms, {at} after the loss; the first after {first}, the last after {last}"
        );
        Some(if most * 3 > clients * 2 { Verdict::fail(text) } else { Verdict::pass(text) })
    }
}

#[cfg(test)]
pub(crate) mod tests;
