//! What happened, as a timeline for people: one line each, events and heartbeats counted instead of listed.

use std::fmt::Write;
use std::time::Duration;

use redial::policy::DropReason;
use redial::{Cause, GiveUp, Instant, Mode};

use crate::report::client_event::ClientEvent;

#[derive(Clone, Copy)]
enum Colour {
    Plain,
    Dim,
    Good,
    Bad,
    Bold,
}

pub(crate) struct Timeline {
    colour: bool,
    seen: Seen,
}

/// What came since the last line.
#[derive(Default)]
struct Seen {
    at: Instant,
    events: u64,
    first: Option<u64>,
    last: Option<u64>,
    beats: u64,
    requests: u64,
    answers: u64,
}

impl Timeline {
    pub(crate) fn new(colour: bool) -> Self {
        Self { colour, seen: Seen::default() }
    }

    /// The lines for this, which may be none.
    pub(crate) fn lines(&mut self, at: Instant, epoch: u32, event: &ClientEvent) -> String {
        match event {
            ClientEvent::Dispatch { seq, .. } => {
                self.seen.at = at;
                self.seen.events += 1;
                self.seen.first = self.seen.first.or(*seq);
                self.seen.last = seq.or(self.seen.last);
                return String::new();
            }
            ClientEvent::Heartbeat { .. } => {
                self.seen.at = at;
                self.seen.beats += 1;
                return String::new();
            }
            ClientEvent::BeatAck => return String::new(),
            ClientEvent::Request => {
                self.seen.at = at;
                self.seen.requests += 1;
                return String::new();
            }
            ClientEvent::Answer { .. } => {
                self.seen.at = at;
                self.seen.answers += 1;
                return String::new();
            }
            _ => {}
        }
        let mut text = self.flush();
        let (label, colour, what) = describe(at, event);
        let number = if epoch == 0 { String::new() } else { format!("#{epoch}") };
        text.push_str(&self.line(at, &number, label, colour, &what));
        text
    }

    /// The line for what was counted, if anything was.
    pub(crate) fn flush(&mut self) -> String {
        let seen = std::mem::take(&mut self.seen);
        let mut parts = Vec::new();
        if seen.events > 0 {
            parts.push(match (seen.first, seen.last) {
                (Some(first), Some(last)) if first != last => {
                    format!("{}, seq {first}..{last}", count(seen.events, "event"))
                }
                (Some(first), _) => format!("1 event, seq {first}"),
                _ => count(seen.events, "event"),
            });
        }
        for (number, thing) in
            [(seen.beats, "heartbeat"), (seen.requests, "request"), (seen.answers, "answer")]
        {
            if number > 0 {
                parts.push(count(number, thing));
            }
        }
        if parts.is_empty() {
            return String::new();
        }
        self.line(seen.at, "", "...", Colour::Dim, &parts.join("; "))
    }

    /// A heading between the lines.
    pub(crate) fn heading(&self, title: &str, text: &str) -> String {
        format!("\n{}  {text}\n", self.paint(Colour::Bold, title))
    }

    pub(crate) fn verdict(&self, good: bool, text: &str) -> String {
        self.paint(if good { Colour::Good } else { Colour::Bad }, text)
    }

    fn line(&self, at: Instant, number: &str, label: &str, colour: Colour, what: &str) -> String {
        let label = self.paint(colour, &format!("{label:<8}"));
        format!("{:>9} s  {number:>4}  {label}  {what}\n", seconds_at(at))
    }

    fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Plain => return text.to_owned(),
            Colour::Dim => 2,
            Colour::Good => 32,
            Colour::Bad => 31,
            Colour::Bold => 1,
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn seconds_at(at: Instant) -> String {
    let ms = at.as_millis();
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// `0.182 s`
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{}.{:03} s", duration.as_secs(), duration.subsec_millis())
}

/// `1 event`, `2 events`
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

fn then(mode: Mode) -> &'static str {
    match mode {
        Mode::Resume => "resume",
        Mode::Fresh => "start a new session",
    }
}

