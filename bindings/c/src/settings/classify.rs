//! What a cause means: a table, and rules of the program's own over it.

use core::ffi::c_char;
use core::time::Duration;

use core_policy::classify::{Classifier, Match, Rule, Table, Verdict, tables};

use crate::cause::{class_number, redial_cause, redial_class};
use crate::choices::{redial_scope, scope_number};
use crate::names::{numbered, word};
use crate::status::{Refused, Why};

use super::{Tables, choice, refused};

/// The most rules over a table.
pub const REDIAL_MAX_RULES: usize = 16;

/// The most steps of a rule.
pub const REDIAL_MAX_STEPS: usize = 8;

/// The table of a protocol.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_table {
    /// Sockets, TLS and HTTP, which every other table begins with.
    REDIAL_TABLE_TRANSPORT = 1,
    /// The close codes of WebSockets.
    REDIAL_TABLE_WEBSOCKET = 2,
    /// Those of Discord's gateway.
    REDIAL_TABLE_DISCORD_GATEWAY = 3,
    /// Those of Centrifugo.
    REDIAL_TABLE_CENTRIFUGE = 4,
    /// Those of graphql-ws.
    REDIAL_TABLE_GRAPHQL_WS = 5,
    /// Those of Pusher.
    REDIAL_TABLE_PUSHER = 6,
    /// The reason codes of MQTT 5.
    REDIAL_TABLE_MQTT5 = 7,
}

/// A [`redial_table`] as a number.
pub type table_number = u32;

numbered!(redial_table {
    REDIAL_TABLE_TRANSPORT,
    REDIAL_TABLE_WEBSOCKET,
    REDIAL_TABLE_DISCORD_GATEWAY,
    REDIAL_TABLE_CENTRIFUGE,
    REDIAL_TABLE_GRAPHQL_WS,
    REDIAL_TABLE_PUSHER,
    REDIAL_TABLE_MQTT5,
});

/// The causes that a rule matches.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_match {
    /// Exactly `cause`.
    REDIAL_MATCH_IS = 1,
    /// A close frame with a code from `first` to `last`.
    REDIAL_MATCH_CLOSE_RANGE = 2,
    /// An HTTP status from `first` to `last`.
    REDIAL_MATCH_HTTP_RANGE = 3,
    /// Any error of a socket or of the name lookup.
    REDIAL_MATCH_ANY_IO = 4,
    /// Any failure of TLS.
    REDIAL_MATCH_ANY_TLS = 5,
}

/// A [`redial_match`] as a number.
pub type match_number = u32;

numbered!(redial_match {
    REDIAL_MATCH_IS,
    REDIAL_MATCH_CLOSE_RANGE,
    REDIAL_MATCH_HTTP_RANGE,
    REDIAL_MATCH_ANY_IO,
    REDIAL_MATCH_ANY_TLS,
});

/// A rule: these causes mean this. The last rule that matches applies.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_rule {
    /// Which causes.
    pub matches: match_number,
    /// The one cause.
    pub cause: redial_cause,
    /// The first of a range,
    pub first: u16,
    /// and the last.
    pub last: u16,
    /// What to do.
    pub verdict: class_number,
    /// What has to change before another attempt could succeed.
    pub scope: scope_number,
    /// The least wait: from here
    pub wait_low_ms: u32,
    /// to here, drawn.
    pub wait_high_ms: u32,
    /// What the n-th in a row adds to the wait.
    pub steps_ms: [u32; REDIAL_MAX_STEPS],
    /// How many steps there are.
    pub step_count: u8,
    /// So many in a row are retried, and the next is final; 0: no limit.
    pub limit: u8,
    /// Whether the next wait is the cap of the backoff.
    pub at_cap: u8,
    /// Whether the credential is renewed before the next dial.
    pub renew: u8,
    /// Whether the client is to blame.
    pub client_fault: u8,
}

/// What causes mean.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_classify {
    /// The table of the protocol.
    pub table: table_number,
    /// The class of a cause that neither a rule nor the table has.
    pub default_class: class_number,
    /// The rules over the table.
    pub rules: [redial_rule; REDIAL_MAX_RULES],
    /// How many there are.
    pub rule_count: u32,
}

const NO_RULE: redial_rule = redial_rule {
    matches: 0,
    cause: redial_cause::NONE,
    first: 0,
    last: 0,
    verdict: 0,
    scope: 0,
    wait_low_ms: 0,
    wait_high_ms: 0,
    steps_ms: [0; REDIAL_MAX_STEPS],
    step_count: 0,
    limit: 0,
    at_cap: 0,
    renew: 0,
    client_fault: 0,
};

fn table(table: redial_table) -> &'static Table {
    use redial_table::*;
    match table {
        REDIAL_TABLE_TRANSPORT => &tables::TRANSPORT,
        REDIAL_TABLE_WEBSOCKET => &tables::WEBSOCKET,
        REDIAL_TABLE_DISCORD_GATEWAY => &tables::DISCORD_GATEWAY,
        REDIAL_TABLE_CENTRIFUGE => &tables::CENTRIFUGE,
        REDIAL_TABLE_GRAPHQL_WS => &tables::GRAPHQL_WS,
        REDIAL_TABLE_PUSHER => &tables::PUSHER,
        REDIAL_TABLE_MQTT5 => &tables::MQTT5,
    }
}

