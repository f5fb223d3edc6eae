//! The golden log on any machine without a heap: the subset of `replay`'s format that it is written in, and the same lines as answers.

use core::fmt::Write;
use core::time::Duration;

use redial::classify::Class;
use redial::policy::{HoldReason, RetryAfter};
use redial::subscriptions::FixedSubscriptions;
use redial::{Actions, Cause, Epoch, Event, IoKind, Policy, SplitMix64, presets};

use crate::decisions::{Decided, Decisions, Stamp, Unit, action};
use crate::printer::Keys;

// `LOGS`, the logs in the order of their names, and `ANSWERS`, what `replay` prints for each.
include!(concat!(env!("OUT_DIR"), "/logs.rs"));

type Link = Policy<SplitMix64, u64, FixedSubscriptions<u8, 8>>;

/// A log in play.
struct Player<'a> {
    link: Link,
    printed: Decisions,
    now: u64,
    out: &'a mut dyn Write,
}

/// Plays a log and prints every decision.
///
/// # Errors
/// A line that is not of the subset.
pub fn play<'l>(log: &'l str, out: &mut dyn Write) -> Result<(), &'l str> {
    let mut lines = log.lines();
    let first = lines.next().unwrap_or_default();
    let preset = text(first, "preset").and_then(presets::by_name);
    let (Some(seed), Some(config), Some("splitmix64")) =
        (number(first, "seed"), preset, text(first, "generator"))
    else {
        return Err(first);
    };
    let link: Link = Policy::from_parts(
        config,
        SplitMix64::new(seed),
        FixedSubscriptions::new(),
        redial::endpoints::SingleEndpoint,
    );
    let printed = Decisions::new(link.phase());
    let mut player = Player { link, printed, now: 0, out };
    for line in lines {
        player.line(line).ok_or(line)?;
    }
    player.end_instant();
    Ok(())
}

impl Player<'_> {
    fn line(&mut self, line: &str) -> Option<()> {
        let at = number(line, "at")?;
        if at != self.now {
            self.end_instant();
            while let Some(due) = self.due().filter(|due| *due < at) {
                self.now = self.now.max(due);
                self.call(None);
            }
            self.now = at;
        }
        if let Some(name) = text(line, "event") {
            self.call(Some(event(line, name)?));
        }
        Some(())
    }

    /// The instant is over: its timers, and the policy is told the time even if none is due.
    fn end_instant(&mut self) {
        self.call(None);
        while self.due().is_some_and(|due| due <= self.now) {
            self.call(None);
        }
    }

    fn due(&self) -> Option<u64> {
        self.link.poll_timeout().map(|at| at.as_micros().div_ceil(1_000))
    }

    fn call(&mut self, event: Option<Event<u64, u8>>) {
        let at = Stamp { micros: self.now.saturating_mul(1_000), unit: Unit::Millis };
        let (now, told) = (at.instant(), event.as_ref().map(Event::as_str));
        let actions = match event {
            Some(event) => self.link.handle_event(now, event),
            None => self.link.handle_timeout(now),
        };
        print(&mut self.printed, at, told, actions, &self.link, self.out);
    }
}

/// What a call decided.
fn print(
    printed: &mut Decisions,
    at: Stamp,
    told: Option<&str>,
    actions: Actions,
    link: &Link,
    out: &mut dyn Write,
) {
    let explained = link.explain();
    let deadline = link.deadline();
    let decided = Decided { at, event: told, actions: Some(actions), explained, deadline };
    let sequence = link.session().sequence();
    let shown = |taken| action(taken, Epoch::get, || "\"primary\"", sequence, || Keys(link.subscriptions()));
    printed.print(decided, shown, out);
}

/// What stands behind a key of the line.
fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let mut rest = line;
    loop {
        let (_, behind) = rest.split_once('"')?;
        let (name, behind) = behind.split_once('"')?;
        match behind.strip_prefix(": ") {
            Some(value) if name == key => return Some(value),
            _ => rest = behind,
        }
    }
}

fn text<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    value(line, key)?.strip_prefix('"')?.split('"').next()
}

fn number<N: core::str::FromStr>(line: &str, key: &str) -> Option<N> {
    value(line, key)?.split([',', '}']).next()?.parse().ok()
}

fn flag(line: &str, key: &str) -> bool {
    value(line, key).is_some_and(|value| value.starts_with("true"))
}

fn span(line: &str, key: &str) -> Option<Duration> {
    number(line, key).map(Duration::from_millis)
}

