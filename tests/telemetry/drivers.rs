//! One story on a driver and the virtual clock, with all sinks and with none.

use redial::driver::{Driver, Outcome};
use redial::subscriptions::SubscriptionList;
use redial::telemetry::{Defmt, Log, Metrics, Tracing};
use redial::testing::{Answer, Say, ScriptedTransport, VirtualClock};
use redial::{Stats, presets};

use super::capture::listen;
use super::*;

type Server = ScriptedTransport<String, String, String, String>;

/// Refused twice, then a connection that is cut, then one that stays.
fn story<S: Sink + Send + 'static>(sink: Option<S>) -> (String, Stats, u64) {
    story_on(&VirtualClock::new(), sink)
}

fn story_on<S: Sink + Send + 'static>(clock: &VirtualClock, sink: Option<S>) -> (String, Stats, u64) {
    let server = Server::new(clock.clone());
    server.set_session("token".to_owned(), Some(1));
    server.answer(Answer::refuse(REFUSED));
    server.answer(Answer::refuse(Cause::Http(503)));
    server.answer(Answer::accept([
        Say::message("hello".to_owned()),
        Say::wait(Duration::from_secs(90)),
        Say::end(Cause::CloseFrame(1012)),
    ]));
    let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(SubscriptionList::new());
    let (outcome, stats) = match sink {
        Some(sink) => drive(Observed::new(policy, sink), clock, &server),
        None => drive(policy, clock, &server),
    };
    assert_eq!(outcome, Outcome::Stopped);
    server.assert_all_closed(1);
    (format!("{:?}", server.log()), stats, clock.now().as_micros())
}

fn drive<D>(policy: D, clock: &VirtualClock, server: &Server) -> (Outcome, Stats)
where
    D: Decider<Token = String, Subscriptions = SubscriptionList<String>> + Send + 'static,
{
    let mut driver = Driver::new(policy, server.clone(), clock.clone());
    let (handle, mut messages) = (driver.handle(), driver.messages());
    handle.subscribe("weather".to_owned(), 0);
    let run = clock.spawn(async move { (driver.run().await, driver.policy().stats()) });
    clock.run(async {
        let _greeting = messages.recv().await;
        server.until(|log| log.dials.len() == 4).await;
        clock.sleep(Duration::from_secs(120)).await;
        handle.stop();
        run.await
    })
}

#[test]
fn a_driver_does_the_same_with_all_of_them_on() {
    let alone = story::<()>(None);
    let mut observed = None;
    let told = listen(|| {
        let recorded = series::Recorded::default();
        metrics::with_local_recorder(&recorded, || {
            let sinks = ((Tracing::new("a"), Metrics::new("a")), (Log::new("a"), Defmt::new("a")));
            observed = Some(story(Some(sinks)));
            assert_eq!(recorded.counter("redial_attempt_failures_total"), 2.0);
        });
    });
    assert_eq!(observed, Some(alone));
    assert!(told.spans.len() == 6 && told.events.len() > 20, "{told:#?}");
}

struct Panics;

impl Sink for Panics {
    fn change(&mut self, _: Instant, _: &Change) {
        // Without the hook of the process, which would print it.
        std::panic::resume_unwind(Box::new("a sink"));
    }
}

#[test]
fn a_driver_does_the_same_with_one_that_panics() {
    assert_eq!(story(Some(Panics)), story::<()>(None));
}

/// Holds the driver up for two seconds at each change.
struct Slow(VirtualClock);

impl Sink for Slow {
    fn change(&mut self, _: Instant, _: &Change) {
        self.0.advance(Duration::from_secs(2));
    }
}

/// What the driver does is late, and otherwise the same: it ends, with nothing left open.
#[test]
fn a_driver_outlives_one_that_is_slow() {
    let clock = VirtualClock::new();
    let (_, stats, ended) = story_on(&clock, Some(Slow(clock.clone())));
    let (_, expected, earlier) = story::<()>(None);
    assert!(ended > earlier, "{ended} {earlier}");
    assert_eq!((stats.established, stats.losses), (expected.established, expected.losses));
}
