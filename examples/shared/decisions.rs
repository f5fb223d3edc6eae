//! What one call of a policy decided, as lines of JSON: the phase, the actions in order, the deadline.

use std::fmt::{self, Display};

use redial::policy::{Role, WaitReason};
use redial::{Action, Actions, Disposition, Explanation, Instant, Phase};
use serde_json::Value;

/// When: in whole milliseconds, or in microseconds where the log says `at_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) micros: u64,
    pub(crate) unit: Unit,
}

/// What a log counts its time in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Millis,
    Micros,
}

impl Stamp {
    pub(crate) const fn instant(self) -> Instant {
        Instant::from_micros(self.micros)
    }

    /// In its unit.
    pub(crate) const fn number(self) -> u64 {
        match self.unit {
            Unit::Millis => self.micros / 1_000,
            Unit::Micros => self.micros,
        }
    }
}

/// The first key of a line, with its value.
impl Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self.unit {
            Unit::Millis => "at",
            Unit::Micros => "at_us",
        };
        write!(f, "\"{key}\": {}", self.number())
    }
}

/// What was printed last, so that only what changed is printed.
#[derive(Clone)]
pub(crate) struct Decisions {
    phase: Phase,
    wake: Option<u64>,
}

/// What a policy decided in one call.
pub(crate) struct Decided<'a> {
    pub(crate) at: Stamp,
    /// What it was told, if that is to be named where it had no effect.
    pub(crate) event: Option<&'a str>,
    pub(crate) actions: Option<Actions>,
    pub(crate) explained: Explanation,
    /// When it is to be called again, and the rule behind that.
    pub(crate) deadline: Option<(Instant, WaitReason)>,
}

impl Decisions {
    pub(crate) const fn new(phase: Phase) -> Self {
        Self { phase, wake: None }
    }

    /// Appends the lines. `shown` says what follows `"action": ` for an action.
    pub(crate) fn print(
        &mut self,
        Decided { at, event, actions, explained, deadline }: Decided<'_>,
        shown: impl FnMut(Action) -> String,
        out: &mut String,
    ) {
        let ignored = match actions.map(|actions| actions.disposition()) {
            None | Some(Disposition::Applied) => None,
            Some(Disposition::Stale) => Some("stale"),
            Some(Disposition::Inapplicable) => Some("inapplicable"),
            Some(Disposition::Full) => Some("full"),
        };
        if let (Some(ignored), Some(event)) = (ignored, event) {
            line(out, format_args!("{at}, \"ignored\": \"{ignored}\", \"event\": \"{event}\""));
        }
        if explained.phase != self.phase {
            self.phase = explained.phase;
            let (state, why) = (explained.phase, explained.trigger);
            line(out, format_args!("{at}, \"state\": \"{state}\", \"why\": \"{why}\""));
        }
        for action in actions.into_iter().flatten().map(shown) {
            line(out, format_args!("{at}, \"action\": {action}"));
        }
        let until = deadline.map(|(until, _)| until.as_micros());
        let wake = until.map(|until| match at.unit {
            Unit::Millis => until.div_ceil(1_000),
            Unit::Micros => until,
        });
        if wake != self.wake {
            self.wake = wake;
            let why = deadline.map(|(_, reason)| reason).or(explained.waiting_for);
            let why = why.map_or(explained.phase.as_str(), |reason| reason.as_str());
            let millis = number(until.map(|until| until.div_ceil(1_000)));
            match at.unit {
                Unit::Millis => line(out, format_args!("{at}, \"wake\": {millis}, \"why\": \"{why}\"")),
                Unit::Micros => {
                    let micros = number(until);
                    line(
                        out,
                        format_args!("{at}, \"wake\": {millis}, \"why\": \"{why}\", \"wake_us\": {micros}"),
                    );
                }
            }
        }
    }

    /// The phase that was printed last.
    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }
}

/// An action as the contract prints it, but for what only the policy knows: where a dial goes, which sequence a resume and a
/// heartbeat carry, which keys are restored. `epoch` is the number of its transport in the log.
pub(crate) fn action(
    action: Action,
    epoch: impl Fn(redial::Epoch) -> u32,
    endpoint: impl FnOnce() -> String,
    sequence: Option<u64>,
    keys: impl FnOnce() -> String,
) -> String {
    match action {
        Action::Open { epoch: opened, mode, attempt, role, .. } => {
            let (number, mode, endpoint) = (epoch(opened), mode.as_str(), endpoint());
            let role = if role == Role::Successor { ", \"role\": \"successor\"" } else { "" };
            format!(
                "\"open\", \"epoch\": {number}, \"mode\": \"{mode}\", \"endpoint\": {endpoint}, \"attempt\": {attempt}{role}"
            )
        }
        Action::Promote { epoch: promoted } => format!("\"promote\", \"epoch\": {}", epoch(promoted)),
        Action::Close { epoch: closed, code } => {
            format!("\"close\", \"epoch\": {}, \"code\": {}", epoch(closed), number(code))
        }
        Action::Identify { epoch: on } => format!("\"send_fresh\", \"epoch\": {}", epoch(on)),
        Action::Resume { epoch: on } => {
            format!("\"send_resume\", \"epoch\": {}, \"seq\": {}", epoch(on), number(sequence))
        }
        Action::Heartbeat { epoch: on } => {
            format!("\"beat\", \"epoch\": {}, \"seq\": {}", epoch(on), number(sequence))
        }
        Action::RefreshCredential { .. } => "\"refresh_credential\"".to_owned(),
        Action::Authenticate { epoch: on } => format!("\"authenticate\", \"epoch\": {}", epoch(on)),
        Action::Restore { epoch: on, send } => {
            format!("\"restore\", \"epoch\": {}, \"keys\": [{}], \"send\": {send}", epoch(on), keys())
        }
        Action::DropSession { reason } => format!("\"drop_session\", \"reason\": \"{}\"", reason.as_str()),
        Action::GaveUp { reason, cause } => {
            format!("\"gave_up\", \"reason\": \"{}\", \"detail\": \"{cause}\"", reason.as_str())
        }
    }
}

pub(crate) fn line(out: &mut String, fields: fmt::Arguments<'_>) {
    out.push_str(&format!("{{{fields}}}\n"));
}

pub(crate) fn number(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
