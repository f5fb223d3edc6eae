//! The loop without a heap, held to the duties of a driver, and what only it has: a bounded queue and messages that the host is asked for.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use redial::driver::heapless::{Command, Driver, Host, Protocol, Request};
use redial::driver::{self, Dial, DialError, Notice, Outcome, RefreshFailed, SendFailed};
use redial::handover::{self, Decider};
use redial::subscriptions::SubscriptionList;
use redial::testing::conformance::{self, Requests, Subject, TestedPolicy, TestedTransport};
use redial::testing::{VirtualClock, Writes};
use redial::{BackoffConfig, Cause, Config, Epoch, Event, Policy, SplitMix64};

use super::VIRTUAL;

type Fact = Event<String, String>;
type Refreshing = Pin<Box<dyn Future<Output = Result<Option<Duration>, RefreshFailed>>>>;
type Reader = <TestedTransport as driver::Protocol>::Reader;
type Writer = <TestedTransport as driver::Protocol>::Writer;

/// The suite's transport, as the loop wants it.
struct Transport {
    server: TestedTransport,
    halves: Option<(Reader, Writer)>,
}

impl Protocol for Transport {
    type Token = String;
    type Key = String;
    type Message = u32;
    type Received = Vec<Fact>;
    type Reader<'a> = (&'a TestedTransport, Option<&'a mut Reader>);
    type Writer<'a> = (&'a TestedTransport, Option<&'a mut Writer>);

    async fn dial(&mut self, dial: Dial<String>) -> Result<(), DialError> {
        self.halves = Some(driver::Protocol::dial(&self.server, dial).await?);
        Ok(())
    }

    fn split(&mut self) -> (Self::Reader<'_>, Self::Writer<'_>) {
        let (reader, writer) = self.halves.as_mut().map(|(reader, writer)| (reader, writer)).unzip();
        ((&self.server, reader), (&self.server, writer))
    }

    async fn receive(reader: &mut Self::Reader<'_>, epoch: Epoch) -> Result<Vec<Fact>, Cause> {
        let (server, Some(reader)) = reader else { return Err(Cause::NoCloseFrame) };
        let received = driver::Protocol::receive(*server, reader, epoch).await?;
        let event = |item| match item {
            driver::Received::Event(event) => Some(event),
            driver::Received::Message(_) => None,
        };
        Ok(received.into_iter().filter_map(event).collect())
    }

    async fn send(
        writer: &mut Self::Writer<'_>,
        command: Command<String, String, u32>,
    ) -> Result<(), SendFailed> {
        let (server, Some(writer)) = writer else { return Err(SendFailed) };
        let command = match command {
            Command::Identify => driver::Command::Identify,
            Command::Resume(session) => driver::Command::Resume(session),
            Command::Heartbeat { sequence } => driver::Command::Heartbeat { sequence },
            Command::Authenticate => driver::Command::Authenticate,
            Command::Subscribe { key, send } => driver::Command::Restore { keys: vec![key], send },
            Command::Unsubscribe(key) => driver::Command::Unsubscribe(key),
            Command::Message(message) => driver::Command::Message(message),
        };
        driver::Protocol::send(*server, writer, command).await
    }

    fn abort(&mut self) {
        self.halves = None;
    }

    async fn close(&mut self, code: u16) {
        if let Some((reader, writer)) = self.halves.take() {
            driver::Protocol::close(&self.server, reader, writer, code).await;
        }
    }
}

/// What waits for the driver.
#[derive(Default)]
struct Waiting {
    events: VecDeque<Fact>,
    messages: VecDeque<u32>,
    waker: Option<Waker>,
}

/// What the user and the device say.
struct Device {
    server: TestedTransport,
    waiting: Arc<Mutex<Waiting>>,
    /// What became of the messages.
    sent: Arc<Mutex<Vec<bool>>>,
    refresh: Option<(u16, Refreshing)>,
}

