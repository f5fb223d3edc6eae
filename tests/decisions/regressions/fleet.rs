//! Many connections that harm a server together, or each other.

use std::collections::BTreeSet;

use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, Grant, RetryBudget, RetryBudgetConfig, StartBudget,
    StartBudgetConfig,
};
use redial::policy::WaitReason;
use redial::{Config, Event, Instant, Phase, SplitMix64, presets};

use crate::harness::*;

/// The dial that is under way has to wait until then.
fn not_before(rig: &mut Harness, until: Instant) {
    let (epoch, wait) = (rig.epoch(), until.saturating_duration_since(rig.now));
    rig.event(Event::NotNow { epoch, retry_after: Some(wait) });
    assert_eq!(rig.due(), Some((wait, WaitReason::NotNow)));
}

/// Connections that were lost in the same moment.
fn lost(config: Config, count: u64) -> Vec<Harness> {
    let lost = |seed| {
        let mut rig = Harness::seeded(config, seed);
        rig.start();
        rig.establish();
        rig.lose();
        rig
    };
    (0..count).map(lost).collect()
}

/// The one whose turn it is, with its dial under way.
fn next_dial(fleet: &mut [Harness]) -> usize {
    let waiting = |rig: &Harness| rig.policy.poll_timeout().filter(|_| rig.phase() == Phase::Waiting);
    let turns = fleet.iter().enumerate().filter_map(|(index, rig)| Some((waiting(rig)?, index)));
    let (_, index) = turns.min().expect("somebody waits");
    fleet[index].redial();
    index
}

/// anthropics/claude-plugins-official#3140: resumes that failed became fresh starts until the thousand of the day were
/// used and the token was reset, on several days in a row.
#[test]
fn claude_plugins_3140() {
    const STARTS: StartBudgetConfig =
        StartBudgetConfig::new(1, 1, secs(5)).daily(1_000, secs(86_400)).build_const();
    let mut budget = StartBudget::<1, 1>::new(STARTS).expect("room");
    let mut rig = Harness::started(GATEWAY);
    let begun = rig.now;
    budget.set_remaining(begun, 3, secs(3_600));
    let mut starts = Vec::new();
    while starts.len() < 5 {
        let granted = budget.next_grant(rig.now).is_some();
        match if granted { Grant::Now } else { budget.request(rig.now, 0) } {
            Grant::Now => {
                starts.push(rig.now.saturating_duration_since(begun).as_secs());
                rig.opened();
                assert!(sent_fresh(&rig.greet(Some(secs(45)))));
                rig.ready();
                rig.code(4009);
            }
            Grant::Later(until) | Grant::Exhausted { until } | Grant::Full { until } => {
                not_before(&mut rig, until);
            }
        }
        rig.redial();
    }
    assert_eq!(starts, [0, 5, 10, 3_600, 3_605], "the fourth waits until the server counts anew");
}

/// matrix-org/matrix-appservice-irc#604: nothing bounded how many of a bridge's clients reconnected side by side.
#[test]
fn matrix_appservice_irc_604() {
    const TWO_IN_FIVE: StartBudgetConfig = StartBudgetConfig::new(1, 2, secs(5)).build_const();
    let mut budget = StartBudget::<2, 8>::new(TWO_IN_FIVE).expect("room");
    let mut fleet = lost(PLAIN, 6);
    let begun = fleet[0].now;
    let mut connected = Vec::new();
    while connected.len() < fleet.len() {
        let index = next_dial(&mut fleet);
        let (rig, ticket) = (&mut fleet[index], index as u32);
        let grant = match budget.next_grant(rig.now) {
            Some(first) if first == ticket => Grant::Now,
            Some(other) => panic!("{other} was before {ticket}"),
            None => budget.request(rig.now, ticket),
        };
        match grant {
            Grant::Now => {
                rig.establish();
                connected.push((rig.now.saturating_duration_since(begun), ticket));
            }
            Grant::Later(until) => not_before(rig, until),
            other => panic!("{other:?}"),
        }
    }
    let turns = [(secs(1), 0), (secs(1), 1), (secs(6), 2), (secs(6), 3), (secs(11), 4), (secs(11), 5)];
    assert_eq!(connected, turns, "two in five seconds, first come, first served");
    assert!(fleet.iter().all(|rig| rig.policy.stats().failed == 0), "to wait is no failure");
}

