//! Every phase against every kind of event, as a table to read in review: `tests/decisions/transitions.txt`; and every stage of a
//! handover, in `tests/decisions/transitions/handover.txt`.
//!
//! A line: phase, event, what became of the event, the new phase with its deadline (from now) and its reason, the actions.
//! After a wanted change: `BLESS=1 cargo test --test decisions transitions::`, then read the diff.

use core::time::Duration;

use redial::handover::Decider;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{HoldReason, RestoreConfig, Role};
use redial::subscriptions::FixedSubscriptions;
use redial::{
    Action, BackoffConfig, Cause, Config, Disposition, Epoch, Event, Instant, IoKind, Policy, Ratio,
    SplitMix64,
};

mod handover;
mod picture;

type Subject = Policy<SplitMix64, &'static str, FixedSubscriptions<u8, 4>>;
type Fact = Event<&'static str, u8>;

/// With everything on that makes a phase: greeting, heartbeat, authentication, paced restoration, stability, a limit.
static CONFIG: Config = Config::new(
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
)
.greeting(Some(Duration::from_secs(30)))
.heartbeat(HeartbeatConfig::new().first_jitter(false).build_const())
.reset_after_stable(Duration::from_secs(60))
.max_attempts(Some(3))
.restore(RestoreConfig::new().batches(1, Duration::from_millis(500)).authentication(true).build_const())
.build_const();

/// All phases are looked at at this time.
const NOW: Instant = Instant::from_millis(10_000);

const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);

fn epoch() -> Epoch {
    Epoch::from_raw(1).unwrap()
}

fn hold() -> HoldReason {
    HoldReason::new(0).unwrap()
}

/// A policy to which these events happened.
fn after(facts: &[Fact]) -> Subject {
    let mut policy = Policy::new(&CONFIG, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new());
    for fact in facts {
        happen(&mut policy, NOW, fact.clone());
    }
    policy
}

/// A step on the way to a phase: used, and what it decides is looked at elsewhere.
fn happen(policy: &mut Subject, at: Instant, fact: Fact) {
    assert_eq!(policy.handle_event(at, fact.clone()).disposition(), Disposition::Applied, "{fact:?}");
}

fn ready(sequence: u64) -> Fact {
    Event::Ready {
        epoch: epoch(),
        token: Some("token"),
        endpoint: Some("wss://resume"),
        sequence: Some(sequence),
        ttl: None,
    }
}

fn closed(cause: Cause) -> Fact {
    Event::Closed { epoch: epoch(), cause }
}

