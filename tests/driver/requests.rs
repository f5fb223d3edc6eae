//! What senders and the server are told around the turns of a run: it is dropped and begun again, a subscription is given up, a
//! message can't be sent, a link is kept for longer than its connection.

use core::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::future::{Either, join, select};
use redial::driver::{
    Command, Dial, DialError, Driver, Handle, Link, Outbox, Outcome, Overflow, Protocol, SendError,
    SendFailed, supervise,
};
use redial::policy::{Establish, RestoreConfig};
use redial::subscriptions::SubscriptionList;
use redial::testing::{Answer, ScriptedTransport, VirtualClock};
use redial::{BackoffConfig, Cause, Config, Epoch, Event, Policy, SplitMix64, presets};

use crate::ms;

type Server = ScriptedTransport<(), Infallible, u32, u32>;

/// What becomes of a message while the run goes on without a connection: with a queue for that time it waits there.
fn assert_not_ended(handle: &Handle<(), Infallible, u32>, queue: bool) {
    let sent = handle.try_send(1);
    match sent {
        Ok(_) => assert!(queue, "queued without a queue"),
        Err(error) => assert!(!queue && error == SendError::NotOnline(1), "{error} (queue: {queue})"),
    }
}

fn outbox(queue: bool) -> Outbox {
    if queue { Outbox::new().with_offline_queue(Overflow::Refuse) } else { Outbox::new() }
}

/// A run is dropped while it is online, as by a timeout or a `select!`, and the next one is dialling.
#[test]
fn a_run_after_a_dropped_one_has_not_ended() {
    for queue in [false, true] {
        let clock = VirtualClock::new();
        let server = Server::new(clock.clone());
        let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
        let mut driver = Driver::new(policy, server.clone(), clock.clone()).with_outbox(outbox(queue));
        let handle = driver.handle();
        clock.run(async {
            match select(Box::pin(driver.run()), Box::pin(handle.online())).await {
                Either::Right((online, _)) => online.unwrap(),
                Either::Left((outcome, _)) => panic!("{outcome}"),
            }
            server.answer(Answer::hang());
            let script = async {
                clock.sleep(ms(100)).await;
                assert_not_ended(&handle, queue);
                handle.stop();
            };
            assert_eq!(join(driver.run(), script).await.0, Outcome::Stopped);
        });
    }
}

/// The server took the subscription, its answer is late, and the user gives it up: before the time for the answer has passed, and
/// after it, while the subscription waits to be sent again.
#[test]
fn what_is_given_up_while_its_answer_is_late_is_said_to_the_server() {
    static CONFIG: Config = Config::new(BackoffConfig::constant(ms(20)).build_const())
        .establish(Establish::OnOpen)
        .restore(RestoreConfig::new().confirm_timeout(Some(ms(1_000))).build_const())
        .build_const();
    for wait in [500, 1_010] {
        let clock = VirtualClock::new();
        let server = ScriptedTransport::<(), String, u32, u32>::new(clock.clone());
        server.on_command(|_, _, _| {});
        let policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_subscriptions(SubscriptionList::new());
        let mut driver = Driver::new(policy, server.clone(), clock.clone());
        let handle = driver.handle();
        handle.subscribe("a".to_owned(), 0);
        clock.run(async {
            let script = async {
                handle.online().await.unwrap();
                clock.sleep(ms(wait)).await;
                handle.unsubscribe("a".to_owned());
                clock.sleep(ms(60_000)).await;
                handle.stop();
            };
            assert_eq!(join(driver.run(), script).await.0, Outcome::Stopped);
        });
        let commands: Vec<_> = server.log().sent.into_iter().map(|sent| sent.command).collect();
        let given_up = Command::Unsubscribe("a".to_owned());
        assert_eq!(commands.last(), Some(&given_up), "given up after {wait} ms: {commands:?}");
    }
}

/// A protocol that has no way to say odd numbers.
struct Even(Server);

impl Protocol for Even {
    type Reader = <Server as Protocol>::Reader;
    type Writer = <Server as Protocol>::Writer;
    type Token = ();
    type Key = Infallible;
    type Message = u32;
    type Incoming = u32;
    type Received = <Server as Protocol>::Received;

    async fn dial(&self, dial: Dial) -> Result<(Self::Reader, Self::Writer), DialError> {
        Protocol::dial(&self.0, dial).await
    }

    async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        Protocol::receive(&self.0, reader, epoch).await
    }

    fn can_send(&self, message: &u32) -> bool {
        message % 2 == 0
    }

    async fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<(), Infallible, u32>,
    ) -> Result<(), SendFailed> {
        Protocol::send(&self.0, writer, command).await
    }
}

/// Each sender of such a message gets it back, however many there are, and those behind them are written on the same connection.
#[test]
fn what_can_t_be_sent_is_given_back_and_the_connection_goes_on() {
    let clock = VirtualClock::new();
    let server = Server::new(clock.clone());
    let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
    let mut driver = Driver::new(policy, Even(server.clone()), clock.clone())
        .with_outbox(Outbox::new().with_capacity(200));
    let handle = driver.handle();
    clock.run(async {
        let script = async {
            handle.online().await.unwrap();
            let odd: Vec<_> = (0..150).map(|n| handle.try_send(2 * n + 1).unwrap()).collect();
            let even = handle.try_send(2).unwrap();
            for (n, receipt) in (0..).zip(odd) {
                assert_eq!(receipt.await, Err(SendError::Refused(2 * n + 1)));
            }
            assert_eq!(even.await, Ok(()));
            assert_eq!(handle.send(3).await.unwrap_err().into_message(), Some(3));
            assert_eq!(handle.send(4).await, Ok(()));
            handle.stop();
        };
        assert_eq!(join(driver.run(), script).await.0, Outcome::Stopped);
    });
    let log = server.log();
    let written = log.sent.into_iter().filter_map(|sent| match sent.command {
        Command::Message(number) => Some(number),
        _ => None,
    });
    assert_eq!((written.collect::<Vec<_>>(), log.dials.len()), (vec![2, 4], 1));
}

/// F06: a link that is kept for longer than its connection changes nothing, and does not grow by what it is told.
#[test]
fn a_link_of_an_old_connection_keeps_nothing() {
    let clock = VirtualClock::new();
    let kept: Arc<Mutex<Option<Link<Arc<u32>>>>> = Arc::default();
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_session_type::<Arc<u32>>();
    let live = |(), link: Link<Arc<u32>>| {
        *kept.lock().unwrap() = Some(link.clone());
        async move {
            link.ready();
            core::future::pending().await
        }
    };
    let token = Arc::new(1);
    let cursor = |link: &Link<Arc<u32>>| Event::Cursor { epoch: link.epoch(), token: token.clone() };
    let mut driver = supervise(policy, clock.clone(), |_| async { Ok(()) }, live);
    let handle = driver.handle();
    clock.run(async {
        let script = async {
            handle.online().await.unwrap();
            handle.stop();
            // The loop does not look at this one any more.
            let link = kept.lock().unwrap().clone().unwrap();
            link.tell(cursor(&link));
        };
        assert_eq!(join(driver.run(), script).await.0, Outcome::Stopped);
    });
    drop(driver);
    let link = kept.lock().unwrap().take().unwrap();
    for _ in 0..100 {
        link.tell(cursor(&link));
    }
    assert_eq!(Arc::strong_count(&token), 1, "events in a link whose connection is over");
}