/// Yeraze/meshmonitor#3241: each client backed off for itself, and together they still dialled a node every second.
#[test]
fn meshmonitor_3241() {
    const TWO_IN_TEN: StartBudgetConfig = StartBudgetConfig::new(1, 2, secs(10)).build_const();
    let mut budget = StartBudget::<2, 30>::new(TWO_IN_TEN).expect("room");
    let mut fleet = lost(PLAIN, 30);
    let begun = fleet[0].now;
    let (mut granted, mut dials) = (BTreeSet::new(), Vec::new());
    loop {
        let index = next_dial(&mut fleet);
        let (rig, ticket) = (&mut fleet[index], index as u32);
        let since = rig.now.saturating_duration_since(begun);
        if since >= secs(301) {
            break;
        }
        granted.extend(core::iter::from_fn(|| budget.next_grant(rig.now)));
        match if granted.remove(&ticket) { Grant::Now } else { budget.request(rig.now, ticket) } {
            Grant::Now => {
                dials.push((since.as_secs(), ticket));
                rig.fail(REFUSED);
            }
            Grant::Later(until) => not_before(rig, until),
            other => panic!("{other:?}"),
        }
    }
    let turns: Vec<_> = (0..60).map(|n| (1 + n / 2 * 10, n as u32 % 30)).collect();
    assert_eq!(dials, turns, "two in ten seconds, and each client has its turn");
    assert!(fleet.iter().all(|rig| rig.policy.stats().failed == 2), "to wait is no failure");
}

/// valkey-io/valkey#2154: every tenth of a second each node dialled each node that had failed.
#[test]
fn valkey_2154() {
    let mut links = lost(PLAIN, 50);
    let begun = links[0].now;
    for tick in 1..150 {
        for rig in &mut links {
            rig.now = begun.saturating_add(ms(100 * tick));
            if opens(&rig.tick()) > 0 {
                rig.fail(REFUSED);
            }
        }
    }
    assert!(links.iter().all(|rig| rig.opens() == 1 + 3), "at 1, 3 and 7 of the 15 seconds");
}

/// kubernetes/kubernetes#87794: a fixed second without jitter: three thousand nodes came back in step and killed the
/// server again.
#[test]
fn kubernetes_87794() {
    let mut per_second = [0_u32; 60];
    for mut rig in lost(presets::K8S_REFLECTOR, 1_000) {
        let begun = rig.now;
        loop {
            rig.redial();
            match per_second.get_mut(rig.now.saturating_duration_since(begun).as_secs() as usize) {
                Some(second) => *second += 1,
                None => break,
            }
            rig.fail(REFUSED);
        }
    }
    let dials: u32 = per_second.iter().sum();
    assert!((4 * 1_000..7 * 1_000).contains(&dials), "{dials} where one a second are 60,000");
    assert!(per_second[24..].iter().all(|dials| *dials < 100), "out of step: {per_second:?}");
}

/// eclipse-paho/paho.mqtt.java#668: "reconnecting" and its lock were static: what one client of the process did was
/// done to all of them.
#[test]
fn paho_java_668() {
    let mut one = Harness::online(presets::PAHO_JAVA);
    let mut other = Harness::online(presets::PAHO_JAVA);
    other.lose();
    other.redial();
    other.fail(REFUSED);
    let before = other.policy.clone();
    for _ in 0..50 {
        one.lose();
        one.redial();
        one.fail(REFUSED);
        one.recover();
    }
    one.stop(false);
    assert_eq!(other.policy, before);
    assert_eq!(other.recover(), secs(2), "its own second wait");
}

/// envoyproxy/envoy#30205: a retry counted from its dial on, not while it backed off: the budget let through as many as
/// decided in the meantime.
#[test]
fn envoy_30205() {
    const FIFTH: RetryBudgetConfig = RetryBudgetConfig::new().ttl(secs(60)).reserve(0).build_const();
    let mut budget = RetryBudget::new();
    let mut fleet: Vec<Harness> = (0..10).map(|seed| Harness::seeded(PLAIN, seed)).collect();
    let mut retries = 0;
    for rig in &mut fleet {
        rig.start();
        budget.deposit(&FIFTH, rig.now);
    }
    for rig in &mut fleet {
        rig.fail(REFUSED);
        assert_eq!(rig.phase(), Phase::Waiting, "it backs off, and nothing was dialled yet");
        retries += u32::from(budget.withdraw(&FIFTH, rig.now).is_ok());
    }
    assert_eq!((retries, budget.balance(&FIFTH, fleet[0].now)), (2, 0), "a fifth of ten");
}

/// zeromicro/go-zero#5011: a request counted when its answer came, so that those in flight were not seen, and an outage
/// got everything for as long as a call takes.
#[test]
fn go_zero_5011() {
    const CONFIG: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;
    let (now, mut rng) = (Instant::from_millis(1_000), SplitMix64::new(1));
    let mut throttle = AdaptiveThrottle::new();
    let unanswered = (0..1_000).filter(|_| throttle.admit(&CONFIG, now, &mut rng)).count();
    assert!((1..20).contains(&unanswered), "{unanswered} in flight before the first answer");
    let mut throttle = AdaptiveThrottle::new();
    let answered = (0..1_000).filter(|_| {
        let admitted = throttle.admit(&CONFIG, now, &mut rng);
        throttle.accepted(&CONFIG, now);
        admitted
    });
    assert_eq!(answered.count(), 1_000);
}
