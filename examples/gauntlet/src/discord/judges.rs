//! What is asked of a client of the gateway beyond coming back.

use crate::timeline::{Entry, Seen, What, seconds};
use crate::verdict::Verdict;

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    Identify,
    Resume,
    /// Either: the documentation leaves it open.
    Either,
}

/// The first identify or resume after the fault.
fn next<'a>(seen: &Seen<'a>) -> Option<&'a Entry> {
    seen.after_fault(|entry| matches!(entry.what, What::Identify | What::Resume { .. }))
}

/// The newest sequence number that was sent before this moment on the session's connections.
fn newest(seen: &Seen<'_>, before: &Entry) -> Option<u64> {
    let sent = seen.entries.iter().take_while(|entry| !std::ptr::eq(*entry, before));
    sent.filter_map(|entry| match &entry.what {
        What::Sequence { seq } => Some(*seq),
        _ => None,
    })
    .max()
}

/// The next connection begins as it must; a resume with the session and the newest number.
pub(super) fn begins(how: Begins) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let first = next(seen)?;
        Some(match (&first.what, how) {
            (What::Identify, Begins::Identify | Begins::Either) => Verdict::pass("with an identify"),
            (What::Identify, Begins::Resume) => {
                Verdict::fail("identified anew, where the session could be resumed")
            }
            (What::Resume { .. }, Begins::Identify) => {
                Verdict::fail("tried to resume a session that is over")
            }
            (What::Resume { session, seq }, _) => {
                let newest = newest(seen, first);
                if *seq == newest {
                    Verdict::pass(format!("resumed {session} from {}", number(*seq)))
                } else {
                    let (from, newest) = (number(*seq), number(newest));
                    Verdict::fail(format!(
                        "resumed {session} from {from}, where the newest event was {newest}"
                    ))
                }
            }
            _ => return None,
        })
    }
}

fn number(seq: Option<u64>) -> String {
    seq.map_or_else(|| "no number".to_owned(), |seq| seq.to_string())
}

/// Which door the dial after the fault goes to, and with which query.
pub(super) fn goes_to(door: u8) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let first = next(seen)?;
        let dialled = seen.on(first.conn).find_map(|entry| match entry.what {
            What::Dial { door } => Some(door),
            _ => None,
        })?;
        let name = |door| if door == 0 { "the gateway's URL" } else { "the resume_gateway_url" };
        Some(if dialled == door {
            Verdict::pass(format!("at {}", name(door)))
        } else {
            Verdict::fail(format!("at {} instead of {}", name(dialled), name(door)))
        })
    }
}

/// The dial after the fault names the version and the encoding.
pub(super) fn query(seen: &Seen<'_>) -> Option<Verdict> {
    let first = next(seen)?;
    let target = seen.on(first.conn).find_map(|entry| match &entry.what {
        What::Request { target, .. } => Some(target),
        _ => None,
    })?;
    let has = |name: &str| target.contains(&format!("?{name}=")) || target.contains(&format!("&{name}="));
    Some(if has("v") && has("encoding") {
        Verdict::pass(format!("asked for {target}"))
    } else {
        Verdict::fail(format!("asked for {target}, without v or encoding"))
    })
}

/// The close frame with which a client ends a connection that it wants to resume is not 1000 or 1001.
pub(super) fn closes_resumably(seen: &Seen<'_>) -> Option<Verdict> {
    let faulty = seen.faulty();
    let ending =
        |entry: &Entry| entry.conn == faulty && matches!(entry.what, What::Close { .. } | What::Gone { .. });
    match seen.after_fault(ending)?.what {
        What::Close { code: Some(code @ (1000 | 1001)) } => {
            Some(Verdict::fail(format!("closed with {code}, which ends the session")))
        }
        What::Close { code: Some(code) } => Some(Verdict::pass(format!("closed with {code}"))),
        What::Close { code: None } => Some(Verdict::pass("closed without a code")),
        _ => Some(Verdict::pass("ended the connection without a close frame")),
    }
}

/// The heartbeats of the faulty connection.
fn heartbeats<'a>(seen: &Seen<'a>) -> Vec<(u64, Option<u64>)> {
    let heard = seen.on(seen.faulty()).filter_map(|entry| match entry.what {
        What::Heartbeat { seq } => Some((entry.at, seq)),
        _ => None,
    });
    heard.collect()
}