impl redial_classify {
    pub(super) fn of(config: &Classifier) -> Self {
        let numbers = 1..=tables::ALL.len();
        let number = tables::ALL
            .iter()
            .zip(numbers)
            .find(|(table, _)| core::ptr::eq(**table, config.table()))
            .and_then(|(_, number)| u32::try_from(number).ok());
        let mut it = Self {
            table: number.unwrap_or(0),
            default_class: redial_class::of(config.default_class()),
            rules: [NO_RULE; REDIAL_MAX_RULES],
            rule_count: 0,
        };
        for (slot, rule) in it.rules.iter_mut().zip(config.rules()) {
            *slot = redial_rule::of(rule);
            it.rule_count = it.rule_count.saturating_add(1);
        }
        it
    }

    pub(super) fn build(&self, tables: &Tables) -> Result<Classifier, Refused> {
        let table = choice(redial_table::read(self.table), word!("classify.table"))?;
        let default = choice(redial_class::read(self.default_class), word!("classify.default_class"))?;
        let mut config = Classifier::new(self::table(table)).default_class(default);
        let count = usize::try_from(self.rule_count).unwrap_or(usize::MAX);
        let rules = self.rules.get(..count);
        let rules = rules.ok_or_else(|| why(word!("there are more rules than REDIAL_MAX_RULES")))?;
        for (at, rule) in rules.iter().enumerate() {
            config = config.rule(rule.build(|steps| tables.keep_steps(at, steps))?);
        }
        config.build().map_err(refused(RULES))
    }
}

/// The setting of all errors of rules.
const RULES: *const c_char = word!("classify.rules");

const fn why(message: *const c_char) -> Refused {
    Refused { setting: RULES, why: Why::Text(message) }
}

impl redial_rule {
    fn of(rule: &Rule) -> Self {
        use redial_match::*;
        let (matches, cause, (first, last)) = match rule.matches {
            Match::Is(cause) => (REDIAL_MATCH_IS, redial_cause::of(cause), (0, 0)),
            Match::CloseRange(first, last) => (REDIAL_MATCH_CLOSE_RANGE, redial_cause::NONE, (first, last)),
            Match::HttpRange(first, last) => (REDIAL_MATCH_HTTP_RANGE, redial_cause::NONE, (first, last)),
            Match::AnyIo => (REDIAL_MATCH_ANY_IO, redial_cause::NONE, (0, 0)),
            _ => (REDIAL_MATCH_ANY_TLS, redial_cause::NONE, (0, 0)),
        };
        let verdict = &rule.verdict;
        let ((wait_low_ms, wait_high_ms), steps) = verdict.waits();
        let mut steps_ms = [0; REDIAL_MAX_STEPS];
        // No config has more: none can be built with them, and no preset has any.
        steps_ms.iter_mut().zip(steps).for_each(|(slot, step)| *slot = *step);
        Self {
            matches: matches as u32,
            cause,
            first,
            last,
            verdict: redial_class::of(verdict.class),
            scope: redial_scope::of(verdict.scope),
            wait_low_ms,
            wait_high_ms,
            steps_ms,
            step_count: steps.len().min(REDIAL_MAX_STEPS) as u8,
            limit: verdict.limit,
            at_cap: verdict.at_cap.into(),
            renew: verdict.renew.into(),
            client_fault: verdict.client_fault.into(),
        }
    }

    fn build(
        &self,
        keep: impl FnOnce(&mut dyn Iterator<Item = u32>) -> &'static [u32],
    ) -> Result<Rule, Refused> {
        use redial_match::*;
        let matches =
            redial_match::read(self.matches).ok_or_else(|| why(word!("matches is no redial_match")))?;
        let matches = match matches {
            REDIAL_MATCH_IS => Match::Is(
                self.cause
                    .read()
                    .ok_or_else(|| why(word!("cause is none, or its detail is not of its kind")))?,
            ),
            REDIAL_MATCH_CLOSE_RANGE => Match::CloseRange(self.first, self.last),
            REDIAL_MATCH_HTTP_RANGE => Match::HttpRange(self.first, self.last),
            REDIAL_MATCH_ANY_IO => Match::AnyIo,
            REDIAL_MATCH_ANY_TLS => Match::AnyTls,
        };
        let class =
            redial_class::read(self.verdict).ok_or_else(|| why(word!("verdict is no redial_class")))?;
        let scope = redial_scope::read(self.scope).ok_or_else(|| why(word!("scope is no redial_scope")))?;
        let steps = self.steps_ms.get(..self.step_count.into());
        let steps = steps.ok_or_else(|| why(word!("there are more steps than REDIAL_MAX_STEPS")))?;
        let mut verdict = Verdict::new(class)
            .with_limit(self.limit)
            .with_scope(scope)
            .with_wait(
                Duration::from_millis(self.wait_low_ms.into()),
                Duration::from_millis(self.wait_high_ms.into()),
            )
            .map_err(refused(RULES))?;
        if !steps.is_empty() {
            verdict = verdict.with_steps_ms(keep(&mut steps.iter().copied()));
        }
        if self.at_cap != 0 {
            verdict = verdict.with_at_cap();
        }
        if self.renew != 0 {
            verdict = verdict.with_renewal();
        }
        if self.client_fault != 0 {
            verdict = verdict.with_client_fault();
        }
        Ok(Rule::new(matches, verdict))
    }
}
