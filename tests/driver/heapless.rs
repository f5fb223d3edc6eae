//! The loop without a heap, held to the duties of a driver, and what only it has: a bounded queue and messages that the host is asked for.

#[path = "../common/heapless.rs"]
mod tested;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use redial::driver::heapless::Driver;
use redial::driver::{self, Outcome};
use redial::handover::{self, Decider};
use redial::policy::RestoreConfig;
use redial::subscriptions::SubscriptionList;
use redial::testing::conformance::{self, TestedPolicy, TestedTransport};
use redial::testing::{VirtualClock, Writes};
use redial::{BackoffConfig, Cause, Config, Event, Policy, SplitMix64};

use super::VIRTUAL;
use tested::{Device, Fact, Tested, Transport, Waiting};

#[test]
fn the_loop_without_a_heap_conforms() {
    let clock = VirtualClock::new();
    let report = conformance::run_driver(
        |policy, server, host| Box::new(Tested::new(policy, server, host)),
        || clock.clone(),
        |case| clock.run(case),
        VIRTUAL,
    );
    assert!(report.cases > 25);
    report.assert_passed();
}

/// The loop on a clock of its own, with a server that has this config's client.
struct Bench {
    clock: VirtualClock,
    server: TestedTransport,
    waiting: Arc<Mutex<Waiting>>,
    sent: Arc<Mutex<Vec<bool>>>,
}

impl Bench {
    /// Drives a policy with `COMMANDS` places beside a script, which stops it.
    fn drive<const COMMANDS: usize>(
        policy: impl Decider<Token = String, Subscriptions = SubscriptionList<String>>,
        script: impl AsyncFnOnce(&Self),
    ) -> Self {
        let clock = VirtualClock::new();
        let server = TestedTransport::new(clock.clone());
        server.set_session("token".to_owned(), Some(1));
        let device = Device::new(server.clone());
        let bench = Self {
            clock: clock.clone(),
            server: server.clone(),
            waiting: device.waiting.clone(),
            sent: device.sent.clone(),
        };
        let mut driver =
            Driver::<_, _, _, _, COMMANDS>::new(policy, Transport::new(server), clock.clone(), device);
        clock.run(async {
            let script = async {
                script(&bench).await;
                bench.say(Event::Stop { keep: false });
            };
            let (outcome, ()) = join(driver.run(), script).await;
            assert_eq!(outcome, Outcome::Stopped);
        });
        bench
    }

    fn say(&self, event: Fact) {
        self.wake(|waiting| waiting.events.push_back(event));
    }

    fn subscribe(&self, key: &str) {
        self.say(Event::Subscribe { key: key.into(), priority: 0 });
    }

    fn unsubscribe(&self, key: &str) {
        self.say(Event::Unsubscribe { key: key.into() });
    }

    fn send(&self, message: u32) {
        self.wake(|waiting| waiting.messages.push_back(message));
    }

    fn wake(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap();
        change(&mut waiting);
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    async fn sleep(&self, millis: u64) {
        self.clock.sleep(Duration::from_millis(millis)).await;
    }

    fn commands(&self) -> Vec<driver::Command<String, String, u32>> {
        self.server.log().sent.into_iter().map(|sent| sent.command).collect()
    }

    fn outcomes(&self) -> Vec<bool> {
        self.sent.lock().unwrap().clone()
    }
}

/// Both, at the same time.
async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    futures_util::future::join(a, b).await
}

static CONFIG: Config =
    Config::new(BackoffConfig::constant(Duration::from_millis(40)).build_const()).build_const();

fn policy(config: &'static Config) -> TestedPolicy {
    Policy::new(config, SplitMix64::new(7)).with_session_type().with_subscriptions(SubscriptionList::new())
}

