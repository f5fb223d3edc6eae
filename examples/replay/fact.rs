//! From a line of the log to a fact of the core.

use std::time::Duration;

use redial::policy::{HoldReason, RetryAfter};
use redial::{Cause, Epoch, Event};
use serde_json::Value;

use super::cause::cause as read_cause;
use super::decisions::{Stamp, Unit};
use super::object::{Object, unknown};

/// Every event with the fields it may have beside `at` and `event`.
const EVENTS: &[(&str, &[&str])] = &[
    ("start", &[]),
    ("stop", &["keep"]),
    ("retry_now", &[]),
    ("hold", &["reason"]),
    ("release", &["reason"]),
    ("net_down", &[]),
    ("net_up", &[]),
    ("hidden", &[]),
    ("visible", &[]),
    ("woke", &["gap", "counted"]),
    ("network_changed", &[]),
    ("redial", &[]),
    ("backoff_hint", &["base"]),
    ("opened", &["epoch"]),
    ("open_failed", &["epoch", "cause", "endpoint", "permanent"]),
    ("not_now", &["epoch", "after"]),
    ("closed", &["epoch", "cause", "endpoint", "permanent"]),
    ("send_failed", &["epoch"]),
    ("greeting", &["epoch", "heartbeat"]),
    ("ready", &["epoch", "id", "seq", "endpoint", "ttl"]),
    ("resumed", &["epoch"]),
    ("seq", &["epoch", "n"]),
    ("cursor", &["epoch", "id"]),
    ("keep_alive", &["epoch", "interval"]),
    ("please_reconnect", &["epoch", "after", "appointment", "window", "deadline", "endpoint", "permanent"]),
    ("session_invalid", &["epoch", "resumable"]),
    ("beat_ack", &["epoch"]),
    ("beat_requested", &["epoch"]),
    ("rx", &["epoch"]),
    ("credential_ok", &["request", "fatal", "ttl"]),
    ("credential_failed", &["request", "fatal"]),
    ("auth_ok", &["epoch", "fatal"]),
    ("auth_failed", &["epoch", "fatal"]),
    ("subscribe", &["key", "priority"]),
    ("unsubscribe", &["key", "priority"]),
    ("sub_confirmed", &["epoch", "key", "send", "retryable"]),
    ("sub_failed", &["epoch", "key", "send", "retryable"]),
    ("sub_lost", &["epoch", "key"]),
    ("drained", &["epoch"]),
    // Beyond the contract.
    ("credential_new", &[]),
    ("credential_lost", &[]),
    ("restart", &["down_ms", "corrupt"]),
    ("start_limit", &["remaining", "reset_after"]),
    ("calls", &["succeeded", "failed"]),
    ("explain", &[]),
    ("stats", &[]),
    // What a recording holds.
    ("timeout", &[]),
    ("redirected", &["epoch", "endpoint", "permanent"]),
];

/// The latest `at`: beyond it the core's microseconds are at their end.
const LATEST: u64 = u64::MAX / 1_000;

/// One line: the time, and what happened then, if anything.
pub(super) struct Fact {
    pub(super) at: Stamp,
    pub(super) event: Option<(&'static str, What)>,
}

/// What happened.
pub(super) enum What {
    /// A fact for the policy, and before it the endpoint that the server named with it, a fact of its own to the core.
    Event { redirected: Option<Event<String, String>>, event: Event<String, String> },
    /// The timers are called, on time or late.
    Timeout,
    /// The process ended; the next one begins at `up_at`, in microseconds.
    Restart { up_at: u64, corrupt: Option<Corrupt> },
    /// The server says how many fresh starts are left.
    StartLimit { remaining: u32, reset_after: Duration },
    /// What became of calls that other connections made.
    Calls { succeeded: u16, failed: u16 },
    /// Somebody asks what the policy is doing.
    Explain,
    /// Somebody asks for the counters.
    Stats,
}

/// What became of a snapshot while no process was there.
#[derive(Clone, Copy)]
pub(super) enum Corrupt {
    Altered,
    Cut,
    Foreign,
    Version,
    WrongKey,
}

/// The log numbers the connections of all processes in a row; each process counts its own from 1.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Epochs {
    /// The newest connection's number in the log; 0: there was none.
    pub(super) newest: u32,
    /// How many earlier processes opened.
    pub(super) before: u32,
    /// The number of the connection that drains, if one does.
    pub(super) draining: Option<u32>,
}