/// Label, colour and text.
fn describe(at: Instant, event: &ClientEvent) -> (&'static str, Colour, String) {
    use Colour::{Bad, Good, Plain};
    match event {
        ClientEvent::Start { seed, url, preset } => {
            ("start", Plain, format!("{url}, preset {preset}, seed {seed}"))
        }
        ClientEvent::Open { mode, endpoint, url, attempt, successor } => {
            // The parameters are always the same.
            let url = url.split('?').next().unwrap_or_default();
            let beside = if *successor { ", while the connection serves" } else { "" };
            ("dial", Plain, format!("attempt {attempt}, to {}, at {url} ({endpoint}){beside}", then(*mode)))
        }
        ClientEvent::Opened => ("open", Plain, "connected".to_owned()),
        ClientEvent::OpenFailed { cause, retry_after, detail } => {
            let mut text = words(*cause);
            if let Some(detail) = detail {
                write!(text, " ({detail})").unwrap_or_default();
            }
            if let Some(after) = retry_after {
                write!(text, ", asked to wait {}", seconds(*after)).unwrap_or_default();
            }
            ("FAILED", Bad, text)
        }
        ClientEvent::Closed { cause } => ("LOST", Bad, words(*cause)),
        ClientEvent::Greeting { heartbeat } => (
            "hello",
            Plain,
            heartbeat
                .map_or("no heartbeat".to_owned(), |every| format!("a heartbeat every {}", seconds(every))),
        ),
        ClientEvent::Identify => ("identify", Plain, "asking for a new session".to_owned()),
        ClientEvent::Resume { seq: Some(seq) } => {
            ("resume", Plain, format!("asking for everything after seq {seq}"))
        }
        ClientEvent::Resume { seq: None } => ("resume", Plain, "asking for the old session".to_owned()),
        ClientEvent::Ready { .. } => ("READY", Good, "a new session".to_owned()),
        ClientEvent::Resumed => ("RESUMED", Good, "the old session lives on".to_owned()),
        ClientEvent::Dispatch { name, .. } => ("event", Plain, name.clone()),
        ClientEvent::Heartbeat { .. } => ("beat", Plain, "sent".to_owned()),
        ClientEvent::BeatAck => ("beat", Plain, "acknowledged".to_owned()),
        ClientEvent::Request => ("request", Plain, "sent".to_owned()),
        ClientEvent::Answer { nonce } => ("answer", Plain, format!("to request {nonce}")),
        ClientEvent::HeartbeatRequested => ("beat", Plain, "the server asks for a heartbeat".to_owned()),
        ClientEvent::ReconnectRequested { deadline: None } => {
            ("op 7", Bad, "the server asks for a reconnect".to_owned())
        }
        ClientEvent::ReconnectRequested { deadline: Some(deadline) } => {
            ("op 7", Plain, format!("the server warns: it will cut in {}", seconds(*deadline)))
        }
        ClientEvent::Redirected { endpoint } => ("op 7", Plain, format!("the server names {endpoint}")),
        ClientEvent::Promoted => ("PROMOTE", Good, "it is the connection from here on".to_owned()),
        ClientEvent::Drained => ("drained", Plain, "nothing is under way on it any more".to_owned()),
        ClientEvent::SessionInvalid { resumable } => {
            let may = if *resumable { "it may be resumed" } else { "it is gone" };
            ("op 9", Bad, format!("the server refuses the session; {may}"))
        }
        ClientEvent::SendFailed => ("LOST", Bad, "a message could not be sent".to_owned()),
        ClientEvent::BadFrame { detail } => ("bad", Bad, detail.clone()),
        ClientEvent::Close { code, cause } => {
            let how = match code {
                Some(code) => format!("closing with {code}"),
                None => "giving up the dial".to_owned(),
            };
            match cause {
                // Said already by the line before this.
                Some(Cause::ReconnectRequested | Cause::SessionInvalid | Cause::SessionInvalidResumable)
                | None => ("close", Plain, how),
                Some(cause) => ("LOST", Bad, format!("{}; {how}", words(*cause))),
            }
        }
        ClientEvent::DropSession { reason } => {
            let why = match reason {
                DropReason::Gone => "the server has closed it",
                DropReason::Invalid => "the server does not know it any more",
                DropReason::ResumeFailed => "too many resumes failed",
                DropReason::Incomplete => "there is nothing to resume it with",
                DropReason::Expired => "its time is over",
                DropReason::Stop => "stopped",
                DropReason::Fatal => "nothing will be tried with it",
                other => other.as_str(),
            };
            ("forget", Plain, format!("the old session: {why}"))
        }
        ClientEvent::RefreshCredential => ("token", Plain, "it has to be renewed".to_owned()),
        ClientEvent::Wait { until, why, mode, attempt, cause: _ } => (
            "wait",
            Plain,
            format!(
                "{} ({}), then {}: attempt {attempt} at {} s",
                seconds(until.saturating_duration_since(at)),
                why.replace('_', " "),
                then(*mode),
                seconds_at(*until),
            ),
        ),
        ClientEvent::Parked { why } => ("parked", Plain, format!("until this is over: {why}")),
        ClientEvent::Ignored { stale, event, seq } => {
            let which = if *stale { "of an old connection" } else { "out of place" };
            let seq = seq.map_or(String::new(), |seq| format!(" (seq {seq})"));
            ("ignored", Colour::Dim, format!("{}{seq}: {which}", event.replace('_', " ")))
        }
        ClientEvent::LeftOut { event, count } => {
            ("...", Colour::Dim, format!("{count} more left out: {}", event.replace('_', " ")))
        }
        ClientEvent::Stop => ("stop", Plain, "asked to stop".to_owned()),
        ClientEvent::GaveUp { reason, cause } => {
            let why = match reason {
                GiveUp::Fatal => "dialling again can't mend this",
                GiveUp::Repeated => "it came too often in a row",
                GiveUp::Auth => "the token is refused",
                GiveUp::MaxAttempts => "no attempts are left",
                GiveUp::MaxElapsed => "the outage takes too long",
                GiveUp::TableSpent => "the table of waits is used up",
                other => other.as_str(),
            };
            ("GAVE UP", Bad, format!("for good, after {}: {why}", words(*cause)))
        }
        ClientEvent::Stopped { opens, resumed, fresh, handovers } => (
            "stopped",
            Plain,
            format!(
                "{}, {}, {}, {}",
                count(u64::from(*opens), "dial"),
                count(u64::from(*fresh), "new session"),
                count(u64::from(*resumed), "resume"),
                count(u64::from(*handovers), "handover")
            ),
        ),
    }
}

