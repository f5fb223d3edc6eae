//! A policy with several endpoints.

use redial::classify::Class;
use redial::endpoints::{EndpointOrder, Endpoints, EndpointsConfig, FixedEndpoints};
use redial::policy::{Endpoint, ResumeConfig, WaitReason};
use redial::{Action, Cause, Config, Event, GiveUp, IoKind, Mode, Phase, Policy, SessionState, SplitMix64};

use crate::harness::*;

type Walker = Harness<FixedEndpoints<4>>;

const NO_NETWORK: Cause = Cause::Io(IoKind::NetworkUnreachable);
/// Without memory of what worked.
const FORGETFUL: EndpointsConfig = EndpointsConfig::new().sticky(secs(0)).build_const();

fn seeded(config: Config, count: u8, seed: u64) -> Walker {
    let endpoints = FixedEndpoints::new(count).expect("room for them");
    Harness::of(Policy::from_parts(config, SplitMix64::new(seed), Default::default(), endpoints))
}

fn started(config: Config, count: u8) -> Walker {
    let mut rig = seeded(config, count, 1);
    rig.start();
    rig
}

/// Lets the gap pass and dials the next endpoint of the round; how long the gap was.
fn step(rig: &mut Walker) -> core::time::Duration {
    assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::Endpoint), "{}", rig.told());
    rig.redial()
}

fn at(rig: &Walker) -> (u8, u32) {
    (rig.policy.endpoints().current(), rig.told().attempt)
}

/// Lifecycle 71, 74: one round of the endpoints is one attempt and one step of the backoff; the gaps in it are drawn.
#[test]
fn l71_a_round_is_one_attempt() {
    let mut rig = started(PLAIN, 3);
    let mut gaps = Vec::new();
    for (attempt, wait) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
        let mut dialled = vec![at(&rig)];
        for _ in 0..2 {
            rig.fail(REFUSED);
            assert_eq!(rig.told().failures, attempt - 1, "no step within the round");
            gaps.push(step(&mut rig));
            dialled.push(at(&rig));
        }
        assert_eq!(dialled[0], (0, attempt));
        dialled.sort_unstable();
        assert_eq!(dialled, [(0, attempt), (1, attempt), (2, attempt)]);
        rig.fail(REFUSED);
        assert_eq!(rig.due(), Some((secs(wait), WaitReason::Backoff)));
        rig.redial();
    }
    assert_eq!((rig.opens(), rig.policy.stats().failed), (13, 12), "each dial is counted for itself");
    assert!(gaps.iter().all(|gap| (ms(100)..ms(400)).contains(gap)), "{gaps:?}");
    gaps.sort_unstable();
    gaps.dedup();
    assert_eq!(gaps.len(), 8);
}

/// Lifecycle 71, F35: a limit of attempts is one of rounds.
#[test]
fn l71_limits_count_rounds() {
    let mut rig = started(PLAIN.to_builder().max_attempts(Some(2)).build_const(), 3);
    for fails in 0..5 {
        assert_eq!(gave_up(&rig.fail(REFUSED)), None, "{fails}");
        rig.redial();
    }
    assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::MaxAttempts, REFUSED)));
    assert_eq!(rig.opens(), 6);
}

/// F37, lifecycle 71: no wait within a round ends after the time allowed either.
#[test]
fn f37_the_time_allowed_bounds_a_round() {
    let mut rig = started(PLAIN.to_builder().max_elapsed(Some(secs(12))).build_const(), 3);
    assert!(rig.advance(secs(10)).iter().all(|action| matches!(action, Action::Close { .. })));
    step(&mut rig);
    assert_eq!(gave_up(&rig.refuse(503, Some(secs(5)))), Some((GiveUp::MaxElapsed, Cause::Http(503))));
}

