//! Messages of the application: in order, behind the subscriptions, written at most once and never lost silently; and the
//! received ones, with a reader that waits for the application and is not held against the peer.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::prelude::v1::*;
use std::vec;

use super::driving::{first, join3};
use crate::driver::{Command, Outcome, SEND_TIMEOUT, SendError};
use crate::heartbeat::Liveness;
use crate::policy::RestoreConfig;
use crate::testing::Writes;
use crate::{BackoffConfig, Cause, Config, Event, Phase};

use super::duties::{BACKOFF, HEARTBEATS, LONG};
use super::host::Host;
use super::lab::{Answer, Fact, Item, Lab, Say, ms, numbered, ready};

const fn random(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 16
}

/// 449 messages and a server that hangs up at random: none is written before the subscriptions of its connection, each
/// that was confirmed is written once, in order, and none that was given back is written at all.
pub(super) async fn no_message_before_the_subscriptions(rt: Host, _: Duration) {
    const MESSAGES: u32 = 449;
    let mut seed = 7;
    let mut dials: Vec<_> = (0..40)
        .map(|_| {
            let span = ms(u64::from(random(&mut seed) % 30 + 10));
            Answer::accept(vec![Say::wait(span), Say::end(Cause::NoCloseFrame)])
        })
        .collect();
    dials.push(Answer::accept(vec![]));
    // Without a session that the next connection could resume, so that it restores the subscriptions.
    let lab = Lab::new(rt, dials).set(|set| {
        set.set_session(None, None);
        set.set_writes(Writes::slow(ms(1)));
    });
    // One subscription at a time, so that the session is there long before they all are.
    static CONFIG: Config = Config::new(BackoffConfig::constant(ms(10)).build_const())
        .restore(RestoreConfig::new().batches(1, ms(2)).build_const())
        .build_const();
    let mut driver = lab.driver(&CONFIG);
    let handle = driver.handle();
    for key in ["a", "b", "c"] {
        handle.subscribe(key.to_owned(), 0);
    }
    let mut results = BTreeMap::new();
    let script = async {
        for number in 0..MESSAGES {
            loop {
                let result = handle.send(number).await;
                let again = matches!(result, Err(SendError::NotOnline(_) | SendError::Lost(_)));
                results.entry(number).or_insert_with(Vec::new).push(result);
                if !again {
                    break;
                }
                // Not until it is online: as soon as there is a session, the message is queued.
                lab.sleep(ms(1)).await;
            }
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let mut written = Vec::new();
    let mut restored = BTreeMap::new();
    let mut carriers = BTreeSet::new();
    for sent in lab.log().sent {
        let restored = restored.entry(sent.epoch.get()).or_insert(0);
        match sent.command {
            Command::Restore { keys, .. } => *restored += keys.len(),
            Command::Message(number) => {
                assert_eq!(*restored, 3, "message {number} came before the subscriptions");
                written.push(number);
                carriers.insert(sent.epoch.get());
            }
            _ => {}
        }
    }
    assert!(restored.len() > 10, "{} connections", restored.len());
    assert!(carriers.len() > 10, "{} of them carried messages", carriers.len());
    assert!(written.is_sorted() && written.windows(2).all(|pair| pair[0] != pair[1]), "{written:?}");
    for number in 0..MESSAGES {
        let (last, before) = results[&number].split_last().unwrap();
        for given_back in before {
            assert!(matches!(given_back, Err(SendError::NotOnline(n) | SendError::Lost(n)) if *n == number));
        }
        match last {
            Ok(()) => assert!(written.contains(&number), "{number} was said to be written"),
            Err(error) => assert_eq!(*error, SendError::InDoubt),
        }
    }
}

/// A peer that stops reading: the heartbeat finds it, one message is in doubt, those behind it come back, and the next
/// connection is the only one.
pub(super) async fn a_peer_that_stops_reading_holds_up_no_sender(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    // Identify is read, and nothing after it.
    let lab = Lab::new(rt, vec![]).set(|set| set.set_writes(Writes::block_at(1)));
    let mut driver = lab.driver(&CONFIG).with_send_timeout(Some(ms(400)));
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let (first, second, third) = (handle.send(1), handle.send(2), handle.try_send(3).unwrap());
        let (first, second, third) = join3(first, second, third).await;
        // What was tried without waiting was there first.
        assert_eq!(third, Err(SendError::InDoubt));
        assert_eq!(first, Err(SendError::Lost(1)));
        assert_eq!(second, Err(SendError::Lost(2)));
        // The write that was given up with its transport is not missed later.
        lab.clone().set(|set| set.answer(Answer::hang()));
        lab.sleep(ms(600)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let stats = driver.policy().stats();
    assert_eq!((stats.zombies, stats.stale), (1, 0));
}

/// The same where whatever the peer says keeps the heartbeat content: the time of the send is over.
pub(super) async fn a_send_has_its_limit(rt: Host, _: Duration) {
    static CONFIG: Config = LONG
        .to_builder()
        .heartbeat(HEARTBEATS.to_builder().liveness(Liveness::AnyTraffic).build_const())
        .build_const();
    let received: fn(_) -> Fact = |epoch| Event::Received { epoch };
    let mut script = vec![Say::events(vec![ready])];
    script.extend((0..100).flat_map(|_| [Say::wait(ms(40)), Say::events(vec![received])]));
    let lab = Lab::new(rt, vec![Answer::accept(script)]).set(|set| {
        set.set_writes(Writes::block_at(1));
        set.set_answering(false);
    });
    let mut driver = lab.driver(&CONFIG).with_send_timeout(Some(ms(500)));
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        assert_eq!(handle.send(1).await, Err(SendError::InDoubt));
        assert_eq!(handle.send(2).await, Err(SendError::NotOnline(2)));
        let explanation = handle.explain().await.unwrap();
        assert_eq!((explanation.phase, explanation.last_cause), (Phase::Waiting, Some(Cause::SendFailed)));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(driver.policy().stats().zombies, 0);
    assert_eq!(SEND_TIMEOUT, ms(60_000));
}

/// Ten heartbeats long the application takes nothing: the peer is not declared dead, and then everything comes in order.
pub(super) async fn a_slow_application_is_not_a_dead_peer(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let mut script = vec![Say::events(vec![ready])];
    script.extend((0..300).map(Say::message));
    let lab = Lab::new(rt, vec![Answer::accept(script)]);
    let mut driver = lab.driver(&CONFIG).with_message_buffer(8);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        lab.until_heartbeats(10).await;
        for number in 0..300 {
            assert_eq!(messages.recv().await, Some(number));
        }
        // It reads on: what is answered now is heard.
        let before = lab.heartbeats();
        lab.until_heartbeats(before + 3).await;
        handle.stop();
        assert_eq!(messages.recv().await, None);
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let stats = driver.policy().stats();
    assert_eq!((stats.zombies, stats.heartbeats_missed, stats.opens), (0, 0, 1));
    assert_eq!(driver.discarded(), 0);
}

/// An application that takes one message now and then pauses the reader again and again; an acknowledgement that lies far
/// behind is not held against the peer either.
pub(super) async fn a_trickle_is_not_a_dead_peer(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let mut script = vec![Say::events(vec![ready])];
    script.extend((0..100).map(Say::message));
    let lab = Lab::new(rt, vec![Answer::accept(script)]);
    let mut driver = lab.driver(&CONFIG).with_message_buffer(2);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        for number in 0..30 {
            assert_eq!(messages.recv().await, Some(number));
            lab.sleep(ms(35)).await;
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let stats = driver.policy().stats();
    assert_eq!((stats.zombies, stats.opens), (0, 1));
}

/// A heartbeat that was written just before the pause is not missed in it.
pub(super) async fn a_heartbeat_before_a_pause_is_not_missed(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let mut script = vec![Say::events(vec![ready]), Say::wait(ms(110))];
    script.extend((0..10).map(Say::message));
    let lab = Lab::new(rt, vec![Answer::accept(script)]).set(|set| set.set_answering(false));
    let mut driver = lab.driver(&CONFIG).with_message_buffer(4);
    let (handle, messages) = (driver.handle(), driver.messages());
    let script = async {
        lab.until_heartbeats(4).await;
        assert_eq!(messages.waiting(), 4);
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!((driver.policy().stats().zombies, lab.dials().len()), (0, 1));
}

/// A peer that answers everything takes nothing more while nobody takes its answers: a heartbeat that waits behind such a write
/// is not missed.
pub(super) async fn a_pause_that_blocks_the_writer_is_not_a_dead_peer(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let mut script = vec![Say::events(vec![ready])];
    script.extend((0..10).map(Say::message));
    // The identification goes through, the message behind it doesn't.
    let lab = Lab::new(rt, vec![Answer::accept(script)]).set(|set| set.set_writes(Writes::block_at(1)));
    let mut driver = lab.driver(&CONFIG).with_message_buffer(4);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        handle.online().await.unwrap();
        let mut send = core::pin::pin!(handle.send(1));
        let sent = first(send.as_mut(), lab.sleep(ms(1_000))).await;
        assert!(sent.is_none(), "it can't be written");
        assert_eq!(handle.explain().await.unwrap().phase, Phase::Online, "ten heartbeats later");
        assert_eq!(messages.recv().await, Some(0));
        handle.stop();
        assert_eq!(send.await, Err(SendError::InDoubt));
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!((driver.policy().stats().zombies, lab.dials().len()), (0, 1));
}

/// A stop is no loss: what waits behind a write that is stuck is given back as ended, so that nobody tries it again.
pub(super) async fn a_stop_ends_what_waits_to_be_sent(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![Answer::accept(vec![Say::events(vec![ready])])])
        .set(|set| set.set_writes(Writes::block_at(1)));
    let mut driver = lab.driver(&LONG);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let stop = async {
            lab.sleep(ms(20)).await;
            handle.stop();
        };
        let (first, second, ()) = join3(handle.send(1), handle.send(2), stop).await;
        assert_eq!((first, second), (Err(SendError::InDoubt), Err(SendError::Ended(2))));
        assert_eq!(
            handle.send(3).await,
            Err(SendError::Ended(3)),
            "while the connection is being closed, too"
        );
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
}

/// A peer that died while the application took nothing is found once it reads on, or by a write that fails meanwhile.
pub(super) async fn a_peer_that_died_in_a_pause_is_found(rt: Host, _: Duration) {
    static CONFIG: Config = LONG.to_builder().heartbeat(HEARTBEATS).build_const();
    let script = || {
        let mut script = vec![Say::events(vec![ready])];
        script.extend((0..10).map(Say::message));
        vec![Answer::accept(script)]
    };
    let lab = Lab::new(rt, script()).set(|set| set.set_answering(false));
    let mut driver = lab.driver(&CONFIG).with_message_buffer(4);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let watch = async {
        lab.until_heartbeats(5).await;
        assert_eq!(handle.explain().await.unwrap().phase, Phase::Online);
        for number in 0..10 {
            assert_eq!(messages.recv().await, Some(number));
        }
        while handle.explain().await.unwrap().phase == Phase::Online {
            lab.sleep(ms(5)).await;
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), watch).await, Outcome::Stopped);
    assert_eq!(driver.policy().stats().zombies, 1);

    let lab = Lab::new(lab.host.clone(), script()).set(|set| {
        set.set_answering(false);
        set.set_writes(Writes::fail_at(3));
    });
    let mut driver = lab.driver(&CONFIG).with_message_buffer(4);
    let (handle, _messages) = (driver.handle(), driver.messages());
    let watch = async {
        handle.online().await.unwrap();
        while handle.explain().await.unwrap().phase == Phase::Online {
            lab.sleep(ms(5)).await;
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), watch).await, Outcome::Stopped);
    assert_eq!(driver.policy().stats().zombies, 0);
    assert_eq!(lab.heartbeats(), 2, "the third failed");
}

/// A full buffer does not keep a new connection from being established, and memory is bounded all the same.
pub(super) async fn a_full_buffer_lets_a_session_begin(rt: Host, _: Duration) {
    let mut first = vec![Say::events(vec![ready])];
    first.extend((0..4).map(Say::message));
    first.push(Say::end(Cause::NoCloseFrame));
    // The second replays before it says that the session is resumed.
    let mut second: Vec<_> = (4..7).map(Say::message).collect();
    second.push(Say::events(vec![|epoch| Event::Resumed { epoch }]));
    second.extend((7..50).map(Say::message));
    let lab =
        Lab::new(rt, vec![Answer::accept(first), Answer::accept(second)]).set(|set| set.set_answering(false));
    let mut driver = lab.driver(&BACKOFF).with_message_buffer(5);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let script = async {
        lab.until_dialled(2).await;
        handle.online().await.unwrap();
        lab.sleep(ms(50)).await;
        assert!(messages.waiting() <= 10, "{} wait", messages.waiting());
        for number in 0..50 {
            assert_eq!(messages.recv().await, Some(number));
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(driver.policy().stats().resumed, 1);
}

/// What came behind a number that the policy did not take, because the transport was closed in between, is left to the
/// resume; what came without a number is delivered.
pub(super) async fn a_stale_number_takes_its_message_along(rt: Host, _: Duration) {
    for (with_number, last) in [(true, None), (false, Some(3))] {
        let lab = Lab::new(rt.clone(), vec![]);
        let stop = lab.stop();
        // A stop from inside, and behind an event of the same receive a message with or without a number.
        let stopped = Say::receive(move |epoch| {
            stop();
            let sequence = Item::from(Event::Sequence { epoch, sequence: 3 });
            let life = Item::from(Event::Received { epoch });
            core::iter::once(life).chain(with_number.then_some(sequence)).chain([Item::Message(3)]).collect()
        });
        lab.server.answer(Answer::accept(vec![Say::events(vec![ready]), numbered(2), stopped]));
        let mut driver = lab.driver(&LONG);
        let mut messages = driver.messages();
        assert_eq!(lab.drive(driver.run(), async {}).await, Outcome::Stopped);
        assert_eq!((messages.recv().await, messages.recv().await), (Some(2), last));
        assert_eq!(driver.policy().stats().stale, u32::from(with_number));
    }
}

/// Without an application that takes them, messages hold up nothing, and are counted.
pub(super) async fn messages_that_nobody_takes_are_counted(rt: Host, _: Duration) {
    let mut script = vec![Say::events(vec![ready])];
    script.extend((0..200).map(Say::message));
    let lab = Lab::new(rt, vec![Answer::accept(script)]);
    let mut driver = lab.driver(&LONG).with_message_buffer(2);
    let handle = driver.handle();
    let (mut first, mut second) = (driver.messages(), driver.messages());
    let script = async {
        assert_eq!(first.recv().await, None, "there is a newer consumer");
        assert_eq!(second.recv().await, Some(0));
        drop(second);
        lab.sleep(ms(50)).await;
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(driver.discarded(), 199);
}
