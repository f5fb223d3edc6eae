//! Timing, races and the life of a session that is carried from process to process.

use redial::policy::{ResumeConfig, WaitReason};
use redial::{
    BackoffConfig, Cause, Config, ConfigError, Disposition, Event, Instant, Jitter, Mode, Phase, Ratio,
    SessionState,
};

use crate::harness::*;

const JITTERED: Config =
    PLAIN.to_builder().backoff(DOUBLING.to_builder().jitter(Jitter::Full).build_const()).build_const();

/// Lifecycle 2: nothing happens before the start.
#[test]
fn l02_nothing_before_the_start() {
    let mut rig = Harness::new(GATEWAY);
    for fact in [
        Event::NetworkUp,
        Event::Visible,
        Event::RetryNow,
        Event::HostResumed { gap: secs(60), counted: true },
        Event::CredentialOk { request: None, ttl: None },
    ] {
        assert!(rig.event(fact).is_empty());
    }
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!((rig.phase(), rig.policy.poll_timeout()), (Phase::Idle, None));
    assert_eq!(opens(&rig.start()), 1);
}

/// Lifecycle 3: a failure leads to a wait that says until when and why, never to a dial in the same step, and be the
/// wait none.
#[test]
fn l03_a_failure_is_a_wait() {
    let mut rig = Harness::started(PLAIN);
    assert!(rig.fail(REFUSED).is_empty());
    let told = rig.told();
    assert_eq!((told.phase, told.until), (Phase::Waiting, Some(rig.now.saturating_add(secs(1)))));
    assert_eq!((told.waiting_for, told.last_cause), (Some(WaitReason::Backoff), Some(REFUSED)));
    let mut rig = Harness::started(
        PLAIN.to_builder().backoff(DOUBLING.to_builder().first_delay(secs(0)).build_const()).build_const(),
    );
    assert!(rig.fail(REFUSED).is_empty());
    assert_eq!((rig.phase(), rig.due()), (Phase::Waiting, Some((secs(0), WaitReason::Backoff))));
    assert_eq!(opens(&rig.tick()), 1);
}

/// Lifecycle 4: five thousand failures in a row: every wait within the backoff, none of zero.
#[test]
fn l04_five_thousand_failures() {
    let floor = DOUBLING.to_builder().jitter(Jitter::Full).floor(ms(250)).build_const();
    let mut rig = Harness::started(PLAIN.to_builder().backoff(floor).build_const());
    for failure in 1..=5_000_u32 {
        rig.fail(REFUSED);
        let cap = secs(1_u64.checked_shl(failure - 1).filter(|secs| failure < 6 && *secs < 30).unwrap_or(30));
        let wait = rig.redial();
        assert!(wait >= ms(250) && wait <= cap, "{failure}: {wait:?}");
    }
}

/// Lifecycle 5: a thousand clients at the cap do not wait alike.
#[test]
fn l05_jitter_survives_the_cap() {
    let mut waits: Vec<_> = (0..1_000)
        .map(|seed| {
            let mut rig = Harness::seeded(JITTERED, seed);
            rig.start();
            for _ in 0..8 {
                rig.fail(REFUSED);
                rig.redial();
            }
            rig.fail(REFUSED);
            rig.waits()
        })
        .collect();
    waits.sort();
    assert!(waits[999] - waits[0] > secs(28) && waits[999] <= secs(30));
    waits.dedup();
    assert!(waits.len() > 950, "{}", waits.len());
}

/// Lifecycle 6: the same seed and events give the same actions at the same times; another seed gives other waits.
#[test]
fn l06_the_seed_decides() {
    let run = |seed| {
        let mut rig = Harness::seeded(JITTERED, seed);
        rig.start();
        for round in 0..200 {
            if round % 7 == 0 {
                rig.establish();
                rig.lose();
            } else {
                rig.fail(REFUSED);
            }
            rig.redial();
        }
        (rig.log().to_vec(), rig.policy)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).0, run(6).0);
}

/// Lifecycle 7: a first wait above the cap is refused when the config is made; one that is asked for is cut to it.
#[test]
fn l07_no_first_wait_above_the_cap() {
    assert_eq!(
        BackoffConfig::exponential(secs(2), Ratio::TWO, secs(1)).build(),
        Err(ConfigError::InitialAboveMax)
    );
    let mut rig = Harness::started(
        PLAIN
            .to_builder()
            .backoff(DOUBLING.to_builder().first_delay(secs(3_600)).build_const())
            .build_const(),
    );
    rig.fail(REFUSED);
    assert_eq!(rig.waits(), secs(30));
}

/// Lifecycle 10: an early timer is nothing, a late one fires once.
#[test]
fn l10_early_and_late_timers() {
    let mut rig = Harness::failed_times(PLAIN, 4);
    for _ in 0..7 {
        rig.now = rig.now.saturating_add(secs(1));
        assert!(rig.tick().is_empty());
    }
    // A clock that jumps so far is believed at the second call.
    rig.now = rig.now.saturating_add(secs(86_400));
    assert!(rig.tick().is_empty());
    assert_eq!(opens(&rig.tick()), 1);
    assert!(rig.tick().is_empty());
    rig.fail(REFUSED);
    rig.now = rig.now.saturating_add(secs(300));
    assert_eq!(opens(&rig.tick()), 1, "a little late is only late");
    assert_eq!(
        rig.due(),
        Some((secs(10), WaitReason::ConnectTimeout)),
        "from now on, not from the missed deadline"
    );
}

