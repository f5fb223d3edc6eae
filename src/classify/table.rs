//! Tables of rules: what a rule matches, and its verdict.

use core::time::Duration;

use super::cause::{Cause, Class};
use crate::error::{ConfigError, valid};
use crate::time::Micros;
use crate::words::words;

/// What has to change before a failed attempt could succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// The client: its request, its credential, its protocol. Every endpoint would refuse it, at any time.
    #[default]
    Client,
    /// The endpoint. Another one may work.
    Endpoint,
    /// The service behind the endpoint: a route that is not deployed, a certificate that was not renewed, a clock that is not
    /// set. Another endpoint may work, and so may this one later.
    Service,
}

words!(Scope {
    Client => "client",
    Endpoint => "endpoint",
    Service => "service",
});

/// What follows from a cause: a [`Class`], with the details of the retry.
///
/// ```
/// use redial::classify::{Class, Verdict};
///
/// // A refusal that may come from a cold proxy: three retries, then give up.
/// const FORBIDDEN: Verdict = Verdict::new(Class::Transient).with_limit(3);
/// assert_eq!(FORBIDDEN.limit, 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Verdict {
    /// The class.
    pub class: Class,
    /// Whether the client is to blame. It recovers all the same, and [`Stats::client_faults`](crate::Stats::client_faults)
    /// counts it.
    pub client_fault: bool,
    /// Whether to wait as long as at the cap of the backoff from the first failure on, because faster retries make it worse.
    pub at_cap: bool,
    /// Whether the credential is refreshed before the next dial, where the config refreshes credentials. Unlike with
    /// [`Class::Auth`], no rejection is counted.
    pub renew: bool,
    /// How many failures with the same cause are retried before the policy gives up; 0: unlimited.
    ///
    /// Failures without a limit in between do not reset the count. Another cause with a limit does, and so does a stable
    /// connection that held for at least the first wait of the backoff. [`Class::Auth`] counts the rejections in a row instead.
    pub limit: u8,
    /// What has to change after a final verdict, which is [`Class::Fatal`] or the failure after [`limit`](Self::limit) others.
    /// Default: [`Scope::Client`].
    pub scope: Scope,
    /// The range of the minimum wait, in milliseconds.
    wait_ms: (u32, u32),
    /// What the n-th failure of this cause adds to the range, in milliseconds. The last step repeats.
    steps_ms: &'static [u32],
}

impl Verdict {
    /// The verdict of this class with its defaults.
    ///
    /// [`Class::RateLimited`] waits 30 to 120 s where the server gave no wait (as for close code 1013, omi #5528). The other
    /// classes have neither a limit nor a wait. How often a renewed credential may be rejected is part of the policy's config.
    #[must_use]
    pub const fn new(class: Class) -> Self {
        Self {
            class,
            client_fault: false,
            at_cap: false,
            renew: false,
            limit: 0,
            scope: Scope::Client,
            wait_ms: if matches!(class, Class::RateLimited) { (30_000, 120_000) } else { (0, 0) },
            steps_ms: &[],
        }
    }

    /// Blames the client; see [`Verdict::client_fault`].
    #[must_use]
    pub const fn with_client_fault(mut self) -> Self {
        self.client_fault = true;
        self
    }

    /// Waits as long as at the cap of the backoff; see [`Verdict::at_cap`].
    #[must_use]
    pub const fn with_at_cap(mut self) -> Self {
        self.at_cap = true;
        self
    }

    /// Refreshes the credential before the next dial; see [`Verdict::renew`].
    #[must_use]
    pub const fn with_renewal(mut self) -> Self {
        self.renew = true;
        self
    }

    /// Retries this many failures; see [`Verdict::limit`]. 0: unlimited.
    #[must_use]
    pub const fn with_limit(mut self, limit: u8) -> Self {
        self.limit = limit;
        self
    }

    /// Sets what has to change; see [`Verdict::scope`].
    #[must_use]
    pub const fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The least wait: drawn from `min..=max`, unless the server gave one. Rounded up to whole milliseconds, at most
    /// 49 days (`u32::MAX` ms).
    ///
    /// # Errors
    /// [`ConfigError::RangeReversed`] if `min` is above `max`.
    pub const fn with_wait(mut self, min: Duration, max: Duration) -> Result<Self, ConfigError> {
        if min.as_nanos() > max.as_nanos() {
            return Err(ConfigError::RangeReversed);
        }
        self.wait_ms = (whole_millis(min), whole_millis(max));
        Ok(self)
    }

    /// The same for a constant.
    ///
    /// # Panics
    /// Where [`with_wait`](Self::with_wait) is an error: at compile time in a `const`.
    #[must_use]
    #[track_caller]
    pub const fn with_wait_const(self, min: Duration, max: Duration) -> Self {
        valid(self.with_wait(min, max))
    }

