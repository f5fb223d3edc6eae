//! What is asked of an MQTT client beyond coming back.

use crate::timeline::{Seen, What, seconds};
use crate::verdict::Verdict;

/// What the first CONNECT said: version, clean start, keep alive in seconds.
fn connect(seen: &Seen<'_>) -> Option<(u8, bool, u16)> {
    seen.entries.iter().find_map(|entry| match entry.what {
        What::Connect { version, clean, keep_alive } => Some((version, clean, keep_alive)),
        _ => None,
    })
}

/// For what 3.1.1 does not have.
pub(super) fn version_5(
    judge: impl Fn(&Seen<'_>) -> Option<Verdict>,
) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| match connect(seen) {
        Some((..5, ..)) => Some(Verdict::not_applicable("the client speaks 3.1.1, which has no such thing")),
        _ => judge(seen),
    }
}

/// Both topics are subscribed to on the newest connection, once each. Waits a moment for them.
pub(super) fn resubscribed(seen: &Seen<'_>) -> Option<Verdict> {
    let newest = seen.entries.iter().rev().find(|entry| entry.what == What::Open)?;
    let topics: Vec<_> = seen
        .on(newest.conn)
        .filter_map(|entry| match &entry.what {
            What::Subscribe { topics } => Some(topics.iter().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect();
    let count = |wanted: &str| topics.iter().filter(|topic| **topic == wanted).count();
    let (a, b) = (count("a"), count("b"));
    if (a == 0 || b == 0) && !seen.over && seen.now < newest.at + seen.limit(5_000) {
        return None;
    }
    let text = format!("subscribed {a} times to \"a\" and {b} times to \"b\" on the new connection");
    Some(if (a, b) == (1, 1) {
        Verdict::pass("both topics subscribed again, once")
    } else {
        Verdict::fail(text)
    })
}

/// The new CONNECT, of a client that keeps its session, need not subscribe again; what it must not is to be gone.
pub(super) fn subscribed_or_kept(seen: &Seen<'_>) -> Option<Verdict> {
    match (connect(seen)?, resubscribed(seen)?) {
        ((_, true, _), verdict) => Some(verdict),
        (_, verdict) => Some(Verdict::pass(format!("the session is there; {}", verdict.reason))),
    }
}

/// PINGREQ comes in time, measured by the keep alive of the CONNECT or by this one of the server's.
pub(super) fn keeps_alive(server: Option<u16>) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let (_, _, asked) = connect(seen)?;
        let keep_alive = server.unwrap_or(asked);
        if keep_alive == 0 {
            return Some(Verdict::not_applicable("the client asked for no keep alive"));
        }
        if !seen.over {
            return None;
        }
        let faulty = seen.faulty();
        let heard = |what: &What| {
            matches!(
                what,
                What::Connect { .. } | What::Subscribe { .. } | What::PingReq | What::PubAck { .. }
            )
        };
        let mut times: Vec<_> =
            seen.on(faulty).filter(|entry| heard(&entry.what)).map(|entry| entry.at).collect();
        times.push(seen.now);
        let longest =
            times.windows(2).filter_map(|pair| Some(pair.get(1)?.saturating_sub(*pair.first()?))).max();
        let longest = longest.unwrap_or(0);
        let limit = u64::from(keep_alive) * 1_500;
        let text = format!(
            "silent for {} at most, where the keep alive is {keep_alive} s and a server waits for {}",
            seconds(longest),
            seconds(limit)
        );
        if seen.end_of(faulty).is_some() {
            return Some(Verdict::fail("ended the connection, which was in order"));
        }
        Some(if longest > limit { Verdict::fail(text) } else { Verdict::pass(text) })
    }
}

/// A connection that is silent is found out within three keep alives and a few seconds.
pub(super) fn finds_out(seen: &Seen<'_>) -> Option<Verdict> {
    let (_, _, keep_alive) = connect(seen)?;
    if keep_alive == 0 {
        return Some(Verdict::not_applicable("the client asked for no keep alive"));
    }
    let fault = seen.fault()?;
    let limit = seen.limit(u64::from(keep_alive) * 3_000 + 5_000);
    match seen.end_of(seen.faulty()) {
        Some(end) if end <= fault + limit => {
            let after = seconds(end.saturating_sub(fault));
            Some(Verdict::pass(format!("ended it after {after}, with a keep alive of {keep_alive} s")))
        }
        _ => (seen.over || seen.now > fault + limit).then(|| {
            let after = seconds(seen.now - fault);
            Verdict::fail(format!("kept it for {after}, with a keep alive of {keep_alive} s"))
        }),
    }
}

pub(super) fn acknowledges(seen: &Seen<'_>) -> Option<Verdict> {
    let fault = seen.fault()?;
    match seen.times(|what| *what == What::PubAck { packet: 9 }).next() {
        Some(at) => {
            Some(Verdict::pass(format!("the PUBACK came after {}", seconds(at.saturating_sub(fault)))))
        }
        None => seen.over.then(|| Verdict::fail(format!("no PUBACK in {}", seconds(seen.now - fault)))),
    }
}

/// The session that the server says it has is none of the client's.
pub(super) fn refuses_session(seen: &Seen<'_>) -> Option<Verdict> {
    let (_, clean, _) = connect(seen)?;
    let opened = seen.times(|what| *what == What::Open).next()?;
    if !clean {
        return Some(Verdict::not_applicable(
            "the client did not ask for a clean start, and may have a session",
        ));
    }
    match seen.end_of(1) {
        Some(end) => Some(Verdict::pass(format!(
            "ended the connection {} after it",
            seconds(end.saturating_sub(opened))
        ))),
        None => (seen.over).then(|| {
            Verdict::fail(format!("took it, and kept the connection for {}", seconds(seen.now - opened)))
        }),
    }
}

#[cfg(test)]
mod tests;
