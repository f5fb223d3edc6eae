//! What every driver must do for sessions, subscriptions and credentials.

use core::time::Duration;
use std::prelude::v1::*;
use std::vec;

use crate::driver::{Command, Outcome, RefreshFailed};
use crate::policy::ResumeConfig;
use crate::{Cause, Config, Event, GiveUp, Phase, SessionState, fixed_config};

use super::duties::{BACKOFF, LONG, assert_after, nothing, please_reconnect};
use super::host::Host;
use super::lab::{Answer, Fact, Lab, Say, ms, ready};

/// Duty 8: a rejected credential is renewed, and a source that never answers parks nothing without end.
pub(super) async fn credentials_are_refreshed(rt: Host, slack: Duration) {
    let rejected = || Answer::refuse(Cause::AuthRejected);
    let lab = Lab::new(rt, vec![rejected()]);
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let script = async {
        lab.until_phase(Phase::Online).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!((lab.dials().len(), lab.log().refreshes.len()), (2, 1));
    assert_after(lab.dials()[0], lab.dials()[1], ms(0), slack);

    let lab = Lab::new(lab.host.clone(), vec![rejected()]).set(|set| set.set_credential(None));
    let mut driver = lab.subject(&LONG);
    let handle = driver.requests();
    let script = async {
        lab.sleep(ms(50)).await;
        assert_eq!(lab.phases().last(), Some(&Phase::Parked));
        lab.host.suspend(Duration::from_secs(30));
        handle.visible();
        lab.sleep(ms(50)).await;
        assert_eq!(lab.phases().last(), Some(&Phase::Waiting));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);

    let lab = Lab::new(lab.host.clone(), vec![rejected()])
        .set(|set| set.set_credential(Some(Err(RefreshFailed { fatal: true }))));
    let mut driver = lab.subject(&LONG);
    let outcome = lab.drive(driver.run(), nothing()).await;
    assert_eq!(outcome, Outcome::GaveUp { reason: GiveUp::Auth, cause: Cause::AuthRejected });
}

/// Subscriptions go out when they are wished, again after a loss, and are given up once.
pub(super) async fn subscriptions_are_restored(rt: Host, _: Duration) {
    let invalid: fn(_) -> Fact = |epoch| Event::SessionInvalid { epoch, resumable: false };
    let lab = Lab::new(
        rt,
        vec![Answer::accept(vec![Say::events(vec![ready]), Say::wait(ms(100)), Say::events(vec![invalid])])],
    );
    let mut driver = lab.subject(&BACKOFF);
    let handle = driver.requests();
    handle.subscribe("b".into(), 0);
    let script = async {
        lab.sleep(ms(50)).await;
        handle.subscribe("a".into(), 1);
        while lab.closed().is_empty() {
            lab.sleep(ms(1)).await;
        }
        handle.unsubscribe("b".into());
        handle.retry_now();
        lab.until_phase(Phase::Online).await;
        lab.sleep(ms(50)).await;
        handle.unsubscribe("a".into());
        handle.unsubscribe("a".into());
        lab.sleep(ms(50)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let sent: Vec<_> = lab.sent();
    let restore = |key: &str, send| Command::Restore { keys: vec![key.to_string()], send };
    let expected = [
        Command::Identify,
        restore("b", 1),
        restore("a", 2),
        Command::Identify,
        restore("a", 3),
        Command::Unsubscribe("a".into()),
    ];
    assert_eq!(sent, expected);
}

/// A resume goes to the session's own endpoint, with token and number.
pub(super) async fn a_resume_has_its_session(rt: Host, _: Duration) {
    let ready: fn(_) -> Fact = |epoch| Event::Ready {
        epoch,
        token: Some("token".into()),
        endpoint: Some("own".into()),
        sequence: Some(7),
        ttl: None,
    };
    let lost: fn(_) -> Fact = please_reconnect;
    let lab = Lab::new(rt, vec![Answer::accept(vec![Say::events(vec![ready, lost])])]);
    let mut driver = lab.subject(&BACKOFF);
    let handle = driver.requests();
    let script = async {
        lab.until_sent(2).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let endpoints: Vec<_> = lab.log().dials.into_iter().map(|dialled| dialled.dial.endpoint).collect();
    assert_eq!(endpoints, [None, Some("own".to_owned())]);
    let session = SessionState::resumable("token".to_owned(), Some("own".to_owned()), Some(7));
    assert_eq!(lab.sent()[1], Command::Resume(session));
}

/// A driver runs a policy with parts left out, too: each connection begins afresh.
pub(super) async fn a_policy_without_a_session_dials_afresh(rt: Host, slack: Duration) {
    const CONFIG: Config = BACKOFF.to_builder().resume(ResumeConfig::DISABLED).build_const();
    fixed_config!(struct Fixed = CONFIG);
    let lost: fn(_) -> Fact = please_reconnect;
    let lab = Lab::new(rt, vec![Answer::accept(vec![Say::events(vec![ready, lost])])]);
    let mut driver = lab.driver(Fixed);
    let handle = driver.handle();
    let script = async {
        lab.until_sent(2).await;
        handle.stop_keeping_session();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(lab.dials().len(), 2);
    assert_after(lab.dials()[0], lab.dials()[1], ms(40), slack);
    assert_eq!(lab.sent(), [Command::Identify, Command::Identify]);
}