/// Lifecycle 71: a dial that the host puts off is the same dial later, at the same endpoint.
#[test]
fn l71_a_dial_put_off_is_the_same_dial() {
    let mut rig = started(PLAIN, 3);
    rig.fail(REFUSED);
    step(&mut rig);
    let before = at(&rig);
    for _ in 0..3 {
        let epoch = rig.epoch();
        rig.event(Event::NotNow { epoch, retry_after: Some(secs(7)) });
        assert_eq!(rig.due(), Some((secs(7), WaitReason::NotNow)));
        rig.redial();
        assert_eq!(at(&rig), before);
    }
    rig.fail(REFUSED);
    step(&mut rig);
    rig.fail(REFUSED);
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)), "the third was the round's last");
}

/// Lifecycle 71: an endpoint that accepts and drops is left like one that can't be reached: only a session is a
/// success. What the server says of the client (its rate, its credential) is no reason to try another.
#[test]
fn l71_only_a_session_ends_the_walk() {
    let mut rig = started(PLAIN, 2);
    rig.opened();
    rig.lose();
    step(&mut rig);
    assert_eq!(at(&rig), (1, 1));
    rig.establish();
    assert_eq!(rig.phase(), Phase::Online);
    rig.lose();
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)), "a loss is no failed dial");

    for class in [Class::RateLimited, Class::Auth] {
        let mut rig = started(PLAIN, 2);
        rig.fail(Cause::Class(class));
        assert_ne!(rig.due().map(|due| due.1), Some(WaitReason::Endpoint));
        assert_eq!(rig.policy.endpoints().current(), 0);
    }
}

/// Lifecycle 72: each round begins at the primary, or at the least failed one, drawn among equals.
#[test]
fn l72_where_a_round_begins() {
    let mut rig = started(PLAIN.to_builder().endpoints(FORGETFUL).build_const(), 2);
    for _ in 0..2 {
        assert_eq!(rig.policy.endpoints().current(), 0);
        rig.fail(REFUSED);
        step(&mut rig);
        rig.establish();
        rig.lose();
        rig.redial();
    }
    let least = PLAIN
        .to_builder()
        .endpoints(FORGETFUL.to_builder().order(EndpointOrder::LeastFailed).build_const())
        .build_const();
    let mut first = [0; 2];
    for seed in 0..40 {
        let mut rig = seeded(least, 2, seed);
        rig.start();
        let preferred = rig.policy.endpoints().current();
        first[usize::from(preferred)] += 1;
        rig.fail(REFUSED);
        step(&mut rig);
        rig.establish();
        rig.advance(secs(1));
        rig.lose();
        rig.redial();
        assert_eq!(rig.policy.endpoints().current(), 1 - preferred, "the one that failed is not the first");
    }
    assert!(first.iter().all(|count| *count >= 10), "{first:?}");
}

/// Lifecycle 73: where there is no network the other endpoints are not walked.
#[test]
fn l73_without_a_network_there_is_no_walk() {
    for cause in [NO_NETWORK, Cause::Io(IoKind::NetworkDown)] {
        let mut rig = started(PLAIN, 3);
        for (attempt, wait) in [(1, 1), (2, 2), (3, 4)] {
            assert_eq!(at(&rig), (0, attempt));
            rig.fail(cause);
            assert_eq!(rig.due(), Some((secs(wait), WaitReason::Backoff)));
            rig.redial();
        }
    }
}

/// Lifecycle 75: a fallback that works goes first for ten minutes, then the primary does again.
#[test]
fn l75_a_fallback_that_works_is_kept() {
    for (held, first) in [(secs(60), 1), (secs(590), 1), (secs(601), 0)] {
        let mut rig = started(PLAIN, 2);
        rig.fail(REFUSED);
        step(&mut rig);
        rig.establish();
        rig.advance(held);
        assert_eq!(rig.phase(), Phase::Online, "a live connection is not moved");
        rig.lose();
        rig.redial();
        assert_eq!(at(&rig), (first, 1), "{held:?}");
    }
}