fn cause(line: &str) -> Option<Cause> {
    if let Some(kind) = text(line, "io") {
        return IoKind::from_name(kind).map(Cause::Io);
    }
    if let Some(class) = text(line, "class") {
        return Class::from_name(class).map(Cause::Class);
    }
    if flag(line, "timeout") {
        return Some(Cause::Timeout);
    }
    if value(line, "ws")?.starts_with("null") {
        return Some(Cause::NoCloseFrame);
    }
    number(line, "ws").map(Cause::CloseFrame)
}

/// The wait that a server asks for, under the key of what it means by it.
fn retry_after(line: &str) -> Option<RetryAfter> {
    let at_least = span(line, "retry_after").or_else(|| span(line, "after")).map(RetryAfter::AtLeast);
    at_least
        .or_else(|| span(line, "appointment").map(RetryAfter::Appointment))
        .or_else(|| span(line, "window").map(RetryAfter::Window))
}

/// A number of a token's own, of its text.
fn token(text: &str) -> u64 {
    text.bytes().fold(1, |token, byte| token.wrapping_mul(257).wrapping_add(byte.into()))
}

fn event(line: &str, name: &str) -> Option<Event<u64, u8>> {
    // What has no transport is not asked for it.
    let epoch = number(line, "epoch").and_then(Epoch::from_raw);
    let key = || text(line, "key")?.parse().ok();
    let hold = || HoldReason::new(text(line, "reason")?.parse().ok()?);
    let cause = || number(line, "http").map(Cause::Http).or_else(|| cause(line));
    Some(match name {
        "start" => Event::Start,
        "hold" => Event::Hold(hold()?),
        "release" => Event::Release(hold()?),
        "hidden" => Event::Hidden,
        "visible" => Event::Visible,
        "network_changed" => Event::NetworkChanged,
        "redial" => Event::Redial,
        "stop" => Event::Stop { keep: flag(line, "keep") },
        "net_down" => Event::NetworkDown,
        "net_up" => Event::NetworkUp,
        "woke" => {
            let counted = value(line, "counted").is_none() || flag(line, "counted");
            Event::HostResumed { gap: span(line, "gap")?, counted }
        }
        "retry_now" => Event::RetryNow,
        "subscribe" => Event::Subscribe { key: key()?, priority: number(line, "priority").unwrap_or(0) },
        "unsubscribe" => Event::Unsubscribe { key: key()? },
        "opened" => Event::Opened { epoch: epoch? },
        "open_failed" => {
            Event::OpenFailed { epoch: epoch?, cause: cause()?, retry_after: retry_after(line) }
        }
        "closed" => Event::Closed { epoch: epoch?, cause: cause()? },
        "ready" => {
            let (token, sequence, ttl) = (text(line, "id").map(token), number(line, "seq"), span(line, "ttl"));
            Event::Ready { epoch: epoch?, token, endpoint: None, sequence, ttl }
        }
        "resumed" => Event::Resumed { epoch: epoch? },
        "rx" => Event::Received { epoch: epoch? },
        "send_failed" => Event::SendFailed { epoch: epoch? },
        "credential_ok" => Event::CredentialOk { request: None, ttl: span(line, "ttl") },
        "seq" => Event::Sequence { epoch: epoch?, sequence: number(line, "n")? },
        "session_invalid" => Event::SessionInvalid { epoch: epoch?, resumable: flag(line, "resumable") },
        "please_reconnect" => Event::ReconnectRequested {
            epoch: epoch?,
            retry_after: retry_after(line),
            deadline: span(line, "deadline"),
        },
        "sub_confirmed" => {
            Event::SubscriptionConfirmed { epoch: epoch?, key: key()?, send: number(line, "send") }
        }
        "sub_failed" => {
            let (send, retryable) = (number(line, "send"), flag(line, "retryable"));
            Event::SubscriptionFailed { epoch: epoch?, key: key()?, send, retryable }
        }
        "sub_lost" => Event::SubscriptionLost { epoch: epoch?, key: key()? },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::string::String;

    #[test]
    fn the_golden_logs_are_answered_as_by_replay() {
        for (log, answers) in super::LOGS.iter().zip(super::ANSWERS) {
            let mut out = String::new();
            let played = super::play(log, &mut out);
            assert_eq!(played, Ok(()));
            assert_eq!(out, *answers);
        }
        assert!(!super::LOGS.is_empty());
    }
}