impl Epochs {
    /// The number in the log.
    pub(super) fn shown(self, epoch: Epoch) -> u32 {
        self.before.saturating_add(epoch.get())
    }

    /// The policy's number. What an earlier process opened is stale to it, as is a number that it never reaches.
    fn own(self, shown: u32) -> Epoch {
        let own = shown.checked_sub(self.before).and_then(Epoch::from_raw);
        own.or(Epoch::from_raw(u32::MAX)).expect("not 0")
    }
}

/// The names that the log gives to the core's numbered hold reasons, in the order in which they are held; a number is its own.
#[derive(Clone, Default)]
pub(super) struct Holds([Option<String>; HoldReason::COUNT as usize]);

impl Holds {
    /// The reason with this name, which takes one for as long as it is `held`. A recording calls the reasons by their numbers, and
    /// each has its own while no other name took it.
    fn number(&mut self, name: &str, held: bool) -> Result<HoldReason, String> {
        let own = || {
            let number: usize = name.parse().ok()?;
            Some(number).filter(|at| *at < self.0.len() && self.0[*at].is_none() && at.to_string() == name)
        };
        let known = self.0.iter().position(|known| known.as_deref() == Some(name));
        let at = known.or_else(own).or_else(|| self.0.iter().position(Option::is_none));
        let number = at.and_then(|at| u8::try_from(at).ok()).and_then(HoldReason::new);
        if let (true, Some(at)) = (held, at) {
            self.0[at] = Some(name.to_owned());
        }
        number.ok_or_else(|| format!("more than {} hold reasons at a time", HoldReason::COUNT))
    }

    /// The name gives back its number.
    pub(super) fn released(&mut self, reason: HoldReason) {
        self.0[usize::from(reason.get())] = None;
    }
}

impl Fact {
    /// A fact that names no epoch speaks of the newest, and the end of a drain of the connection that drains.
    pub(super) fn parse(value: &Value, epochs: Epochs, holds: &mut Holds) -> Result<Self, String> {
        let name = value.get("event");
        let Some(name) = name else {
            let line = Object::new("", value, &["at", "at_us", "event"])?;
            return Ok(Self { at: at(&line)?, event: None });
        };
        let Some(name) = name.as_str() else { return Err(format!("\"event\" must be a string, not {name}")) };
        let Some((name, fields)) = EVENTS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<_> = EVENTS.iter().map(|(known, _)| *known).collect();
            return Err(unknown("event", name, name, &known));
        };
        let known: Vec<_> = ["at", "at_us", "event"].iter().chain(*fields).copied().collect();
        let line = Object::new("", value, &known)?;
        let at = at(&line)?;
        let epoch = match line.u32("epoch")? {
            Some(0) => return Err("\"epoch\" must be at least 1, not 0".to_owned()),
            Some(epoch) => epoch,
            None if *name == "drained" => epochs.draining.unwrap_or(epochs.newest),
            None => epochs.newest,
        };
        let what = match *name {
            "timeout" => Ok(What::Timeout),
            "restart" => restart(&line, at.micros),
            "start_limit" => start_limit(&line),
            "calls" => calls(&line),
            "explain" => Ok(What::Explain),
            "stats" => Ok(What::Stats),
            _ => event(&line, name, epochs.own(epoch), holds),
        };
        let what = what.map_err(|error| format!("event \"{name}\": {error}"))?;
        Ok(Self { at, event: Some((name, what)) })
    }
}

fn at(line: &Object<'_>) -> Result<Stamp, String> {
    let micros = match (line.u64("at")?, line.u64("at_us")?) {
        (Some(_), Some(_)) => return Err("\"at\" and \"at_us\" are both there; use one".to_owned()),
        (None, Some(micros)) => return Ok(Stamp { micros, unit: Unit::Micros }),
        (at, None) => line.required("at", at)?,
    };
    match micros.checked_mul(1_000) {
        Some(micros) => Ok(Stamp { micros, unit: Unit::Millis }),
        None => Err(line.wrong("at", format_args!("at most {LATEST}"))),
    }
}

