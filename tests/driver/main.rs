//! The driver on each runtime: the conformance suite, and what only a real runtime shows.
#![expect(clippy::unwrap_used, reason = "tests")]

mod blocking;
mod heapless;
mod leftovers;
mod own;
mod requests;
mod spawned;
mod virtual_clock;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use redial::driver::{AsyncStd, Blocking, Driver, Outcome, Runtime, Smol, Tokio, block_on};
use redial::heartbeat::HeartbeatConfig;
use redial::subscriptions::SubscriptionList;
use redial::testing::{Answer, ScriptedTransport, VirtualClock, conformance};
use redial::{BackoffConfig, Cause, Config, IoKind, Policy, SplitMix64};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// No time is lost; a millisecond is the least distance of two dials.
const VIRTUAL: Duration = ms(1);
/// tokio's clock is paused: exact to the millisecond, which is its timers' resolution.
const PAUSED: Duration = ms(2);

/// tokio with its own timers, whose clock is paused.
#[test]
fn tokio_conforms() {
    let paused = |case: conformance::Future<'_>| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(case);
    };
    conformance::run_all(Tokio::new, paused, PAUSED).assert_passed();
}

#[test]
fn a_virtual_clock_conforms() {
    let clock = VirtualClock::new();
    conformance::run_all(|| clock.clone(), |case| clock.run(case), VIRTUAL).assert_passed();
}

/// The executors of the others, on a clock that loses no time. Their own sleeps have a test below.
#[test]
fn async_std_conforms() {
    let clock = VirtualClock::new();
    let block_on = |case: conformance::Future<'_>| async_std::task::block_on(clock.drive(case));
    conformance::run_all(|| clock.clone(), block_on, VIRTUAL).assert_passed();
}

#[test]
fn smol_conforms() {
    let clock = VirtualClock::new();
    let block_on = |case: conformance::Future<'_>| smol::block_on(clock.drive(case));
    conformance::run_all(|| clock.clone(), block_on, VIRTUAL).assert_passed();
}

#[test]
fn threads_conform() {
    let clock = VirtualClock::new();
    let block_on = |case: conformance::Future<'_>| block_on(clock.drive(case));
    conformance::run_all(|| clock.clone(), block_on, VIRTUAL).assert_passed();
}

/// The same on a runtime whose time is real, as a user of one would run it.
#[test]
#[ignore = "it waits for real time, forty seconds"]
fn threads_conform_in_real_time() {
    conformance::run_all(Blocking::new, |case| block_on(case), ms(2_000)).assert_passed();
}

/// The sleeps of each runtime itself, in real time: none ends early, none is lost when it is dropped for an earlier one, and a
/// driver waits by them.
async fn sleeps<Rt>(runtime: Rt)
where
    Rt: Runtime<Sleep: Send + 'static> + Clone + Send + Sync + 'static,
{
    /// On a machine with other things to do.
    const LATE: Duration = ms(2_000);
    static CONFIG: Config = Config::new(BackoffConfig::constant(ms(30)).build_const())
        .heartbeat(HeartbeatConfig::new().first_jitter(false).interval(ms(40)).build_const())
        .build_const();

    let begun = runtime.now();
    runtime.sleep_until(begun).await;
    runtime.sleep_until(begun.saturating_add(ms(20))).await;
    let slept = runtime.now().saturating_duration_since(begun);
    assert!(slept >= ms(20) && slept < ms(20) + LATE, "{slept:?}");
    let mut long = Box::pin(runtime.sleep_until(begun.saturating_add(ms(600_000))));
    core::future::poll_fn(|cx| {
        assert!(long.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    drop(long);
    runtime.sleep_until(runtime.now().saturating_add(ms(20))).await;
    let slept = runtime.now().saturating_duration_since(begun);
    assert!(slept >= ms(40) && slept < ms(40) + LATE, "{slept:?}");

    let server = ScriptedTransport::<()>::new(runtime.clone());
    server.answer(Answer::refuse(Cause::Io(IoKind::ConnectionRefused)));
    let mut driver = Driver::new(Policy::new(&CONFIG, SplitMix64::new(7)), server.clone(), runtime);
    let handle = driver.handle();
    server.on_command({
        let mut left = 3;
        move |server, connection, command| {
            server.reply(connection, command);
            left -= 1;
            if left == 0 {
                handle.stop();
            }
        }
    });
    assert_eq!(driver.run().await, Outcome::Stopped);
    let log = server.log();
    let gap = log.dials[1].at.saturating_duration_since(log.dials[0].at);
    assert!(gap >= ms(30) && gap < ms(30) + LATE, "{gap:?}");
    let gap = log.sent[2].at.saturating_duration_since(log.sent[1].at);
    // The second is late by little where the first was late by more.
    assert!(gap < ms(40) + LATE, "{gap:?}");
    let gap = log.sent[2].at.saturating_duration_since(log.sent[0].at);
    assert!(gap >= ms(80) && gap < ms(80) + LATE, "{gap:?}");
    server.assert_all_closed(1);
}

#[test]
fn the_sleeps_of_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { sleeps(Tokio::new()).await });
}

#[test]
fn the_sleeps_of_async_std() {
    async_std::task::block_on(sleeps(AsyncStd::new()));
}

#[test]
fn the_sleeps_of_smol() {
    smol::block_on(sleeps(Smol::new()));
}

#[test]
fn the_sleeps_of_threads() {
    block_on(sleeps(Blocking::new()));
}

/// A user's runtime that is wrong is found, and the report says by what.
#[test]
fn a_runtime_that_oversleeps_does_not_conform() {
    #[derive(Clone)]
    struct Late(VirtualClock);

    impl Runtime for Late {
        type Sleep = <VirtualClock as Runtime>::Sleep;

        fn now(&self) -> redial::Instant {
            self.0.now()
        }

        fn sleep_until(&self, at: redial::Instant) -> Self::Sleep {
            self.0.sleep_until(at.saturating_add(ms(30)))
        }
    }

    let clock = VirtualClock::new();
    let report = conformance::run_all(|| Late(clock.clone()), |case| clock.run(case), VIRTUAL);
    let failed: Vec<_> = report.failures.iter().map(|failure| failure.case.name()).collect();
    assert!(failed.contains(&"dials_come_when_the_backoff_says"), "{report}");
    assert!(!failed.contains(&"a_stop_before_the_run"), "{report}");
    let text = report.to_string();
    assert!(text.contains("- dials_come_when_the_backoff_says (duty 2, 3): 70ms instead of 40ms"), "{text}");
}

/// P27: the runtimes are features that exclude nothing. A run can be spawned where tasks move between threads, and a handle
/// used from another thread.
#[test]
fn a_run_is_send_on_every_runtime() {
    fn spawned<F: Future<Output = Outcome> + Send + 'static>(run: F) {
        let mut run = pin!(run);
        assert_eq!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Outcome::Stopped));
    }
    macro_rules! run {
        ($runtime:expr) => {
            let policy = Policy::new(&redial::presets::RECOMMENDED, SplitMix64::new(7))
                .with_session_type()
                .with_subscriptions(SubscriptionList::new());
            let server = ScriptedTransport::<String, String, u32, u32>::new($runtime);
            let mut driver = Driver::new(policy, server, $runtime);
            let handle = driver.handle();
            std::thread::spawn(move || handle.stop_keeping_session()).join().unwrap();
            spawned(async move { driver.run().await });
        };
    }
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = tokio.enter();
    run!(Tokio::new());
    run!(AsyncStd::new());
    run!(Smol::new());
    run!(Blocking::new());
}