/// A cause in words.
fn words(cause: Cause) -> String {
    let meaning = match cause {
        Cause::CloseFrame(1005) => return "the server closed without a code".to_owned(),
        Cause::CloseFrame(code) => {
            let name = match code {
                1000 => "normal closure",
                1001 => "going away",
                1002 => "protocol error",
                1008 => "policy violation",
                1011 => "internal error",
                1012 => "service restart",
                1013 => "try again later",
                4000 => "unknown error",
                4001 => "unknown opcode",
                4002 => "decode error",
                4003 => "not authenticated",
                4004 => "authentication failed",
                4005 => "already authenticated",
                4006 => "session no longer valid",
                4007 => "invalid sequence",
                4008 => "rate limited",
                4009 => "session timed out",
                4010 => "invalid shard",
                4011 => "sharding required",
                4012 => "invalid API version",
                4013 => "invalid intents",
                4014 => "disallowed intents",
                _ => return format!("the server closed with {code}"),
            };
            return format!("the server closed with {code} ({name})");
        }
        Cause::Http(status) => return format!("the upgrade was answered with HTTP {status}"),
        Cause::NoCloseFrame => "the connection ended without a close frame",
        Cause::Io(_) | Cause::Tls(_) => return cause.to_string().replace('_', " "),
        Cause::Class(_) => "a message that can't be taken",
        Cause::ConnectTimeout => "not connected in time",
        Cause::GreetingTimeout => "no hello in time",
        Cause::ReadyTimeout => "neither READY nor RESUMED in time",
        Cause::HeartbeatMissed => "a heartbeat was not acknowledged",
        Cause::SendFailed => "a message could not be sent",
        Cause::ReconnectRequested => "the server asked for a reconnect",
        Cause::SessionInvalid => "the session is invalid",
        Cause::SessionInvalidResumable => "the session is invalid for now",
        Cause::BadGreeting => "a hello that can't be used",
        other => return other.to_string().replace('_', " "),
    };
    meaning.to_owned()
}