/// Messages wait with the host until the policy is online, go out in their order behind the subscriptions, and the host learns of each.
#[test]
fn messages_are_taken_while_online() {
    let bench = Bench::drive::<4>(policy(&CONFIG), async |bench| {
        bench.subscribe("a");
        (1..=100).for_each(|message| bench.send(message));
        bench.sleep(10).await;
    });
    let commands = bench.commands();
    assert_eq!(commands[0], driver::Command::Identify);
    assert_eq!(commands[1], driver::Command::Restore { keys: vec!["a".into()], send: 1 });
    let messages: Vec<_> = (1..=100).map(driver::Command::Message).collect();
    assert_eq!(commands[2..], messages);
    assert_eq!(bench.outcomes(), [true; 100]);
}

/// One that is being written when the connection is lost is in doubt, and those behind it go out on the next one.
#[test]
fn a_message_under_way_is_in_doubt_after_a_loss() {
    let bench = Bench::drive::<4>(policy(&CONFIG), async |bench| {
        bench.server.set_writes(Writes::block_at(2));
        (1..=3).for_each(|message| bench.send(message));
        bench.sleep(10).await;
        let connection = &bench.server.connections()[0];
        connection.set_writes(Some(Writes::block_at(2)));
        bench.server.set_writes(Writes::FINE);
        connection.end(Cause::NoCloseFrame);
        bench.sleep(100).await;
    });
    assert_eq!(bench.outcomes(), [true, false, true]);
    let messages: Vec<_> = bench.server.log().messages().copied().collect();
    assert_eq!(messages, [1, 3]);
}

/// A write that takes too long is a loss, and so is a command for which there is no place.
#[test]
fn a_peer_that_does_not_read_is_a_loss() {
    let bench = Bench::drive::<4>(policy(&CONFIG), async |bench| {
        bench.server.set_writes(Writes::block_at(1));
        bench.send(1);
        bench.sleep(59_900).await;
        assert_eq!(bench.server.log().dials.len(), 1);
        bench.sleep(200).await;
        assert_eq!(bench.server.log().dials.len(), 2, "after a minute");
    });
    assert!(!bench.outcomes()[0]);

    let bench = Bench::drive::<2>(policy(&CONFIG), async |bench| {
        bench.server.set_writes(Writes::block_at(1));
        bench.sleep(10).await;
        // One is being written and two wait.
        for key in ["a", "b", "c", "d"] {
            assert_eq!(bench.server.log().dials.len(), 1);
            bench.subscribe(key);
            bench.sleep(1).await;
        }
        bench.server.set_writes(Writes::FINE);
        for key in ["b", "c", "d"] {
            bench.unsubscribe(key);
        }
        bench.sleep(100).await;
        assert_eq!(bench.server.log().dials.len(), 2);
    });
    let failed = |event: &Option<Fact>| matches!(event, Some(Event::SendFailed { .. }));
    assert_eq!(bench.server.log().steps.iter().filter(|step| failed(&step.event)).count(), 1);
}

/// Each write has its minute, also of a row in which one begins as soon as the one before has ended.
#[test]
fn a_row_of_slow_writes_is_no_loss() {
    let bench = Bench::drive::<80>(policy(&CONFIG), async |bench| {
        (0..30).for_each(|key| bench.subscribe(&key.to_string()));
        bench.server.set_writes(Writes::slow(Duration::from_secs(3)));
        bench.sleep(100_000).await;
    });
    assert_eq!(bench.server.log().dials.len(), 1);
    assert_eq!(bench.commands().len(), 31);
}

