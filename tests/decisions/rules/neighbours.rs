//! What lies beside the reported faults: the same kinds, at places that no report named.

use core::time::Duration;

use redial::classify::TlsKind;
use redial::endpoints::{EndpointsConfig, FixedEndpoints};
use redial::policy::{OnNetworkDown, WaitReason};
use redial::{Cause, Event, GiveUp, Instant, Policy, SplitMix64};

use crate::harness::*;

/// Report 46: a cause that comes with an endpoint is not judged, whatever harmless call comes between the two: a timeout
/// that finds nothing due, or an event that does not apply.
#[test]
fn nothing_harmless_makes_a_redirecting_loss_a_verdict() {
    let fatal = Cause::Class(redial::classify::Class::Fatal);
    for between in [None, Some(Event::Release(redial::policy::HoldReason::new(3).expect("below 32")))] {
        let mut rig = Harness::online(PLAIN);
        rig.event(Event::Redirected { epoch: rig.epoch(), endpoint: "wss://other", permanent: false });
        match between {
            Some(fact) => _ = rig.event(fact),
            None => _ = rig.tick(),
        }
        assert_eq!(gave_up(&rig.close(fatal)), None);
        rig.redial();
        assert_eq!(rig.told().endpoint, redial::policy::Endpoint::Redirect);
    }
    // A dial that ends otherwise takes what was said with it.
    let mut rig = Harness::started(PLAIN);
    rig.event(Event::Redirected { epoch: rig.epoch(), endpoint: "wss://other", permanent: false });
    rig.advance(secs(10));
    assert_eq!(rig.told().last_cause, Some(Cause::ConnectTimeout));
    rig.redial();
    assert_eq!(gave_up(&rig.fail(fatal)), Some((GiveUp::Fatal, fatal)));
}

/// S48, report 06: the dial that walks on from a connection that was established is the first of its outage, and counts;
/// where no loss is allowed, neither is that.
#[test]
fn a_walk_from_a_lost_connection_counts_its_first_dial() {
    let expired = Cause::Tls(TlsKind::CertificateExpired);
    let walker = |config| {
        let endpoints = FixedEndpoints::<4>::new(3).expect("room for them");
        let mut rig =
            Harness::of(Policy::from_parts(config, SplitMix64::new(1), Default::default(), endpoints));
        rig.start();
        rig.establish();
        rig.advance(secs(60));
        rig
    };
    let mut rig = walker(PLAIN.to_builder().endpoints(EndpointsConfig::DEFAULT).build_const());
    rig.close(expired);
    assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::Endpoint));
    rig.redial();
    assert_eq!(rig.told().attempt, 1);
    let mut rig = walker(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    assert_eq!(gave_up(&rig.close(expired)), Some((GiveUp::MaxAttempts, expired)));
}

/// Lifecycle 41: a sleep of no time is no event: what is overdue stays so, and nothing is told again.
#[test]
fn a_sleep_of_no_time_changes_nothing() {
    let mut rig = Harness::online(PLAIN.to_builder().max_age(Some(secs(100)), Duration::ZERO).build_const());
    rig.now = rig.now.saturating_add(secs(200));
    let told = rig.told();
    let actions =
        rig.policy.handle_event(rig.now, Event::HostResumed { gap: Duration::ZERO, counted: false });
    assert_eq!((actions.disposition(), rig.told()), (redial::Disposition::Inapplicable, told));
}

/// A stop ends what a server said, also for a policy that has given up; and says that it did something.
#[test]
fn a_stop_after_the_end_forgets_the_redirect() {
    let mut rig = Harness::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    rig.event(Event::Redirected { epoch: rig.epoch(), endpoint: "wss://other", permanent: true });
    assert!(gave_up(&rig.lose()).is_some());
    assert_eq!(rig.told().endpoint, redial::policy::Endpoint::Redirect);
    for disposition in [redial::Disposition::Applied, redial::Disposition::Inapplicable] {
        let actions = rig.policy.handle_event(rig.now, Event::Stop { keep: true });
        assert_eq!((actions.is_empty(), actions.disposition()), (true, disposition));
        assert_eq!(rig.told().endpoint, redial::policy::Endpoint::Base);
    }
}

/// S98: a host event in a call with a clock that was far ahead draws its spread, and keeps it in proportion when the
/// clock is back: whatever is drawn, the next dial comes within the backoff and the spread.
#[test]
fn a_clock_ahead_in_a_host_event_keeps_no_dial_away() {
    for seed in 0..64 {
        // A spread of 1 µs is always drawn as 0.
        let config = PLAIN.to_builder().network(OnNetworkDown::Park, Duration::from_micros(1)).build_const();
        let mut rig = Harness::seeded(config, seed);
        rig.start();
        rig.fail(REFUSED);
        let _news = rig.policy.handle_event(Instant::MAX, Event::NetworkUp);
        let now = rig.now;
        let _news = rig.policy.handle_event(now, Event::NetworkUp);
        let until = rig.policy.poll_timeout().expect("a wait");
        assert!(until <= now.saturating_add(secs(2)), "{}", rig.told());
    }
}

