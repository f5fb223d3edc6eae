//! What the end of an attempt or a connection means: retry with the session or without it, wait, refresh the credential, give
//! up.
//!
//! The rules are data: a protocol has a table, and a user adds overrides.

mod cause;
mod table;
pub mod tables;

pub use cause::{Cause, Class, IoKind, TlsKind};
use table::Sort;
pub use table::{Match, Rule, Scope, Table, Verdict};

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;

/// The largest number of overrides of a [`Classifier`]. More of them belong in a [`Table`].
pub const MAX_OVERRIDES: usize = 16;

/// Maps a [`Cause`] to a [`Verdict`]: by the overrides first, then a table, then the cause's own class, then a default.
///
/// Every cause has exactly one verdict, which is found in bounded time. A code or a status may be any `u16`.
///
/// ```
/// use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
/// use redial::Cause;
///
/// // This server closes with 4002 when the account is out of credits.
/// const CLASSIFIER: Classifier = Classifier::new(&tables::WEBSOCKET)
///     .rule(Rule::new(Match::Is(Cause::CloseFrame(4002)), Verdict::new(Class::Fatal)))
///     .build_const();
/// assert_eq!(CLASSIFIER.classify(Cause::CloseFrame(4002)).class, Class::Fatal);
/// assert_eq!(CLASSIFIER.classify(Cause::CloseFrame(4003)).class, Class::Transient);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Classifier {
    table: &'static Table,
    default: Class,
    overrides: [Option<Rule>; MAX_OVERRIDES],
    overridden: Sort,
    /// The kinds of causes that any row matches, of the table or of the rules above it.
    known: Sort,
}

builds!(Classifier);

impl Classifier {
    /// A classifier with this table and no overrides. A cause without a row is [`Class::Transient`].
    pub const fn new(table: &'static Table) -> Builder<Self> {
        Builder::of(Self {
            table,
            default: Class::Transient,
            overrides: [None; MAX_OVERRIDES],
            overridden: Sort::NONE,
            known: table.known(),
        })
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        let mut rest: &[Option<Rule>] = &self.overrides;
        while let [Some(rule), tail @ ..] = rest {
            if let Match::CloseRange(low, high) | Match::HttpRange(low, high) = rule.matches {
                if low > high {
                    return Err(ConfigError::RangeReversed);
                }
            }
            rest = tail;
        }
        Ok(self)
    }
}

impl Builder<Classifier> {
    /// The class of a cause without a row: an unlisted code, [`IoKind::Other`], [`Cause::Unknown`]. Default:
    /// [`Class::Transient`], because a needless resume costs one round trip, and a needless stop costs the service.
    pub const fn default_class(mut self, class: Class) -> Self {
        self.config.default = class;
        self
    }

    /// Adds a rule that precedes the table. Of several that match, the last one wins.
    ///
    /// # Errors
    /// * [`ConfigError::RangeReversed`]: a range whose first is above its last would match nothing.
    /// * [`ConfigError::TooManyOverrides`]: more than [`MAX_OVERRIDES`].
    pub const fn rule(mut self, rule: Rule) -> Self {
        self.config.overridden = self.config.overridden.with(&rule);
        self.config.known = self.config.known.with(&rule);
        let mut slots: &mut [Option<Rule>] = &mut self.config.overrides;
        while let Some((slot, rest)) = slots.split_first_mut() {
            if slot.is_none() {
                *slot = Some(rule);
                return self;
            }
            slots = rest;
        }
        self.refuse(ConfigError::TooManyOverrides);
        self
    }
}

impl Classifier {
    /// The class of what no row knows.
    #[must_use]
    pub const fn default_class(&self) -> Class {
        self.default
    }

    /// The rules above the table, in the order in which they were given.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.overrides.iter().flatten()
    }

    /// The table without the overrides.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// The verdict of `cause`.
    #[must_use]
    #[inline]
    pub fn classify(&self, cause: Cause) -> Verdict {
        if self.known.has(Sort::of(cause)) { self.by_rows(cause) } else { Verdict::new(self.inherent(cause)) }
    }

    #[inline(never)] // Most causes of most configs need no row.
    fn by_rows(&self, cause: Cause) -> Verdict {
        if self.overridden.has(Sort::of(cause)) {
            let rule = self.overrides.iter().rev().flatten().find(|rule| rule.matches.covers(cause));
            if let Some(rule) = rule {
                return rule.verdict;
            }
        }
        self.table.lookup(cause).unwrap_or_else(|| Verdict::new(self.inherent(cause)))
    }

    /// The longest minimum wait of all verdicts.
    pub(crate) fn longest_wait(&self) -> Micros {
        let overrides = self.overrides.iter().flatten().map(|rule| rule.verdict.longest_wait());
        let tables =
            self.table.chain().flat_map(|table| table.rules()).map(|rule| rule.verdict.longest_wait());
        // A driver may report a cause without a row as rate limited.
        let own = Verdict::new(Class::RateLimited).longest_wait();
        overrides.chain(tables).fold(own, Micros::max)
    }

    /// The class of a cause without a row.
    const fn inherent(&self, cause: Cause) -> Class {
        match cause {
            Cause::Class(class) => class,
            Cause::SessionInvalid => Class::Fresh,
            Cause::AuthRejected => Class::Auth,
            Cause::AuthDenied => Class::Fatal,
            Cause::CloseFrame(_) | Cause::Http(_) | Cause::Io(_) | Cause::Tls(_) | Cause::Unknown => {
                self.default
            }
            Cause::NoCloseFrame
            | Cause::Timeout
            | Cause::ConnectTimeout
            | Cause::GreetingTimeout
            | Cause::ReadyTimeout
            | Cause::AuthTimeout
            | Cause::HeartbeatMissed
            | Cause::SendFailed
            | Cause::ReconnectRequested
            | Cause::SessionInvalidResumable
            | Cause::BadGreeting
            | Cause::NetworkDown
            | Cause::HostSuspended
            | Cause::RestoreFailed => Class::Transient,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// Issue 12: the short way for a cause whose kind no row matches equals the reading of every row.
    #[test]
    fn the_short_way_equals_the_reading_of_every_row() {
        let other = [
            Cause::NoCloseFrame,
            Cause::Timeout,
            Cause::HeartbeatMissed,
            Cause::SendFailed,
            Cause::SessionInvalid,
            Cause::AuthRejected,
            Cause::AuthDenied,
            Cause::Class(Class::Replaced),
            Cause::Unknown,
        ];
        let causes: Vec<_> = (1000..5000)
            .map(Cause::CloseFrame)
            .chain((100..600).map(Cause::Http))
            .chain(IoKind::ALL.iter().copied().map(Cause::Io))
            .chain(TlsKind::ALL.iter().copied().map(Cause::Tls))
            .chain(other)
            .collect();
        static LONE: Table = Table::new("lone", &[]);
        let rules = [
            None,
            Some(Match::Is(Cause::Timeout)),
            Some(Match::CloseRange(4000, 4100)),
            Some(Match::HttpRange(500, 510)),
            Some(Match::AnyIo),
            Some(Match::AnyTls),
        ];
        for table in tables::ALL.into_iter().chain([&LONE]) {
            for rule in rules {
                let builder = Classifier::new(table).default_class(Class::Fresh);
                let rule = rule.map(|matches| Rule::new(matches, Verdict::new(Class::Fatal)));
                let classifier = rule.map_or(builder, |rule| builder.rule(rule)).build_const();
                for cause in &causes {
                    assert_eq!(classifier.classify(*cause), classifier.by_rows(*cause), "{cause:?}");
                }
            }
        }
    }
}