/// Lifecycle 77: a new network and a long sleep clear what is remembered of the endpoints, also during a wait; a short
/// suspend does not.
#[test]
fn l77_a_new_network_or_a_long_sleep_forgets() {
    for (fact, waiting, first) in [
        (Event::NetworkUp, true, 0),
        (Event::NetworkUp, false, 0),
        (Event::HostResumed { gap: secs(3_600), counted: true }, true, 0),
        (Event::HostResumed { gap: secs(3_600), counted: true }, false, 0),
        (Event::HostResumed { gap: secs(1), counted: true }, true, 1),
        (Event::HostResumed { gap: secs(1), counted: true }, false, 1),
    ] {
        let mut rig = started(PLAIN, 2);
        rig.fail(REFUSED);
        step(&mut rig);
        rig.establish();
        rig.advance(secs(5));
        if waiting {
            rig.lose();
            rig.event(fact.clone());
        } else {
            rig.event(fact.clone());
            if rig.phase() == Phase::Online {
                rig.lose();
            }
        }
        if rig.phase() == Phase::Waiting {
            rig.redial();
        }
        assert_eq!(rig.policy.endpoints().current(), first, "{fact:?}, waiting: {waiting}");
    }
}

/// F62, F69: a resume goes to the session's endpoint and not into the round; that is left after so many failures over
/// so long a time, with the session kept, for a round of the base endpoints. A fresh start goes to those at once.
#[test]
fn f62_f69_the_sessions_endpoint_is_no_part_of_the_round() {
    let patient = ResumeConfig::new().endpoint_fallback(2, secs(3)).build_const();
    let mut rig = started(PLAIN.to_builder().resume(patient).build_const(), 3);
    rig.opened();
    rig.ready_as(Some("token"), Some("own"), Some(1));
    rig.lose();
    for wait in [1, 2] {
        assert_eq!(rig.redial(), secs(wait));
        let newest = rig.log().last().map(|(_, action)| *action).expect("a dial");
        assert!(matches!(newest, Action::Open { mode: Mode::Resume, endpoint: Endpoint::Session, .. }));
        rig.fail(REFUSED);
        assert_ne!(
            rig.due().map(|due| due.1),
            Some(WaitReason::Endpoint),
            "nobody else has the session's address"
        );
    }
    // Two failures in 2 s: the count is reached, the duration is not.
    assert_eq!(rig.redial(), secs(4));
    rig.fail(REFUSED);
    assert_eq!(rig.redial(), secs(8));
    for endpoint in 0..3 {
        let newest = rig.log().last().map(|(_, action)| *action).expect("a dial");
        assert!(
            matches!(newest, Action::Open { mode: Mode::Resume, endpoint: Endpoint::Base, attempt: 4, .. }),
            "{newest:?}"
        );
        rig.fail(REFUSED);
        if endpoint < 2 {
            step(&mut rig);
        }
    }
    assert_eq!(rig.due(), Some((secs(16), WaitReason::Backoff)));

    let own = SessionState::resumable("token", Some("own"), Some(1));
    let endpoints = FixedEndpoints::<4>::new(3).expect("room for them");
    let policy = Policy::new(PLAIN, SplitMix64::new(1)).with_subscriptions(Default::default());
    let mut rig = Harness::of(policy.with_endpoints(endpoints).with_session(own));
    assert_eq!(open(&rig.start()), Some((Mode::Resume, Endpoint::Session, 1)));
    rig.opened();
    rig.invalid(false);
    rig.redial();
    let newest = rig.log().last().map(|(_, action)| *action);
    assert!(matches!(newest, Some(Action::Open { mode: Mode::Fresh, endpoint: Endpoint::Base, .. })));
}

/// Lifecycle 74: the gap is the config's; two zeros walk at once, a millisecond apart: never twice in one instant.
#[test]
fn l74_the_gap_is_configured() {
    let config = PLAIN
        .to_builder()
        .endpoints(EndpointsConfig::new().gap(secs(0), secs(0)).build_const())
        .build_const();
    let mut rig = started(config, 3);
    for _ in 0..2 {
        assert_eq!(opens(&rig.fail(REFUSED)), 0);
        assert_eq!(step(&mut rig), ms(1));
    }
}