/// One heartbeat an interval.
pub(super) fn regular(interval: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let fault = seen.fault()?;
        if !seen.over {
            return None;
        }
        let beats = heartbeats(seen);
        let Some((first, _)) = beats.first() else {
            return Some(Verdict::fail(format!("no heartbeat in {}", seconds(seen.now - fault))));
        };
        let slack = interval / 4 + 150;
        if first.saturating_sub(fault) > interval + slack {
            let after = seconds(first - fault);
            return Some(Verdict::fail(format!(
                "the first heartbeat came after {after}, later than one interval"
            )));
        }
        let gaps: Vec<_> =
            beats.windows(2).filter_map(|pair| Some(pair.get(1)?.0 - pair.first()?.0)).collect();
        let (least, most) =
            (gaps.iter().min().copied().unwrap_or(0), gaps.iter().max().copied().unwrap_or(0));
        let silent = seen.now - beats.last().map_or(fault, |(at, _)| *at);
        let text = format!("{} heartbeats, {} to {} apart", beats.len(), seconds(least), seconds(most));
        Some(if gaps.is_empty() || least + slack < interval || most.max(silent) > interval + slack {
            Verdict::fail(format!("{text}, where the interval is {}", seconds(interval)))
        } else {
            Verdict::pass(text)
        })
    }
}

/// Every heartbeat has the newest number that came in before it.
pub(super) fn numbered(seen: &Seen<'_>) -> Option<Verdict> {
    seen.fault()?;
    if !seen.over {
        return None;
    }
    let faulty = seen.faulty();
    let mut newest = None;
    let mut changed = 0;
    let mut right = 0;
    for entry in seen.on(faulty) {
        match entry.what {
            What::Sequence { seq } => (newest, changed) = (Some(seq), entry.at),
            // What crosses on the way is not held against anybody.
            What::Heartbeat { seq } if entry.at > changed + 250 => {
                if seq != newest {
                    let (said, newest) = (number(seq), number(newest));
                    return Some(Verdict::fail(format!(
                        "a heartbeat said {said}, where the newest event was {newest}"
                    )));
                }
                right += 1;
            }
            _ => {}
        }
    }
    Some(if right == 0 {
        Verdict::fail("no heartbeat came")
    } else {
        Verdict::pass(format!("{right} heartbeats, each with the newest number"))
    })
}

/// A heartbeat comes at once.
pub(super) fn answers_request(seen: &Seen<'_>) -> Option<Verdict> {
    let fault = seen.fault()?;
    let beat = seen.after_fault(|entry| matches!(entry.what, What::Heartbeat { .. }));
    match beat.filter(|beat| beat.at < fault + seen.limit(2_000)) {
        Some(beat) => Some(Verdict::pass(format!("a heartbeat came after {}", seconds(beat.at - fault)))),
        None => (seen.over || seen.now > fault + seen.limit(2_000))
            .then(|| Verdict::fail(format!("no heartbeat within {}", seconds(seen.now - fault)))),
    }
}

/// The first heartbeats of many clients, each on a connection of its own, are spread over the interval.
pub(super) fn first_heartbeats_spread(interval: u64) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        seen.fault()?;
        if !seen.over {
            return None;
        }
        let mut waits = Vec::new();
        for open in seen.entries.iter().filter(|entry| entry.what == What::Open) {
            let beat = seen.on(open.conn).find(|entry| matches!(entry.what, What::Heartbeat { .. }));
            waits.extend(beat.map(|beat| beat.at.saturating_sub(open.at)));
        }
        waits.sort_unstable();
        let (least, most) = (waits.first().copied().unwrap_or(0), waits.last().copied().unwrap_or(0));
        let text = format!(
            "the first heartbeats of {} clients came {} to {} after READY",
            waits.len(),
            seconds(least),
            seconds(most)
        );
        Some(if waits.len() < 4 || most - least < interval / 10 {
            Verdict::fail(format!("{text}, which is no jitter over {}", seconds(interval)))
        } else {
            Verdict::pass(text)
        })
    }
}

/// How many identifies came, and how many may.
pub(super) fn identifies(most: usize) -> impl Fn(&Seen<'_>) -> Option<Verdict> {
    move |seen| {
        let fault = seen.fault()?;
        let count = seen.times(|what| *what == What::Identify).count();
        let took = seconds(seen.now - fault);
        let text = format!("{count} identifies in {took}, where {most} are allowed");
        if count > most { Some(Verdict::fail(text)) } else { seen.over.then(|| Verdict::pass(text)) }
    }
}

#[cfg(test)]
mod tests;
