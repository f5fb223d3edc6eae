//! What one call of a policy decided, as lines of JSON: the phase, the actions in order, the deadline. It needs no heap, so that a
//! microcontroller prints the same lines.

use core::fmt::{self, Display, Write};

use redial::policy::{Role, WaitReason};
use redial::{Action, Actions, Disposition, Explanation, Instant, Phase};

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
    pub(crate) fn print<D: Display>(
        &mut self,
        Decided { at, event, actions, explained, deadline }: Decided<'_>,
        shown: impl FnMut(Action) -> D,
        out: &mut dyn Write,
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
pub(crate) fn action<E: Display, K: Display>(
    action: Action,
    epoch: impl Fn(redial::Epoch) -> u32,
    endpoint: impl FnOnce() -> E,
    sequence: Option<u64>,
    keys: impl FnOnce() -> K,
) -> Shown<E, K> {
    Shown {
        action,
        epoch: match action {
            Action::Open { epoch, .. }
            | Action::Promote { epoch }
            | Action::Close { epoch, .. }
            | Action::Identify { epoch }
            | Action::Resume { epoch }
            | Action::Heartbeat { epoch }
            | Action::Authenticate { epoch }
            | Action::Restore { epoch, .. } => Some(epoch),
            Action::RefreshCredential { .. } | Action::DropSession { .. } | Action::GaveUp { .. } => None,
        }
        .map_or(0, epoch),
        endpoint: matches!(action, Action::Open { .. }).then(endpoint),
        sequence,
        keys: matches!(action, Action::Restore { .. }).then(keys),
    }
}

/// An action with what the policy knows of it.
pub(crate) struct Shown<E, K> {
    action: Action,
    epoch: u32,
    endpoint: Option<E>,
    sequence: Option<u64>,
    keys: Option<K>,
}

impl<E: Display, K: Display> Display for Shown<E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, epoch, endpoint, sequence, keys } = self;
        write!(f, "\"{}\"", action.as_str())?;
        match action {
            Action::Open { mode, attempt, role, .. } => {
                let (mode, endpoint) = (mode.as_str(), Bare(endpoint));
                write!(
                    f,
                    ", \"epoch\": {epoch}, \"mode\": \"{mode}\", \"endpoint\": {endpoint}, \"attempt\": {attempt}"
                )?;
                if *role == Role::Successor { f.write_str(", \"role\": \"successor\"") } else { Ok(()) }
            }
            Action::Close { code, .. } => write!(f, ", \"epoch\": {epoch}, \"code\": {}", number(*code)),
            Action::Resume { .. } | Action::Heartbeat { .. } => {
                write!(f, ", \"epoch\": {epoch}, \"seq\": {}", number(*sequence))
            }
            Action::Restore { send, .. } => {
                write!(f, ", \"epoch\": {epoch}, \"keys\": [{}], \"send\": {send}", Bare(keys))
            }
            Action::Promote { .. } | Action::Identify { .. } | Action::Authenticate { .. } => {
                write!(f, ", \"epoch\": {epoch}")
            }
            Action::RefreshCredential { .. } => Ok(()),
            Action::DropSession { reason } => write!(f, ", \"reason\": \"{reason}\""),
            Action::GaveUp { reason, cause } => {
                write!(f, ", \"reason\": \"{reason}\", \"detail\": \"{cause}\"")
            }
        }
    }
}

/// What is there, or nothing.
struct Bare<'a, T>(&'a Option<T>);

impl<T: Display> Display for Bare<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| value.fmt(f))
    }
}

/// Appends an object of these fields. Neither a text nor what a device prints with fails.
pub(crate) fn line(out: &mut dyn Write, fields: fmt::Arguments<'_>) {
    let _written = writeln!(out, "{{{fields}}}");
}

/// A number, or `null`.
pub(crate) fn number<T: Display>(number: Option<T>) -> impl Display {
    struct Number<T>(Option<T>);

    impl<T: Display> Display for Number<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match &self.0 {
                Some(number) => number.fmt(f),
                None => f.write_str("null"),
            }
        }
    }
    Number(number)
}

/// A text as a string of JSON.
pub(crate) fn quoted(text: &str) -> impl Display {
    struct Quoted<'a>(&'a str);

    impl Display for Quoted<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_char('"')?;
            for c in self.0.chars() {
                match c {
                    '"' | '\\' => write!(f, "\\{c}")?,
                    '\u{8}' => f.write_str("\\b")?,
                    '\u{c}' => f.write_str("\\f")?,
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    '\0'..' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('"')
        }
    }
    Quoted(text)
}