fn restart(line: &Object<'_>, at: u64) -> Result<What, String> {
    let down = line.u64("down_ms")?.unwrap_or(0);
    let up_at = down.checked_mul(1_000).and_then(|down| at.checked_add(down));
    let up_at = up_at.ok_or_else(|| line.wrong("down_ms", format_args!("at most {LATEST} with \"at\"")))?;
    let words = [
        ("altered", Corrupt::Altered),
        ("cut", Corrupt::Cut),
        ("foreign", Corrupt::Foreign),
        ("version", Corrupt::Version),
        ("wrong_key", Corrupt::WrongKey),
    ];
    Ok(What::Restart { up_at, corrupt: line.choice("corrupt", &words)? })
}

fn start_limit(line: &Object<'_>) -> Result<What, String> {
    let remaining = line.required("remaining", line.u32("remaining")?)?;
    Ok(What::StartLimit { remaining, reset_after: line.required("reset_after", line.ms("reset_after")?)? })
}

fn calls(line: &Object<'_>) -> Result<What, String> {
    let count = |key: &str| Ok::<_, String>(line.u16(key)?.unwrap_or(0));
    Ok(What::Calls { succeeded: count("succeeded")?, failed: count("failed")? })
}

fn event(line: &Object<'_>, name: &str, epoch: Epoch, holds: &mut Holds) -> Result<What, String> {
    let event = read(line, name, epoch, holds)?;
    // A session's endpoint is part of the session, and that of a redirect is all of it.
    let redirected = if matches!(name, "ready" | "redirected") { None } else { redirected(line, epoch)? };
    Ok(What::Event { redirected, event })
}

/// Another endpoint that the server names.
fn redirected(line: &Object<'_>, epoch: Epoch) -> Result<Option<Event<String, String>>, String> {
    let permanent = line.bool("permanent")?.unwrap_or(false);
    match line.or_null("endpoint", Object::str)?.flatten() {
        Some(endpoint) => Ok(Some(Event::Redirected { epoch, endpoint: endpoint.to_owned(), permanent })),
        None if permanent => Err("\"permanent\" needs an \"endpoint\"".to_owned()),
        None => Ok(None),
    }
}

