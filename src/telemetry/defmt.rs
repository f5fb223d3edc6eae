//! Frames for the crate `defmt`, and `Format` for what it prints.

use defmt::{Format, Formatter};

use crate::classify::Cause;
use crate::policy::{Actions, Epoch, Explanation, Trigger};
use crate::time::Instant;

use super::change::{Change, Level, millis, write_fields};
use super::sink::Sink;

/// Sends each change to the global logger of the crate `defmt`: the client's name, a colon, and the words that
/// [`Change`] displays, which stay in the host's copy of the program. No heap.
///
/// `DEFMT_LOG` filters by the crate, `redial`, when it is compiled.
///
/// ```no_run
/// use redial::telemetry::{Defmt, Observed};
/// use redial::{Policy, SplitMix64, presets};
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let policy = Observed::new(policy, Defmt::new("uplink"));
/// # let _ = policy;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Defmt<N = &'static str> {
    client: N,
}

impl<N: Format> Defmt<N> {
    /// For the client of this name.
    #[must_use]
    pub const fn new(client: N) -> Self {
        Self { client }
    }
}

impl<N: Format> Sink for Defmt<N> {
    fn change(&mut self, _: Instant, change: &Change) {
        match change.level() {
            Level::Error => defmt::error!("{}: {}", self.client, change),
            Level::Warn => defmt::warn!("{}: {}", self.client, change),
            Level::Info => defmt::info!("{}: {}", self.client, change),
            Level::Debug => defmt::debug!("{}: {}", self.client, change),
            Level::Trace => defmt::trace!("{}: {}", self.client, change),
        }
    }
}

/// As `Display` writes it.
impl Format for Change {
    fn format(&self, f: Formatter<'_>) {
        macro_rules! field {
            ($format:literal, $value:expr) => {
                defmt::write!(f, $format, $value)
            };
        }
        self.format_word(f);
        write_fields!(self, field);
    }
}

/// As `Display` writes it.
impl Format for Cause {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::CloseFrame(code) => defmt::write!(f, "close_{}", code),
            Self::Http(status) => defmt::write!(f, "http_{}", status),
            Self::Io(kind) => kind.format(f),
            Self::Tls(kind) => kind.format(f),
            Self::Class(class) => class.format(f),
            other => defmt::write!(f, "{=str}", other.as_str()),
        }
    }
}

/// As `Display` writes it.
impl Format for Trigger {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Gate(reason) => reason.format(f),
            Self::Lost(cause) => cause.format(f),
            Self::GaveUp(reason) => reason.format(f),
            other => other.format_word(f),
        }
    }
}

/// As `Display` writes it: the number.
impl Format for Epoch {
    fn format(&self, f: Formatter<'_>) {
        defmt::write!(f, "{=u32}", self.get());
    }
}

/// In microseconds.
impl Format for Instant {
    fn format(&self, f: Formatter<'_>) {
        defmt::write!(f, "{=u64:us}", self.as_micros());
    }
}

/// What became of the event, and each action.
impl Format for Actions {
    fn format(&self, f: Formatter<'_>) {
        self.disposition().format(f);
        for action in self {
            defmt::write!(f, "; {}", action);
        }
    }
}

/// The phase, what brought it about, and what is waited for until when.
impl Format for Explanation {
    fn format(&self, f: Formatter<'_>) {
        defmt::write!(f, "{} ({})", self.phase, self.trigger);
        if let Some(reason) = self.waiting_for {
            defmt::write!(f, ", {}", reason);
        }
        if let Some(until) = self.until {
            defmt::write!(f, " at {}", until);
        }
        defmt::write!(f, ", attempt {}, {} failures in a row", self.attempt, self.failures);
    }
}