/// What the user says of a key while the transport takes nothing: the last word wins, and however many there are, they take two places.
#[test]
fn the_last_word_about_a_key_wins() {
    for subscribed in [true, false] {
        let bench = Bench::drive::<6>(policy(&CONFIG), async |bench| {
            bench.sleep(10).await;
            bench.server.set_writes(Writes::block_at(1));
            bench.send(0);
            bench.sleep(10).await;
            for _ in 0..9 {
                bench.subscribe("a");
                bench.sleep(10).await;
                bench.unsubscribe("a");
                bench.sleep(10).await;
            }
            if subscribed {
                bench.subscribe("a");
                bench.sleep(10).await;
            }
            bench.server.set_writes(Writes::FINE);
            bench.sleep(1_000).await;
        });
        assert_eq!(bench.server.log().dials.len(), 1);
        let last = bench.commands().pop();
        let restored = matches!(&last, Some(driver::Command::Restore { keys, .. }) if *keys == ["a"]);
        assert_eq!(restored, subscribed, "{last:?}");
        assert!(restored || last == Some(driver::Command::Unsubscribe("a".into())), "{last:?}");
    }
}

/// A server that did not confirm a subscription in time may have it all the same: it learns that the user gave it up.
#[test]
fn an_unconfirmed_subscription_is_taken_back() {
    static PATIENT: Config = Config::new(BackoffConfig::constant(Duration::from_secs(60)).build_const())
        .restore(RestoreConfig::new().confirm_timeout(Some(Duration::from_secs(1))).build_const())
        .build_const();
    let bench = Bench::drive::<6>(policy(&PATIENT), async |bench| {
        bench.sleep(10).await;
        bench.server.set_answering(false);
        bench.subscribe("a");
        bench.sleep(5_000).await;
        bench.unsubscribe("a");
        bench.sleep(10).await;
    });
    let commands = bench.commands();
    assert_eq!(commands[1], driver::Command::Restore { keys: vec!["a".into()], send: 1 });
    assert_eq!(commands[2..], [driver::Command::Unsubscribe("a".into())]);
}

/// Duty 13: the host learns of each message before it is asked for the next one, also when an event comes in between.
#[test]
fn no_message_is_taken_before_the_last_one_is_told() {
    let bench = Bench::drive::<4>(policy(&CONFIG), async |bench| {
        bench.sleep(10).await;
        bench.send(1);
        bench.send(2);
        bench.server.connections()[0].push_event(|epoch| Event::Received { epoch });
        bench.sleep(10).await;
    });
    assert_eq!(bench.server.log().messages().copied().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(bench.outcomes(), [true, true]);
}

/// A run that is dropped has aborted its transport: a message that was being written is in doubt, which the host is told, and the next
/// run has nothing to close.
#[test]
fn a_dropped_run_leaves_nothing_behind() {
    let clock = VirtualClock::new();
    let server = TestedTransport::new(clock.clone());
    server.set_session("token".to_owned(), Some(1));
    let device = Device::new(server.clone());
    let (waiting, sent) = (device.waiting.clone(), device.sent.clone());
    let transport = Transport::new(server.clone());
    let closes = transport.closes.clone();
    let mut driver = Driver::<_, _, _, _, 4>::new(policy(&CONFIG), transport, clock, device);
    let mut cx = Context::from_waker(Waker::noop());
    server.set_writes(Writes::block_at(1));
    waiting.lock().unwrap().messages.push_back(1);
    {
        let mut run = pin!(driver.run());
        while !waiting.lock().unwrap().messages.is_empty() {
            assert!(run.as_mut().poll(&mut cx).is_pending());
        }
        assert!(sent.lock().unwrap().is_empty());
    }
    assert_eq!(*sent.lock().unwrap(), [false]);

    server.set_writes(Writes::FINE);
    let mut run = pin!(driver.run());
    while server.log().sent.len() < 2 {
        assert!(run.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(*closes.lock().unwrap(), 0);
}

/// There is a place for one transport: a handover is put off, and nothing is dialled beside the connection.
#[test]
fn a_successor_is_put_off() {
    let handover = policy(&CONFIG).with_handover(handover::Config::DEFAULT);
    let bench = Bench::drive::<4>(handover, async |bench| {
        bench.sleep(100_000).await;
        bench.say(Event::Redial);
        bench.sleep(30_000).await;
    });
    assert_eq!(bench.server.most_alive(), 1);
    assert!(bench.server.log().dials.len() <= 2);
}