    /// A backoff of its own: the n-th failure in a row waits `steps_ms[n - 1]` (the last one repeats) more than
    /// [`with_wait`](Self::with_wait) says. Milliseconds. Empty, the default: nothing is added.
    #[must_use]
    pub const fn with_steps_ms(mut self, steps_ms: &'static [u32]) -> Self {
        self.steps_ms = steps_ms;
        self
    }

    /// The range of the least wait, and what the n-th such failure in a row adds to it: milliseconds, as
    /// [`with_wait`](Self::with_wait) and [`with_steps_ms`](Self::with_steps_ms) took them.
    #[must_use]
    pub const fn waits(&self) -> ((u32, u32), &'static [u32]) {
        (self.wait_ms, self.steps_ms)
    }

    /// The range to draw the least wait from after the `nth` such failure in a row, counted from 1. Zeros: none.
    #[must_use]
    pub fn wait(&self, nth: u32) -> (Duration, Duration) {
        let (low, high) = self.wait_ms(nth);
        (Duration::from_millis(low), Duration::from_millis(high))
    }

    /// Whether the verdict depends on how often the cause came.
    pub(crate) const fn is_counted(&self) -> bool {
        self.limit > 0 || !self.steps_ms.is_empty()
    }

    /// The same as [`wait`](Self::wait) in milliseconds.
    /// The longest least wait that it asks for.
    pub(crate) fn longest_wait(&self) -> Micros {
        let step = self.steps_ms.iter().max().copied().unwrap_or_default();
        Micros::from_millis(u64::from(self.wait_ms.1).saturating_add(step.into()))
    }

    pub(crate) fn wait_ms(&self, nth: u32) -> (u64, u64) {
        let nth = usize::try_from(nth).unwrap_or(usize::MAX);
        let step = self.steps_ms.get(nth.saturating_sub(1)).or(self.steps_ms.last()).copied().unwrap_or(0);
        let millis = |part: u32| u64::from(step).saturating_add(u64::from(part));
        (millis(self.wait_ms.0), millis(self.wait_ms.1))
    }
}

const fn whole_millis(duration: Duration) -> u32 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    if millis > u32::MAX as u128 { u32::MAX } else { millis as u32 }
}

/// The causes that a rule matches.
///
/// ```
/// use redial::classify::{Class, Match, Rule, Table, Verdict, tables};
/// use redial::{Cause, IoKind};
///
/// // A service that documents its codes by ranges.
/// static SERVICE: Table = Table::new(
///     "service",
///     &[
///         Rule::new(Match::CloseRange(4400, 4499), Verdict::new(Class::Fatal)),
///         Rule::new(Match::Is(Cause::Io(IoKind::NameNotFound)), Verdict::new(Class::Transient)),
///     ],
/// )
/// .with_base(&tables::WEBSOCKET);
/// assert_eq!(SERVICE.lookup(Cause::CloseFrame(4404)).map(|verdict| verdict.class), Some(Class::Fatal));
/// assert!(SERVICE.lookup(Cause::CloseFrame(4500)).is_none(), "the default class decides");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Match {
    /// Exactly this cause.
    Is(Cause),
    /// A close code from the first to the last, inclusive.
    CloseRange(u16, u16),
    /// An HTTP status from the first to the last, inclusive.
    HttpRange(u16, u16),
    /// Any error of a socket or of the name lookup.
    AnyIo,
    /// Any error of TLS.
    AnyTls,
}

words!(Match {
    Is => "is",
    CloseRange => "close_range",
    HttpRange => "http_range",
    AnyIo => "any_io",
    AnyTls => "any_tls",
});

impl Match {
    /// The [`Sort`] of the causes that it matches.
    const fn sort(self) -> Sort {
        match self {
            Self::Is(cause) => Sort::of(cause),
            Self::CloseRange(..) => Sort::CLOSE,
            Self::HttpRange(..) => Sort::HTTP,
            Self::AnyIo => Sort::IO,
            Self::AnyTls => Sort::TLS,
        }
    }

    /// Whether it matches `cause`.
    #[must_use]
    pub fn covers(self, cause: Cause) -> bool {
        match (self, cause) {
            (Self::Is(this), _) => this == cause,
            (Self::CloseRange(low, high), Cause::CloseFrame(code)) => low <= code && code <= high,
            (Self::HttpRange(low, high), Cause::Http(status)) => low <= status && status <= high,
            (Self::AnyIo, Cause::Io(_)) | (Self::AnyTls, Cause::Tls(_)) => true,
            _ => false,
        }
    }
}

/// A set of kinds of causes: those that some rows match, so that most lookups need not read a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sort(u8);

