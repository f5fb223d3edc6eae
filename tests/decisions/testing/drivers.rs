//! What a driver owes a policy, each rule broken once; and drivers that keep them.

use core::time::Duration;

use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Checked, DriverRules};
use redial::{Action, Cause, Config, Epoch, Event, Instant, Policy, SplitMix64, presets};

use super::{at, message};

type Ruled = Checked<Policy<SplitMix64, u8, FixedSubscriptions<u8, 4>, Config>>;

const TOLERANCE: Duration = Duration::from_millis(50);

/// Started at 0, with the first dial under way.
fn ruled() -> Ruled {
    let policy = Policy::new(presets::WEBSOCKET, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new());
    let mut policy = Checked::new(policy).with_driver_rules(DriverRules::new(TOLERANCE).early_calls(2));
    let _open = policy.handle_event(at(0), Event::Start);
    policy
}

fn epoch(number: u32) -> Epoch {
    Epoch::from_raw(number).expect("not 0")
}

/// The message of a run that is ended by its last event.
fn broken(events: Vec<(u64, Option<Event<u8, u8>>)>) -> String {
    let mut policy = ruled();
    message(move || {
        for (millis, event) in events {
            let _actions = policy.call(at(millis), event);
        }
    })
}

fn refused(number: u32) -> Event<u8, u8> {
    Event::OpenFailed { epoch: epoch(number), cause: Cause::Timeout, retry_after: None }
}

#[test]
fn every_rule_is_seen_broken() {
    let opened = || Some(Event::Opened { epoch: epoch(1) });
    let not_now = || Some(Event::NotNow { epoch: epoch(1), retry_after: None });
    let received = |number| Some(Event::Received { epoch: epoch(number) });
    let answer = Some(Event::CredentialOk { request: Some(1), ttl: None });
    let confirmed = Event::SubscriptionConfirmed { epoch: epoch(1), key: 1, send: Some(1) };
    for (events, rule, found) in [
        (
            vec![(10_051, None)],
            "never sleep past poll_timeout(), and serve",
            "51ms after the deadline, at 10000000 us",
        ),
        (
            vec![(1, opened()), (90_000, received(1))],
            "never sleep past poll_timeout(), and serve",
            "after the deadline",
        ),
        (vec![(1, None), (2, None), (3, None)], "sleep until poll_timeout()", "3 calls of handle_timeout"),
        (vec![(1, received(2))], "return each epoch", "transport 2 was never opened, and the newest is 1"),
        (vec![(1, opened()), (2, opened())], "answer every Open with one outcome", "Opened"),
        (vec![(1, Some(refused(1))), (2, Some(refused(1)))], "answer every Open with one outcome", "Ended"),
        (vec![(1, not_now()), (2, opened())], "answer every Open with one outcome", "Ended"),
        (vec![(1, opened()), (2, not_now())], "answer every Open with one outcome", "Opened"),
        (
            vec![(1, received(1))],
            "tell that a transport is open before anything else",
            "dial 1 has no outcome",
        ),
        (vec![(1, answer)], "answer the requests for a credential", "request 1 was never made"),
        (
            vec![(1, opened()), (2, Some(confirmed))],
            "answer the subscriptions that were sent",
            "batch 1 was never",
        ),
    ] {
        let message = broken(events);
        let headline = format!("the driver breaks its contract with redial: {rule}");
        assert!(message.starts_with(&headline) && message.contains(found), "{message}");
    }
}

/// What a driver may do: tell a loss twice, come late after a sleep that it reports, wake early at times, report late.
#[test]
fn what_is_allowed_breaks_no_rule() {
    let mut policy = ruled();
    for (millis, event) in [
        (1, Some(Event::Opened { epoch: epoch(1) })),
        (2, Some(refused(1))),
        (3, Some(Event::Closed { epoch: epoch(1), cause: Cause::NoCloseFrame })),
        (4, Some(Event::SendFailed { epoch: epoch(1) })),
        (5, None),
        (6, None),
        (7, Some(Event::Subscribe { key: 1, priority: 0 })),
        (8, None),
    ] {
        let _actions = policy.call(at(millis), event);
    }
    let hour = Duration::from_secs(3_600);
    let due = policy.poll_timeout().expect("a wait");
    let woken = due.saturating_add(hour);
    let _nothing = policy.handle_event(woken, Event::HostResumed { gap: hour, counted: true });
    let _dial = policy.handle_timeout(woken);
    let epoch = policy.epoch().expect("a dial");
    let _opened = policy.handle_event(woken, Event::Opened { epoch });
    // The excuse ends when everything that was due is served.
    let late = policy.poll_timeout().expect("a limit").saturating_add(2 * TOLERANCE);
    let message = message(move || _ = policy.handle_timeout(late));
    assert!(message.contains("100ms after the deadline"), "{message}");
}

/// The whole loop of a thread with blocking sockets, which a user writes.
#[test]
fn a_loop_by_hand_keeps_the_rules() {
    let mut policy = ruled();
    let (mut now, mut told) = (Instant::ZERO, vec![refused(1)]);
    for _ in 0..1_000 {
        let actions = match told.pop() {
            Some(event) => policy.handle_event(now, event),
            None => {
                now = policy.poll_timeout().expect("it never ends").max(now);
                policy.handle_timeout(now)
            }
        };
        for action in actions {
            match action {
                Action::Open { epoch, .. } if epoch.get() % 3 == 0 => told.push(Event::Opened { epoch }),
                Action::Open { epoch, .. } => {
                    told.push(Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None });
                }
                Action::Identify { epoch } => {
                    let ready =
                        Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
                    told.extend([Event::Closed { epoch, cause: Cause::NoCloseFrame }, ready]);
                }
                _ => {}
            }
        }
    }
    assert!(policy.stats().established > 100, "{:?}", policy.stats());
}

/// redial's own driver, on a clock that stands still unless everything waits.
#[cfg(feature = "tokio")]
mod own {
    use core::sync::atomic::{AtomicU32, Ordering};

    use redial::driver::{Link, Outcome, Tokio, supervise};
    use redial::handover;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn our_driver_keeps_the_rules() {
        let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
        run(Checked::new(policy.clone()), 30).await;
        run(Checked::new(policy.with_handover(handover::Config::DEFAULT)), 30).await;
    }

    /// Connections that fail and are lost in turns, until so many lived.
    async fn run<D>(policy: Checked<D>, lives: u32)
    where
        D: redial::testing::Checkable + handover::Decider<Token = ()>,
    {
        // The driver sleeps for whole milliseconds.
        let policy = policy.with_driver_rules(DriverRules::new(Duration::from_millis(3)));
        let (dials, lived) = (&AtomicU32::new(0), &AtomicU32::new(0));
        let connect = |_| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if dials.fetch_add(1, Ordering::Relaxed) % 3 == 1 { Err(Cause::Timeout)? } else { Ok(()) }
        };
        let live = |(), link: Link<(), _>| async move {
            link.ready();
            tokio::time::sleep(Duration::from_secs(70)).await;
            link.received();
            lived.fetch_add(1, Ordering::Relaxed);
            Err(Cause::NoCloseFrame)?
        };
        let mut driver = supervise(policy, Tokio::new(), connect, live);
        let handle = driver.handle();
        let watch = async {
            while lived.load(Ordering::Relaxed) < lives {
                tokio::time::sleep(Duration::from_secs(100)).await;
                handle.redial();
            }
            handle.stop();
        };
        let (outcome, ()) = futures_util::future::join(driver.run(), watch).await;
        assert_eq!(outcome, Outcome::Stopped);
    }
}
