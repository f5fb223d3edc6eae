//! What tells one set from another: numbers of batches, equality, a move to another policy.

use super::*;

/// Batches are numbered from 1, over all connections; an empty one is none. A key knows the newest that it was in.
#[test]
fn batches_are_numbered() {
    let mut set = set(&["a", "b", "c"]);
    assert_eq!((set.sends(), set.find(&"a").and_then(|entry| entry.send())), (0, None));
    for (max, sends) in [(2, 1), (0, 1), (2, 2), (2, 2)] {
        set.take_batch(max, NOW);
        assert_eq!(set.sends(), sends);
    }
    let sends = |set: &Set| set.iter().map(|entry| entry.send().expect("sent")).collect::<Vec<_>>();
    assert_eq!(sends(&set), [1, 1, 2]);
    set.transport_lost();
    set.session_started();
    take(&mut set, 2, LATER);
    assert_eq!((set.sends(), sends(&set)), (3, vec![3, 3, 2]));
}

/// Sets that differ in anything that will show are not equal: the number of the next batch, when a key was sent, how often
/// it failed, the order.
#[test]
fn sets_that_will_behave_otherwise_are_not_equal() {
    let once = |change: fn(&mut Set)| {
        let mut set = set(&["a", "b"]);
        change(&mut set);
        set
    };
    let again = |set: &mut Set| {
        take(set, ALL, NOW);
        set.transport_lost();
        set.session_started();
    };
    let sets = [
        once(|_| {}),
        once(|set| _ = take(set, ALL, NOW)),
        once(|set| _ = take(set, ALL, LATER)),
        once(again),
        once(|set| {
            take(set, ALL, NOW);
            set.fail(&"a", None);
            set.session_started();
        }),
        once(|set| _ = set.unsubscribe(&"b")),
        once(|set| {
            set.unsubscribe(&"a");
            set.subscribe("a", 0).unwrap();
        }),
        once(|set| {
            set.subscribe("c", 0).unwrap();
            take(set, ALL, NOW);
            set.unsubscribe(&"a");
            set.unsubscribe(&"b");
        }),
    ];
    for (at, one) in sets.iter().enumerate() {
        for (other_at, other) in sets.iter().enumerate() {
            assert_eq!(one == other, at == other_at, "{at} and {other_at}: {one:?}, {other:?}");
        }
    }
    // Only the number differs: the keys that had it are gone.
    let emptied = |sends| {
        let mut set = Set::new();
        for _ in 0..sends {
            set.subscribe("a", 0).unwrap();
            take(&mut set, ALL, NOW);
            set.unsubscribe(&"a");
        }
        set
    };
    assert_ne!(emptied(1), emptied(2));
    assert_eq!(emptied(2), emptied(2));
}

/// F96, S78: a set brings nothing of the policy that it comes from: no batch before the connection is there, and no pause
/// that was another connection's.
#[test]
fn a_set_that_moves_to_another_policy_starts_over() {
    use redial::policy::RestoreConfig;
    use redial::{Action, BackoffConfig, Config, Event, Policy, Ratio, SessionState, SplitMix64};
    const LADDER: BackoffConfig =
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
    static CONFIG: Config = Config::new(LADDER)
        .restore(RestoreConfig::new().batches(1, Duration::from_secs(1)).build_const())
        .build_const();
    let ms = Instant::from_millis;
    let ignore = |_: redial::Actions| ();
    type Moved = Policy<SplitMix64, u8, FixedSubscriptions<u32, 4>>;
    let restored =
        |actions: redial::Actions| actions.into_iter().any(|a| matches!(a, Action::Restore { .. }));

    let mut first: Moved = Policy::new(&CONFIG, SplitMix64::new(1))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new());
    for key in 0..3 {
        ignore(first.handle_event(ms(0), Event::Subscribe { key, priority: 0 }));
    }
    ignore(first.handle_event(ms(1_000_000), Event::Start));
    let epoch = first.epoch().unwrap();
    ignore(first.handle_event(ms(1_000_000), Event::Opened { epoch }));
    let ready = Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None };
    assert!(restored(first.handle_event(ms(1_000_000), ready)));
    let mut set = first.subscriptions().clone();
    set.transport_lost();

    for now in [0, 1_005_000] {
        let mut next: Moved = Policy::new(&CONFIG, SplitMix64::new(2))
            .with_subscriptions(set.clone())
            .with_session(SessionState::resumable(1, None, Some(1)));
        assert!(!restored(next.handle_timeout(ms(now))), "nothing goes out before the start");
        ignore(next.handle_event(ms(now), Event::Start));
        assert!(!restored(next.handle_timeout(ms(now + 2_000))), "nor while dialling");
        let epoch = next.epoch().unwrap();
        ignore(next.handle_event(ms(now + 2_000), Event::Opened { epoch }));
        let mut keys = Vec::new();
        let mut actions = next.handle_event(ms(now + 2_000), Event::Resumed { epoch });
        while restored(actions) {
            keys.extend(next.subscriptions().batch().copied());
            let Some((at, WaitReason::Restore)) = next.deadline() else { break };
            assert!(at <= ms(now + 10_000), "no pause of another clock");
            actions = next.handle_timeout(at);
        }
        assert_eq!(keys, [0, 1, 2]);
        for key in keys {
            assert_eq!(next.handle_event(ms(now + 5_000), Event::Unsubscribe { key }).len(), 0);
        }
        // Emptied, it has no pause either: the first subscription on the next connection goes out at once.
        let set = next.subscriptions().clone();
        let mut last: Moved = Policy::new(&CONFIG, SplitMix64::new(3))
            .with_subscriptions(set)
            .with_session(SessionState::resumable(1, None, Some(1)));
        ignore(last.handle_event(ms(0), Event::Start));
        let epoch = last.epoch().unwrap();
        ignore(last.handle_event(ms(100), Event::Opened { epoch }));
        ignore(last.handle_event(ms(100), Event::Resumed { epoch }));
        assert!(restored(last.handle_event(ms(200), Event::Subscribe { key: 9, priority: 0 })));
    }
}