/// Lifecycle 11: a clock that runs backwards brings no dial early and none never.
#[test]
fn l11_a_clock_that_runs_backwards() {
    let mut rig = Harness::failed_times(PLAIN, 5);
    rig.advance(secs(6));
    rig.now = Instant::from_millis(5);
    assert!(rig.tick().is_empty());
    let wait = rig.waits();
    assert!((secs(10)..=secs(32)).contains(&wait), "{wait:?}");
    rig.redial();
    assert_eq!(rig.policy.stats().clock_rewinds, 1);
}

/// Lifecycle 12: the first retry may come at once, but two dials are never closer than the guard.
#[test]
fn l12_immediate_retries_are_apart() {
    let at_once =
        PLAIN.to_builder().backoff(DOUBLING.to_builder().first_delay(secs(0)).build_const()).build_const();
    for (config, guard) in [
        (at_once, (ms(900), WaitReason::Backoff)),
        (at_once.to_builder().min_interval(secs(2)).build_const(), (ms(1900), WaitReason::MinInterval)),
    ] {
        let mut rig = Harness::online(config);
        rig.advance(secs(10));
        rig.lose();
        assert_eq!(rig.recover(), secs(0));
        for _ in 0..10 {
            rig.advance(ms(100));
            rig.lose();
            assert_eq!(rig.due(), Some(guard));
            rig.recover();
        }
    }
}

/// Lifecycle 25: stopped and started again before the old close arrives.
#[test]
fn l25_stop_and_start_before_the_old_close() {
    let mut rig = Harness::online(PLAIN);
    let old = rig.epoch();
    rig.stop(true);
    rig.start();
    let told = rig.told();
    assert_ne!(told.epoch, Some(old));
    assert!(rig.event(Event::Closed { epoch: old, cause: Cause::CloseFrame(1000) }).is_empty());
    assert_eq!((rig.disposition(), rig.told()), (Disposition::Stale, told));
    rig.establish();
}

/// Lifecycle 26: a stop as the answer to the very loss.
#[test]
fn l26_a_stop_in_the_moment_of_the_loss() {
    let mut rig = Harness::online(
        PLAIN.to_builder().backoff(DOUBLING.to_builder().first_delay(secs(0)).build_const()).build_const(),
    );
    rig.lose();
    rig.stop(false);
    assert!(rig.tick().is_empty());
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.opens(), 1);
}

/// Lifecycle 63: where the server says how long it keeps a session, an older one is not even tried; where it says
/// nothing, it is asked.
#[test]
fn l63_the_age_of_a_session() {
    for (ttl, mode) in [(Some(secs(60)), Mode::Fresh), (None, Mode::Resume)] {
        let mut rig = Harness::started(PLAIN);
        rig.opened();
        let epoch = rig.epoch();
        rig.event(Event::Ready { epoch, token: Some("token"), endpoint: None, sequence: Some(1), ttl });
        rig.advance(secs(3_600));
        rig.sequence(2);
        rig.lose();
        assert_eq!(
            open(&rig.advance(secs(1))).map(|open| open.0),
            Some(Mode::Resume),
            "an hour online is no age"
        );
        rig.event(Event::NetworkDown);
        rig.advance(secs(60));
        assert_eq!(open(&rig.event(Event::NetworkUp)).map(|open| open.0), Some(mode));
    }
}

/// Lifecycle 64: a session can be carried away only while there is one; what is imported is tried as often as the
/// config says and not forever, and half a session is a fresh start.
#[test]
fn l64_export_and_import() {
    let mut rig = Harness::started(PLAIN);
    assert!(rig.policy.session().is_empty(), "before the first ready");
    rig.establish();
    assert_eq!(rig.policy.session().token(), Some(&"token"));
    let exported = rig.policy.session().clone();
    rig.stop(false);
    assert!(rig.policy.session().is_empty(), "after a stop");
    rig.start();
    rig.establish();
    rig.close(Cause::Class(redial::classify::Class::Fatal));
    assert!(rig.policy.session().is_empty(), "after the end");

    let once = GATEWAY.to_builder().resume(ResumeConfig::new().failures_max(1).build_const()).build_const();
    let mut rig = Harness::importing(once, exported);
    assert_eq!(open(&rig.start()).map(|open| open.0), Some(Mode::Resume));
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.lose();
    assert_eq!(open(&rig.advance(secs(1))).map(|open| open.0), Some(Mode::Fresh));

    let numbered =
        GATEWAY.to_builder().resume(ResumeConfig::new().sequence_needed(true).build_const()).build_const();
    let mut rig = Harness::importing(numbered, SessionState::resumable("token", Some("wss://resume"), None));
    assert_eq!(open(&rig.start()), Some((Mode::Fresh, redial::policy::Endpoint::Base, 1)));
    rig.establish();
}

/// Lifecycle 92: what happens to one policy is nothing to another, also with one config and one seed.
#[test]
fn l92_policies_share_nothing() {
    let mut alone = Harness::online(JITTERED);
    let mut beside = Harness::online(JITTERED);
    let mut other = Harness::failed_times(JITTERED, 9);
    for _ in 0..5 {
        alone.lose();
        beside.lose();
        alone.recover();
        other.redial();
        other.establish();
        other.lose();
        beside.recover();
    }
    assert!(alone.policy == beside.policy && alone.log() == beside.log());
}