/// Report 62: a loss to another client is forgotten an hour after it, also where that is before the clock began: a host
/// that slept with its clock, and a process that is newer than the loss.
#[test]
fn a_takeover_of_before_the_clock_is_forgotten_in_its_hour() {
    let replaced = Cause::Class(redial::classify::Class::Replaced);
    let taken_over = || {
        let mut rig = Harness::online(PLAIN);
        for _ in 0..5 {
            assert_eq!(gave_up(&rig.close(replaced)), None);
            rig.redial();
            rig.establish();
        }
        rig
    };
    let mut rig = taken_over();
    assert_eq!(gave_up(&rig.close(replaced)), Some((GiveUp::Repeated, replaced)));

    let mut rig = taken_over();
    rig.event(Event::HostResumed { gap: secs(7_200), counted: false });
    rig.redial();
    rig.establish();
    assert_eq!(gave_up(&rig.close(replaced)), None);

    for (later, ends) in [(1_800, true), (3_300, false), (7_200, false)] {
        let rig = taken_over();
        let snapshot = rig.policy.snapshot(rig.now).expect("a session").aged(secs(later));
        let mut rig =
            Harness::of(Harness::new(PLAIN).policy.into_inner().with_snapshot(Instant::ZERO, snapshot));
        rig.now = Instant::ZERO;
        rig.start();
        rig.advance(secs(300));
        if rig.phase() == redial::Phase::Waiting {
            rig.redial();
        }
        rig.establish();
        assert_eq!(gave_up(&rig.close(replaced)).is_some(), ends, "{later} s later");
    }
}

/// F72: the byte form keeps the reason of every wait that a policy can be in, that of an age among them.
#[test]
fn the_bytes_of_a_snapshot_keep_the_reason_of_an_age() {
    let mut rig = Harness::online(PLAIN.to_builder().max_age(Some(secs(60)), Duration::ZERO).build_const());
    rig.now = rig.now.saturating_add(secs(60));
    rig.tick();
    assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::MaxAge));
    let snapshot = rig.policy.snapshot(rig.now).expect("an outage");
    let mut bytes = [0; 256];
    let length = snapshot.encode(1, &mut bytes).expect("room");
    let read = redial::policy::Snapshot::decode(&bytes[..length], 1).expect("its own bytes");
    let read = read.try_map(|text| core::str::from_utf8(text).map(String::from)).expect("text");
    let same = snapshot.try_map(|text| Ok::<_, core::convert::Infallible>(String::from(text))).expect("text");
    assert_eq!(read, same);
}

/// Report 69: a server that makes the time to live longer than is kept takes back the shorter one.
#[test]
fn a_session_told_again_without_end_loses_its_end() {
    let mut rig = Harness::started(PLAIN);
    rig.opened();
    for ttl in [secs(10), secs(100 * 86_400)] {
        rig.event(Event::Ready {
            epoch: rig.epoch(),
            token: Some("token"),
            endpoint: None,
            sequence: Some(1),
            ttl: Some(ttl),
        });
    }
    rig.advance(secs(60));
    assert_eq!(dropped(&rig.lose()), None);
    rig.redial();
    assert_eq!(rig.told().mode, redial::Mode::Resume);
}

/// S48: what is replaced by plan is no loss, so that also a policy whose first loss is final dials again; a failure of
/// that dial is final then.
#[test]
fn a_planned_replacement_is_no_loss() {
    let final_loss = PLAIN.to_builder().max_attempts(Some(0)).reset_after_stable(secs(10)).build_const();
    let aging = final_loss.to_builder().max_age(Some(secs(60)), Duration::ZERO).build_const();
    for (config, fact) in [(final_loss, Some(Event::Redial)), (aging, None)] {
        let mut rig = Harness::online(config);
        rig.advance(secs(59));
        let actions = match fact {
            Some(fact) => rig.event(fact),
            None => {
                rig.now = rig.now.saturating_add(secs(1));
                rig.tick()
            }
        };
        assert_eq!((gave_up(&actions), closed(&actions).is_some()), (None, true));
        rig.redial();
        assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::MaxAttempts, REFUSED)));
    }
    let mut rig = Harness::online(final_loss);
    rig.advance(secs(59));
    let deadline = Some(secs(1));
    rig.event(Event::ReconnectRequested { epoch: rig.epoch(), retry_after: None, deadline });
    assert_eq!(gave_up(&rig.advance(secs(1))), None);
    // One that has not held is an attempt of the outage that goes on.
    let mut rig = Harness::online(final_loss.to_builder().max_attempts(Some(1)).build_const());
    assert!(gave_up(&rig.event(Event::Redial)).is_some());
}