impl Device {
    fn new(server: TestedTransport) -> Self {
        Self { server, waiting: Arc::default(), sent: Arc::default(), refresh: None }
    }
}

impl Host<String, String, u32> for Device {
    fn poll_next(&mut self, cx: &mut Context<'_>, writable: bool) -> Poll<Request<String, String, u32>> {
        if let Some((request, refresh)) = &mut self.refresh {
            let request = Some(*request);
            if let Poll::Ready(refreshed) = refresh.as_mut().poll(cx) {
                self.refresh = None;
                return Poll::Ready(Request::Event(match refreshed {
                    Ok(ttl) => Event::CredentialOk { request, ttl },
                    Err(RefreshFailed { fatal }) => Event::CredentialFailed { request, fatal },
                }));
            }
        }
        let mut waiting = self.waiting.lock().unwrap();
        waiting.waker = Some(cx.waker().clone());
        if let Some(event) = waiting.events.pop_front() {
            return Poll::Ready(Request::Event(event));
        }
        match if writable { waiting.messages.pop_front() } else { None } {
            Some(message) => Poll::Ready(Request::Message(message)),
            None => Poll::Pending,
        }
    }

    fn sent(&mut self, written: bool) {
        self.sent.lock().unwrap().push(written);
    }

    fn refresh_credential(&mut self, request: u16) {
        let server = self.server.clone();
        self.refresh =
            Some((request, Box::pin(async move { driver::Protocol::refresh_credential(&server).await })));
    }

    fn observe(&mut self, notice: &Notice<'_, String, String>) {
        driver::Protocol::observe(&self.server, notice);
    }
}

/// The driver, as the suite sees it.
struct Tested {
    driver: Driver<TestedPolicy, Transport, conformance::Host, Device>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Tested {
    fn new(policy: TestedPolicy, server: TestedTransport, host: conformance::Host) -> Self {
        let device = Device::new(server.clone());
        let waiting = device.waiting.clone();
        Self { driver: Driver::new(policy, Transport { server, halves: None }, host, device), waiting }
    }
}

impl Subject for Tested {
    fn requests(&self) -> Requests {
        let waiting = Arc::downgrade(&self.waiting);
        Requests::new(move |event| {
            // The driver and this hold it.
            let Some(waiting) = waiting.upgrade().filter(|waiting| Arc::strong_count(waiting) > 1) else {
                return false;
            };
            let mut waiting = waiting.lock().unwrap();
            waiting.events.push_back(event);
            if let Some(a) = waiting.waker.take() {
                Waker::wake(a)
            }
            true
        })
    }

    fn run(&mut self) -> Pin<Box<dyn Future<Output = Outcome> + '_>> {
        Box::pin(self.driver.run())
    }

    fn policy(&self) -> &TestedPolicy {
        self.driver.policy()
    }
}

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
        let transport = Transport { server, halves: None };
        let mut driver = Driver::<_, _, _, _, COMMANDS>::new(policy, transport, clock.clone(), device);
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

    fn send(&self, message: u32) {
        self.wake(|waiting| waiting.messages.push_back(message));
    }

    fn wake(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap();
        change(&mut waiting);
        if let Some(a) = waiting.waker.take() {
            Waker::wake(a)
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
        bench.say(Event::Subscribe { key: "a".into(), priority: 0 });
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
            bench.say(Event::Subscribe { key: key.into(), priority: 0 });
            bench.sleep(1).await;
        }
        bench.server.set_writes(Writes::FINE);
        for key in ["b", "c", "d"] {
            bench.say(Event::Unsubscribe { key: key.into() });
        }
        bench.sleep(100).await;
        assert_eq!(bench.server.log().dials.len(), 2);
    });
    let failed = |event: &Option<Fact>| matches!(event, Some(Event::SendFailed { .. }));
    assert_eq!(bench.server.log().steps.iter().filter(|step| failed(&step.event)).count(), 1);
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
