//! Classification, row by row, in sections: 6.1 close codes, 6.2 Discord, 6.3 HTTP, 6.4 socket, DNS, TLS and local
//! causes.

mod causes;
mod close_codes;
mod names;
mod overrides;
mod protocols;

use std::time::Duration;

use redial::builder::Builder;
use redial::classify::{
    Class, Classifier, MAX_OVERRIDES, Match, Rule, Scope, Table, TlsKind, Verdict, tables,
};
use redial::{Cause, ConfigError, IoKind};

use Class::{Auth, Fatal, Fresh, RateLimited, Replaced, Transient};

const WEBSOCKET: Classifier = Classifier::new(&tables::WEBSOCKET).build_const();
const DISCORD: Classifier = Classifier::new(&tables::DISCORD_GATEWAY).build_const();

/// What a row says, written down a second time and by hand: class, client fault, limited, at cap.
type Row = (Class, bool, bool, bool);

const RESUME: Row = (Transient, false, false, false);
const FRESH: Row = (Fresh, false, false, false);
const FATAL: Row = (Fatal, false, false, false);
const FATAL_CF: Row = (Fatal, true, false, false);
const AUTH_ONCE: Row = (Auth, false, true, false);
const LATER: Row = (RateLimited, false, false, false);
const LADDER: Row = (RateLimited, false, true, false);
const FRESH_CF: Row = (Fresh, true, false, false);
const FRESH_CF_LIMITED: Row = (Fresh, true, true, false);
const RESUME_CF: Row = (Transient, true, false, false);
const RESUME_LIMITED: Row = (Transient, false, true, false);
const RESUME_AT_CAP: Row = (Transient, false, false, true);
const RESUME_AT_CAP_LIMITED: Row = (Transient, false, true, true);
const REPLACED: Row = (Replaced, false, false, false);

fn row(verdict: Verdict) -> Row {
    (verdict.class, verdict.client_fault, verdict.limit > 0, verdict.at_cap)
}

fn check(classifier: &Classifier, section: &str, rows: impl IntoIterator<Item = (Cause, Row)>) {
    for (cause, expected) in rows {
        assert_eq!(row(classifier.classify(cause)), expected, "section {section}, {cause} {cause:?}");
    }
}

fn closes<const N: usize>(rows: [(u16, Row); N]) -> impl Iterator<Item = (Cause, Row)> {
    rows.into_iter().map(|(code, row)| (Cause::CloseFrame(code), row))
}

fn secs(range: (u64, u64)) -> (Duration, Duration) {
    (Duration::from_secs(range.0), Duration::from_secs(range.1))
}

const NO_WAIT: (Duration, Duration) = (Duration::ZERO, Duration::ZERO);