fn phases() -> Vec<(&'static str, Subject)> {
    let opened = Event::Opened { epoch: epoch() };
    let greeting = Event::Greeting { epoch: epoch(), heartbeat: Some(Duration::from_secs(45)) };
    let failed = Event::OpenFailed { epoch: epoch(), cause: REFUSED, retry_after: None };
    let fatal = Event::OpenFailed { epoch: epoch(), cause: Cause::Http(404), retry_after: None };
    let rejected = Event::OpenFailed { epoch: epoch(), cause: Cause::AuthRejected, retry_after: None };
    let auth_ok = Event::AuthOk { epoch: epoch() };
    let want = |key| Event::Subscribe { key, priority: 0 };
    let up = [Event::Start, opened.clone(), greeting.clone(), ready(1), auth_ok.clone()];
    let with = |more: &[Fact]| [&up[..], more].concat();

    let mut resuming = after(&with(&[Event::Stop { keep: true }, Event::Start]));
    let second = Epoch::from_raw(2).unwrap();
    happen(&mut resuming, NOW, Event::Opened { epoch: second });
    happen(&mut resuming, NOW, Event::Greeting { epoch: second, heartbeat: None });

    let mut exhausted = after(&[Event::Start, failed.clone()]);
    while let Some(at) = exhausted.poll_timeout() {
        assert_eq!(exhausted.handle_timeout(at).len(), 1);
        if let Some(epoch) = exhausted.epoch() {
            happen(&mut exhausted, at, Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
        }
    }
    vec![
        ("idle", after(&[])),
        ("connecting", after(&[Event::Start])),
        ("greeting", after(&[Event::Start, opened.clone()])),
        ("establishing", after(&[Event::Start, opened.clone(), greeting.clone()])),
        ("resuming", resuming),
        ("authenticating", after(&[Event::Start, opened.clone(), greeting.clone(), ready(1)])),
        ("restoring", after(&[Event::Start, want(1), want(2), want(3), opened, greeting, ready(1), auth_ok])),
        ("online", after(&up)),
        ("waiting", after(&[Event::Start, failed.clone()])),
        ("waiting+session", after(&with(&[closed(Cause::NoCloseFrame)]))),
        ("parked:hold", after(&[Event::Start, failed.clone(), Event::Hold(hold())])),
        ("parked:network", after(&[Event::Start, failed.clone(), Event::NetworkDown])),
        ("parked:hidden", after(&[Event::Start, failed, Event::Hidden])),
        ("parked:credential", after(&[Event::Start, rejected])),
        ("stopped", after(&with(&[Event::Stop { keep: false }]))),
        ("stopped+session", after(&with(&[Event::Stop { keep: true }]))),
        ("failed:limit", exhausted),
        ("failed:fatal", after(&[Event::Start, fatal])),
    ]
}

/// Every kind of event, those of a transport about this one.
fn facts(epoch: Epoch) -> Vec<(&'static str, Fact)> {
    vec![
        ("start", Event::Start),
        ("stop", Event::Stop { keep: false }),
        ("stop keep", Event::Stop { keep: true }),
        ("retry_now", Event::RetryNow),
        ("hold", Event::Hold(hold())),
        ("release", Event::Release(hold())),
        ("net_down", Event::NetworkDown),
        ("net_up", Event::NetworkUp),
        ("hidden", Event::Hidden),
        ("visible", Event::Visible),
        ("net_changed", Event::NetworkChanged),
        ("redial", Event::Redial),
        ("backoff_hint", Event::BackoffHint { base: Duration::from_secs(3) }),
        ("woke 1 min", Event::HostResumed { gap: Duration::from_secs(60), counted: true }),
        ("opened", Event::Opened { epoch }),
        ("open_failed", Event::OpenFailed { epoch, cause: REFUSED, retry_after: None }),
        ("not_now", Event::NotNow { epoch, retry_after: None }),
        ("closed 1006", Event::Closed { epoch, cause: Cause::CloseFrame(1006) }),
        ("closed 1010", Event::Closed { epoch, cause: Cause::CloseFrame(1010) }),
        ("closed 3000", Event::Closed { epoch, cause: Cause::CloseFrame(3000) }),
        ("send_failed", Event::SendFailed { epoch }),
        ("greeting", Event::Greeting { epoch, heartbeat: Some(Duration::from_secs(45)) }),
        ("ready", Event::Ready { epoch, token: Some("new"), endpoint: None, sequence: Some(2), ttl: None }),
        ("resumed", Event::Resumed { epoch }),
        ("seq", Event::Sequence { epoch, sequence: 9 }),
        ("please_reconnect", Event::ReconnectRequested { epoch, retry_after: None, deadline: None }),
        (
            "reconnect by",
            Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(Duration::from_secs(9)) },
        ),
        ("redirected", Event::Redirected { epoch, endpoint: "wss://other", permanent: false }),
        ("cursor", Event::Cursor { epoch, token: "place" }),
        ("keep_alive", Event::KeepAlive { epoch, interval: Duration::from_secs(20) }),
        ("invalid", Event::SessionInvalid { epoch, resumable: false }),
        ("invalid resumable", Event::SessionInvalid { epoch, resumable: true }),
        ("beat_ack", Event::HeartbeatAcked { epoch }),
        ("beat_requested", Event::HeartbeatRequested { epoch }),
        ("rx", Event::Received { epoch }),
        ("credential_ok", Event::CredentialOk { request: None, ttl: None }),
        ("credential_failed", Event::CredentialFailed { request: None, fatal: false }),
        ("credential dead", Event::CredentialFailed { request: None, fatal: true }),
        ("credential late", Event::CredentialOk { request: Some(9), ttl: None }),
        ("credential new", Event::CredentialNew),
        ("credential lost", Event::CredentialLost),
        ("auth_ok", Event::AuthOk { epoch }),
        ("auth_failed", Event::AuthFailed { epoch, fatal: false }),
        ("auth dead", Event::AuthFailed { epoch, fatal: true }),
        ("subscribe", Event::Subscribe { key: 9, priority: 0 }),
        ("unsubscribe", Event::Unsubscribe { key: 3 }),
        ("sub_confirmed", Event::SubscriptionConfirmed { epoch, key: 1, send: None }),
        ("sub_failed", Event::SubscriptionFailed { epoch, key: 1, send: None, retryable: true }),
        ("sub_lost", Event::SubscriptionLost { epoch, key: 1 }),
    ]
}