impl Sort {
    pub(super) const NONE: Self = Self(0);
    const CLOSE: Self = Self(1);
    const HTTP: Self = Self(1 << 1);
    const IO: Self = Self(1 << 2);
    const TLS: Self = Self(1 << 3);
    const OTHER: Self = Self(1 << 4);

    pub(super) const fn of(cause: Cause) -> Self {
        match cause {
            Cause::CloseFrame(_) => Self::CLOSE,
            Cause::Http(_) => Self::HTTP,
            Cause::Io(_) => Self::IO,
            Cause::Tls(_) => Self::TLS,
            _ => Self::OTHER,
        }
    }

    pub(super) const fn with(self, rule: &Rule) -> Self {
        Self(self.0 | rule.matches.sort().0)
    }

    pub(super) const fn has(self, sort: Self) -> bool {
        self.0 & sort.0 != 0
    }
}

/// A rule: these causes have this verdict.
///
/// ```
/// use core::time::Duration;
/// use redial::Cause;
/// use redial::classify::{Class, Match, Rule, Verdict};
///
/// // A proxy that is cold answers 403 for a while: three are retried, 10 to 20 s apart.
/// let verdict = Verdict::new(Class::Transient)
///     .with_limit(3)
///     .with_wait_const(Duration::from_secs(10), Duration::from_secs(20));
/// let rule = Rule::new(Match::Is(Cause::Http(403)), verdict);
/// assert_eq!(rule.verdict.class, Class::Transient);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a row is a match and a verdict, and users write rows")]
pub struct Rule {
    /// The causes.
    pub matches: Match,
    /// Their verdict.
    pub verdict: Verdict,
}

impl Rule {
    /// A row.
    #[must_use]
    pub const fn new(matches: Match, verdict: Verdict) -> Self {
        Self { matches, verdict }
    }
}

/// The rules of a protocol. The first rule that matches applies; a cause that none matches is looked up in the base table.
///
/// ```
/// use redial::Cause;
/// use redial::classify::{Class, Classifier, Match, Rule, Table, Verdict, tables};
///
/// static RULES: [Rule; 1] = [Rule::new(Match::CloseRange(4400, 4499), Verdict::new(Class::Fatal))];
/// static MINE: Table = Table::new("mine", &RULES).with_base(&tables::WEBSOCKET);
///
/// let classifier = Classifier::new(&MINE).build_const();
/// assert_eq!(classifier.classify(Cause::CloseFrame(4401)).class, Class::Fatal);
/// assert_eq!(classifier.classify(Cause::CloseFrame(1006)).class, Class::Transient);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    name: &'static str,
    rules: &'static [Rule],
    base: Option<&'static Self>,
    sorts: Sort,
}

/// The longest chain of tables that is read, since statics can refer to each other in a circle.
const MAX_CHAIN: usize = 8;

impl Table {
    /// A table of these rules, without a base.
    #[must_use]
    pub const fn new(name: &'static str, rules: &'static [Rule]) -> Self {
        let mut sorts = Sort::NONE;
        let mut rest = rules;
        while let [rule, tail @ ..] = rest {
            sorts = sorts.with(rule);
            rest = tail;
        }
        Self { name, rules, base: None, sorts }
    }

    /// Sets the table in which causes without a rule are looked up. A chain is read 8 tables deep.
    #[must_use]
    pub const fn with_base(mut self, base: &'static Self) -> Self {
        self.base = Some(base);
        self
    }

    /// The name in configs and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The rules of this table, without those of its base.
    #[must_use]
    pub const fn rules(&self) -> &'static [Rule] {
        self.rules
    }

    /// The base table.
    #[must_use]
    pub const fn base(&self) -> Option<&'static Self> {
        self.base
    }

    /// This table and its bases.
    pub(super) fn chain(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |table| table.base).take(MAX_CHAIN)
    }

    /// The kinds of causes that any rule of the chain matches.
    pub(super) const fn known(&self) -> Sort {
        let (mut sorts, mut table, mut left) = (Sort::NONE, Some(self), MAX_CHAIN);
        while let (Some(next), Some(fewer)) = (table, left.checked_sub(1)) {
            sorts = Sort(sorts.0 | next.sorts.0);
            (table, left) = (next.base, fewer);
        }
        sorts
    }

    /// The verdict of the first rule that matches, here or in a base; `None` if none does.
    #[must_use]
    pub fn lookup(&self, cause: Cause) -> Option<Verdict> {
        let sort = Sort::of(cause);
        self.chain()
            .filter(|table| table.sorts.has(sort))
            .find_map(|table| table.rules.iter().find(|rule| rule.matches.covers(cause)))
            .map(|rule| rule.verdict)
    }
}