fn read(
    line: &Object<'_>,
    name: &str,
    epoch: Epoch,
    holds: &mut Holds,
) -> Result<Event<String, String>, String> {
    // A flag that is left out is false.
    let flag = |key: &str| Ok::<_, String>(line.bool(key)?.unwrap_or(false));
    let text = |key: &str| line.required(key, line.str(key)?).map(str::to_owned);
    let optional_text =
        |key: &str| Ok::<_, String>(line.or_null(key, Object::str)?.flatten().map(str::to_owned));
    let send = || Ok::<_, String>(line.or_null("send", Object::u32)?.flatten());
    let request = || Ok::<_, String>(line.or_null("request", Object::u16)?.flatten());
    let optional_ms = |key: &str| Ok::<_, String>(line.or_null(key, Object::ms)?.flatten());
    Ok(match name {
        "start" => Event::Start,
        "stop" => Event::Stop { keep: flag("keep")? },
        "retry_now" => Event::RetryNow,
        "hold" => Event::Hold(holds.number(&text("reason")?, true)?),
        "release" => Event::Release(holds.number(&text("reason")?, false)?),
        "net_down" => Event::NetworkDown,
        "net_up" => Event::NetworkUp,
        "hidden" => Event::Hidden,
        "visible" => Event::Visible,
        "woke" => Event::HostResumed {
            gap: line.required("gap", line.ms("gap")?)?,
            counted: line.bool("counted")?.unwrap_or(true),
        },
        "network_changed" => Event::NetworkChanged,
        "redial" => Event::Redial,
        "backoff_hint" => Event::BackoffHint { base: line.required("base", line.ms("base")?)? },
        "opened" => Event::Opened { epoch },
        "open_failed" => {
            let (cause, retry_after) = loss(line)?;
            Event::OpenFailed { epoch, cause, retry_after }
        }
        "not_now" => Event::NotNow { epoch, retry_after: optional_ms("after")? },
        "closed" => match loss(line)? {
            (cause, None) => Event::Closed { epoch, cause },
            // Both are the same loss to the core, and this one can carry what the server asked for.
            (cause, retry_after) => Event::OpenFailed { epoch, cause, retry_after },
        },
        "send_failed" => Event::SendFailed { epoch },
        "greeting" => Event::Greeting { epoch, heartbeat: optional_ms("heartbeat")? },
        "ready" => Event::Ready {
            epoch,
            token: optional_text("id")?,
            endpoint: optional_text("endpoint")?,
            sequence: line.or_null("seq", Object::u64)?.flatten(),
            ttl: optional_ms("ttl")?,
        },
        "redirected" => {
            Event::Redirected { epoch, endpoint: text("endpoint")?, permanent: flag("permanent")? }
        }
        "resumed" => Event::Resumed { epoch },
        "seq" => Event::Sequence { epoch, sequence: line.required("n", line.u64("n")?)? },
        "cursor" => Event::Cursor { epoch, token: text("id")? },
        "keep_alive" => {
            Event::KeepAlive { epoch, interval: line.required("interval", line.ms("interval")?)? }
        }
        "please_reconnect" => Event::ReconnectRequested {
            epoch,
            retry_after: retry_after(line, "after")?,
            deadline: optional_ms("deadline")?,
        },
        "session_invalid" => Event::SessionInvalid { epoch, resumable: flag("resumable")? },
        "beat_ack" => Event::HeartbeatAcked { epoch },
        "beat_requested" => Event::HeartbeatRequested { epoch },
        "rx" => Event::Received { epoch },
        "credential_ok" => Event::CredentialOk { request: request()?, ttl: optional_ms("ttl")? },
        "credential_failed" => Event::CredentialFailed { request: request()?, fatal: flag("fatal")? },
        "credential_new" => Event::CredentialNew,
        "credential_lost" => Event::CredentialLost,
        "auth_ok" => Event::AuthOk { epoch },
        "auth_failed" => Event::AuthFailed { epoch, fatal: flag("fatal")? },
        "subscribe" => Event::Subscribe { key: text("key")?, priority: line.i32("priority")?.unwrap_or(0) },
        "unsubscribe" => Event::Unsubscribe { key: text("key")? },
        "sub_confirmed" => Event::SubscriptionConfirmed { epoch, key: text("key")?, send: send()? },
        "sub_failed" => Event::SubscriptionFailed {
            epoch,
            key: text("key")?,
            send: send()?,
            retryable: flag("retryable")?,
        },
        "drained" => Event::Drained { epoch },
        "sub_lost" => Event::SubscriptionLost { epoch, key: text("key")? },
        _ => return Err("not implemented".to_owned()),
    })
}

/// The cause of a loss, and what the server asked to wait for.
fn loss(line: &Object<'_>) -> Result<(Cause, Option<RetryAfter>), String> {
    let known =
        ["ws", "http", "io", "tls", "timeout", "class", "kind", "retry_after", "appointment", "window"];
    let cause = line.required("cause", line.object("cause", &known)?)?;
    let retry_after = retry_after(&cause, "retry_after")?;
    Ok((read_cause(&cause, &["retry_after", "appointment", "window"])?, retry_after))
}

/// The wait that a server asks for, under the key of what it means by it.
fn retry_after(object: &Object<'_>, at_least: &'static str) -> Result<Option<RetryAfter>, String> {
    let mut given = None;
    for key in [at_least, "appointment", "window"] {
        let Some(wait) = object.or_null(key, Object::ms)?.flatten() else { continue };
        if let Some((other, _)) = given.replace((key, wait)) {
            return Err(object.wrong(key, format_args!("left out beside \"{other}\"")));
        }
    }
    Ok(given.map(|(key, wait)| match key {
        "appointment" => RetryAfter::Appointment(wait),
        "window" => RetryAfter::Window(wait),
        _ => RetryAfter::AtLeast(wait),
    }))
}
