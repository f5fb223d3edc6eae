//! The virtual clock itself: what it does with time, tasks and futures that never end.

use core::future::{pending, poll_fn};
use core::task::Poll;
use std::sync::{Arc, Mutex};

use redial::driver::Driver;
use redial::subscriptions::SubscriptionList;
use redial::testing::{Answer, Say, ScriptedTransport, VirtualClock};
use redial::{BackoffConfig, Config, Event, Instant, Policy, SplitMix64};

use crate::ms;

type Server = ScriptedTransport<String, String, u32, u32>;
type ServerDriver = Driver<Server, VirtualClock, Policy<SplitMix64, String, SubscriptionList<String>>>;

/// A wait that no test survives.
static LONG: Config = Config::new(BackoffConfig::constant(ms(60_000)).build_const()).build_const();

fn driver(config: &'static Config, server: &Server, clock: &VirtualClock) -> ServerDriver {
    let policy = Policy::new(config, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(SubscriptionList::new());
    Driver::new(policy, server.clone(), clock.clone())
}

/// Sleeps end in the order of their ends, and those of one instant in the order in which they were begun; the time between is none.
#[test]
fn sleeps_end_in_order() {
    let clock = VirtualClock::new();
    let ended = Arc::new(Mutex::new(Vec::new()));
    for (number, span) in [30, 10, 20, 10, 0].into_iter().enumerate() {
        let (at, ended) = (clock.clone(), ended.clone());
        drop(clock.spawn(async move {
            at.sleep(ms(span)).await;
            ended.lock().unwrap().push((number, at.now().as_millis()));
        }));
    }
    clock.run(clock.sleep(ms(3_600_000)));
    assert_eq!(*ended.lock().unwrap(), [(4, 0), (1, 10), (3, 10), (2, 20), (0, 30)]);
    assert_eq!((clock.now(), clock.next_sleep()), (Instant::from_millis(3_600_000), None));
}

/// A sleep that is dropped is no reason to wait, and one that is polled with another waker wakes that one.
#[test]
fn a_dropped_sleep_leaves_nothing() {
    let clock = VirtualClock::new();
    let mut sleep = Box::pin(clock.sleep(ms(10)));
    clock.run(poll_fn(|cx| {
        assert!(sleep.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    assert_eq!(clock.next_sleep(), Some(Instant::from_millis(10)));
    clock.run(sleep.as_mut());
    drop(sleep);
    drop(clock.sleep(ms(5)));
    assert_eq!(clock.next_sleep(), None);
}

/// A suspend wakes what is due, once.
#[test]
fn a_suspend_passes_at_once() {
    let clock = VirtualClock::new();
    let (slept, host) = (clock.spawn(clock.sleep(ms(50))), clock.clone());
    clock.run(async {
        host.sleep(ms(10)).await;
        host.advance(ms(1_000));
        slept.await;
    });
    assert_eq!(clock.now(), Instant::from_millis(1_010));
}

/// What does not end says who sleeps, until when and where, or that nobody ever will.
#[test]
fn a_hang_is_told() {
    let clock = VirtualClock::new();
    let task = clock.clone();
    drop(clock.spawn(async move { task.sleep(ms(90_000)).await }));
    let hang = clock.run_for(pending::<()>(), ms(1_500)).unwrap_err();
    assert!(!hang.is_deadlock());
    assert_eq!(
        (hang.at(), hang.sleeps().collect::<Vec<_>>()),
        (clock.now(), vec![Instant::from_millis(90_000)])
    );
    let told = hang.to_string();
    assert!(
        told.starts_with(
            "it has not ended at 1.500000 s; asleep until 90.000000 s (tests/driver/virtual_clock.rs:"
        ),
        "{told}"
    );

    let hang = clock.run_for(pending::<()>(), ms(1_500)).unwrap_err();
    assert!(hang.is_deadlock(), "the task of the run before is gone: {hang}");
    assert_eq!(hang.to_string(), "it hangs at 1.500000 s: nothing is ready, and nobody sleeps");

    let spin = poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    let hang = clock.run_for(spin, ms(1)).unwrap_err();
    assert_eq!(hang.to_string(), "it hangs at 1.500000 s: tasks wake themselves without end");
}

/// The same for a driver: the place is the loop's.
#[test]
fn a_driver_that_waits_is_seen_to() {
    let clock = VirtualClock::new();
    let server = ScriptedTransport::<()>::new(clock.clone());
    let policy = Policy::new(&LONG, SplitMix64::new(7));
    server.answer(Answer::refuse(redial::Cause::Unknown));
    let mut driver = Driver::new(policy, server, clock.clone());
    let hang = clock.run_for(driver.run(), ms(100)).unwrap_err().to_string();
    assert!(hang.contains("asleep until 60.000000 s (src/driver/turn.rs:"), "{hang}");
}

#[test]
#[should_panic(expected = "it hangs at 0.000000 s: nothing is ready, and nobody sleeps")]
fn a_run_that_hangs_panics() {
    VirtualClock::new().run(pending::<()>());
}

#[test]
#[should_panic(expected = "a run inside of a run")]
fn a_run_is_not_nested() {
    let clock = VirtualClock::new();
    clock.run(async { clock.run(async {}) });
}

/// Two runs of the same test give the same log, to the microsecond.
#[test]
fn a_test_is_repeated_exactly() {
    let log = || {
        let clock = VirtualClock::new();
        let lost = || {
            Answer::accept([
                Say::wait(ms(7)),
                Say::event(|epoch| Event::Received { epoch }),
                Say::end(redial::Cause::NoCloseFrame),
            ])
        };
        let server = Server::new(clock.clone());
        server.set_session("token".to_owned(), Some(1));
        (0..50).for_each(|_| server.answer(lost()));
        let mut driver = driver(&redial::presets::RECOMMENDED, &server, &clock);
        assert!(clock.run_for(driver.run(), ms(3_600_000)).is_err());
        format!("{:?}", server.log())
    };
    assert_eq!(log(), log());
}

/// A transport that is left open, or one too many, fails the test that asks.
#[test]
fn what_is_open_is_counted() {
    let clock = VirtualClock::new();
    let server = Server::new(clock.clone());
    server.answer(Answer::hang());
    let mut driver = driver(&LONG, &server, &clock);
    {
        let mut run = Box::pin(driver.run());
        clock.run(poll_fn(|cx| {
            assert!(run.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        }));
        let open = failure(|| server.assert_all_closed(1));
        assert_eq!(open, "1 transports are still open");
    }
    server.assert_all_closed(1);
    let most = failure(|| server.assert_all_closed(0));
    assert_eq!(most, "1 transports at a time, and not 0");
}

/// The message of an assertion that fails.
fn failure(assertion: impl FnOnce()) -> String {
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(assertion)).unwrap_err();
    *failure.downcast::<String>().unwrap()
}

/// Another executor drives it, no time is lost, and a hang is told there, too.
#[test]
fn another_executor_moves_the_clock() {
    let clock = VirtualClock::new();
    let (first, second) = (clock.clone(), clock.clone());
    let both = async {
        let mut first = Box::pin(first.sleep(ms(3_600_000)));
        let mut second = Box::pin(second.sleep(ms(20)));
        poll_fn(|cx| {
            assert!(first.as_mut().poll(cx).is_pending());
            second.as_mut().poll(cx)
        })
        .await;
        first.await;
    };
    smol::block_on(clock.drive(both));
    assert_eq!((clock.now(), clock.next_sleep()), (Instant::from_millis(3_600_000), None));

    let hang = std::panic::AssertUnwindSafe(|| smol::block_on(clock.drive(pending::<()>())));
    let hang = std::panic::catch_unwind(hang).unwrap_err();
    let told = "it hangs at 3600.000000 s: nothing is ready, and nobody sleeps";
    assert_eq!(hang.downcast_ref::<String>().unwrap(), told);
}