fn action(action: Action) -> String {
    match action {
        Action::Open { epoch, mode, attempt, role, .. } => {
            let role = if role == Role::Successor { " successor" } else { "" };
            format!("open {epoch} {} #{attempt}{role}", mode.as_str())
        }
        Action::Promote { epoch } => format!("promote {epoch}"),
        Action::Close { epoch, code: Some(code) } => format!("close {epoch} {code}"),
        Action::Close { epoch, code: None } => format!("drop {epoch}"),
        Action::Identify { epoch } => format!("send_fresh {epoch}"),
        Action::Resume { epoch } => format!("send_resume {epoch}"),
        Action::Heartbeat { epoch } => format!("beat {epoch}"),
        Action::RefreshCredential { .. } => String::from("refresh"),
        Action::Authenticate { epoch } => format!("authenticate {epoch}"),
        Action::Restore { epoch, .. } => format!("restore {epoch}"),
        Action::DropSession { reason } => format!("forget {}", reason.as_str()),
        Action::GaveUp { reason, cause } => format!("gave_up {} {cause}", reason.as_str()),
    }
}

fn line(
    table: &mut String,
    phase: &str,
    fact: &str,
    policy: &impl Decider,
    at: Instant,
    actions: redial::Actions,
) {
    let disposition = match actions.disposition() {
        Disposition::Applied => "-",
        Disposition::Stale => "stale",
        Disposition::Inapplicable => "inapplicable",
        Disposition::Full => "full",
    };
    let mut state = policy.phase().to_string();
    let explanation = policy.explain();
    if let Some(why) = explanation.waiting_for {
        state += &format!(" {why}");
    }
    if let Some(until) = explanation.until {
        state += &format!(" +{}", until.saturating_duration_since(at).as_millis());
    }
    for (what, epoch) in [("successor", policy.successor()), ("draining", policy.draining())] {
        if let Some(epoch) = epoch {
            state += &format!(" {what} {epoch}");
        }
    }
    let actions: Vec<String> = actions.iter().map(action).collect();
    let text = format!("{phase:<18}{fact:<18}{disposition:<13}{state:<39} {}", actions.join(", "));
    table.push_str(text.trim_end());
    table.push('\n');
}

/// S93, S94 and every rule that says "ignored", at a glance.
#[test]
fn every_phase_against_every_event() {
    let mut table = String::new();
    for (phase, policy) in phases() {
        // A phase without a transport is told about the newest one there was.
        let newest = policy.epoch().or_else(|| Epoch::from_raw(policy.stats().opens.max(1)));
        let now = NOW.max(policy.explain().since);
        for (name, fact) in facts(newest.unwrap()) {
            let mut policy = policy.clone();
            let actions = policy.handle_event(now, fact);
            line(&mut table, phase, name, &policy, now, actions);
        }
        let mut policy = policy.clone();
        let due = policy.poll_timeout().unwrap_or(now);
        let actions = policy.handle_timeout(due);
        line(&mut table, phase, "(timeout)", &policy, due, actions);
        table.push('\n');
    }
    compare(&table, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/decisions/transitions.txt"));
}

/// The table of today and the one that was reviewed.
fn compare(table: &str, path: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, table).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    for (number, (now, then)) in table.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, then, "{path}, line {}; if it is wanted: BLESS=1", number + 1);
    }
    assert_eq!(table.lines().count(), reviewed.lines().count(), "if it is wanted: BLESS=1");
}
