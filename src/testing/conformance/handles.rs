//! What a handle sends while there is no connection, waits for and asks.

use core::time::Duration;
use std::prelude::v1::*;
use std::vec;

use crate::driver::{Command, Outbox, Outcome, Overflow, SendError};
use crate::testing::Writes;
use crate::{BackoffConfig, Cause, Config, Event, GiveUp, IoKind, Phase};

use super::duties::{BACKOFF, HEARTBEATS, LONG};
use super::host::Host;
use super::lab::{Answer, Fact, Lab, Say, ms, ready, refused};

fn numbers(lab: &Lab) -> Vec<u32> {
    lab.log().messages().copied().collect()
}

/// By default nothing waits for a connection.
pub(super) async fn offline_messages_come_back(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![refused()]);
    let mut driver = lab.driver(&LONG);
    let handle = driver.handle();
    assert_eq!(handle.send(1).await, Err(SendError::NotOnline(1)));
    let script = async {
        lab.sleep(ms(20)).await;
        assert_eq!(handle.send(2).await, Err(SendError::NotOnline(2)));
        assert_eq!(handle.try_send(3).unwrap_err(), SendError::NotOnline(3));
        handle.retry_now();
        handle.online().await.unwrap();
        assert_eq!(handle.send(4).await, Ok(()));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(handle.send(5).await, Err(SendError::Ended(5)));
    drop(driver);
    assert_eq!(handle.send(6).await.unwrap_err().into_message(), Some(6));
    assert_eq!(numbers(&lab), [4]);
}

/// A queue for the time offline is bounded, says what gives way, and is kept over a loss.
pub(super) async fn the_offline_queue_is_bounded(rt: Host, _: Duration) {
    for (overflow, kept) in
        [(Overflow::Refuse, [1, 2]), (Overflow::DropOldest, [2, 3]), (Overflow::DropNewest, [1, 3])]
    {
        let lab = Lab::new(rt.clone(), vec![refused()]);
        let mut driver =
            lab.driver(&LONG).with_outbox(Outbox::new().with_capacity(2).with_offline_queue(overflow));
        let handle = driver.handle();
        let script = async {
            lab.sleep(ms(20)).await;
            let receipts: Vec<_> = [1, 2, 3].into_iter().map(|number| handle.try_send(number)).collect();
            handle.retry_now();
            for (number, receipt) in [1, 2, 3].into_iter().zip(receipts) {
                let result = match receipt {
                    Ok(receipt) => receipt.await,
                    Err(error) => Err(error),
                };
                match overflow {
                    _ if kept.contains(&number) => assert_eq!(result, Ok(())),
                    Overflow::Refuse => assert_eq!(result, Err(SendError::Full(number))),
                    _ => assert_eq!(result, Err(SendError::Displaced(number))),
                }
            }
            handle.stop();
        };
        assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
        assert_eq!(numbers(&lab), kept);
    }
}

/// What waited for a connection that was lost waits for the next one; what was being written is in doubt, and not
/// written again.
pub(super) async fn the_offline_queue_outlives_a_loss(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let lab = Lab::new(rt, vec![]).set(|set| set.set_writes(Writes::block_at(1)));
    let queue = Outbox::new().with_offline_queue(Overflow::Refuse);
    let mut driver = lab.driver(&CONFIG).with_outbox(queue);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let (first, second) = (handle.try_send(1).unwrap(), handle.try_send(2).unwrap());
        assert_eq!(first.await, Err(SendError::InDoubt));
        lab.clone().set(|set| set.set_writes(Writes::FINE));
        assert_eq!(second.await, Ok(()));
        let last = handle.try_send(3);
        handle.stop();
        // Written before the stop was seen, or given back; never in doubt about which.
        let result = last.unwrap().await;
        assert!(matches!(result, Ok(()) | Err(SendError::Ended(3) | SendError::InDoubt)), "{result:?}");
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert_eq!(numbers(&lab)[0], 2);
}

/// A sender that does not want to wait takes its message along, unless it is being written.
pub(super) async fn a_dropped_send_takes_its_message_along(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]).set(|set| set.set_writes(Writes::slow(ms(20))));
    let mut driver = lab.driver(&LONG);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let mut first = Box::pin(handle.send(1));
        let mut second = Box::pin(handle.send(2));
        let both = core::future::poll_fn(|cx| {
            assert!(first.as_mut().poll(cx).is_pending());
            assert!(second.as_mut().poll(cx).is_pending());
            core::task::Poll::Ready(())
        });
        both.await;
        lab.sleep(ms(5)).await;
        drop((first, second));
        let full: Vec<_> = (0..100).map(|number| handle.try_send(100 + number)).collect();
        assert_eq!(full.iter().filter(|queued| queued.is_ok()).count(), 64);
        assert_eq!(handle.send(3).await, Ok(()));
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let numbers = numbers(&lab);
    assert_eq!((numbers[0], numbers[1], numbers.len()), (1, 100, 66), "{numbers:?}");
}

/// More messages than the writer takes in one turn: it gives the others a turn, and goes on by itself.
pub(super) async fn a_crowd_of_messages_is_written(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.driver(&BACKOFF);
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        let sent = super::driving::join_all((0..300).map(|number| handle.send(number))).await;
        assert_eq!(sent, [Ok(()); 300]);
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    assert!(numbers(&lab).into_iter().eq(0..300));
}

/// A subscription that was asked for before a message goes out before it.
pub(super) async fn a_subscription_goes_before_a_later_message(rt: Host, _: Duration) {
    let lab = Lab::new(rt, vec![]);
    let mut driver = lab.driver(&BACKOFF);
    let handle = driver.handle();
    let script = async {
        for number in 0..20 {
            handle.online().await.unwrap();
            handle.subscribe(number.to_string(), 0);
            assert_eq!(handle.send(number).await, Ok(()));
        }
        handle.stop();
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    let mut known = Vec::new();
    for sent in lab.sent() {
        match sent {
            Command::Restore { keys, .. } => known.extend(keys),
            Command::Message(number) => assert!(known.contains(&number.to_string()), "{number} came first"),
            _ => {}
        }
    }
    assert_eq!(known.len(), 20);
}

/// Waiting for the connection, for the end and for answers.
pub(super) async fn handles_know_how_it_is(rt: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().max_attempts(Some(3)).build_const();
    let lab = Lab::new(rt, vec![refused(), Answer::accept(vec![]), refused()]);
    let mut driver = lab.driver(&CONFIG);
    let handle = driver.handle();
    assert_eq!(handle.explain().await, None, "nothing was run");
    let script = async {
        handle.online().await.unwrap();
        let explanation = handle.explain().await.unwrap();
        assert_eq!((explanation.phase, explanation.attempt), (Phase::Online, 2));
        let stats = handle.stats().await.unwrap();
        assert_eq!((stats.opens, stats.failed, stats.established), (2, 1, 1));
        handle.redial();
        // Offline, and then never online again.
        while handle.explain().await.unwrap().phase == Phase::Online {}
        let ended = handle.online().await.unwrap_err();
        assert!(
            matches!(ended.outcome, Some(Outcome::GaveUp { reason: GiveUp::MaxAttempts, .. })),
            "{ended}"
        );
    };
    let outcome = lab.drive(driver.run(), script).await;
    let cause = Cause::Io(IoKind::ConnectionRefused);
    assert_eq!(outcome, Outcome::GaveUp { reason: GiveUp::MaxAttempts, cause });
    assert_eq!(handle.closed().await.outcome, Some(outcome));
    assert_eq!(handle.online().await.unwrap_err().outcome, Some(outcome));
    assert_eq!(handle.explain().await.unwrap().phase, Phase::Failed);
    assert_eq!(handle.stats().await.unwrap().opens, 3);

    let mut driver = Lab::new(lab.host.clone(), vec![]).driver(&CONFIG);
    let handle = driver.handle();
    let (mut messages, mut changes) = (driver.messages(), handle.changes());
    drop(Box::pin(driver.run()));
    drop(driver);
    assert_eq!(handle.online().await.unwrap_err().outcome, None);
    assert_eq!(handle.explain().await, None);
    assert_eq!((messages.recv().await, changes.recv().await), (None, None));
}

/// Every transition, in order, and no heartbeat or message among them; who does not look misses the oldest, counted.
pub(super) async fn changes_are_transitions(rt: Host, _: Duration) {
    static CONFIG: Config =
        Config::new(BackoffConfig::constant(ms(10)).build_const()).heartbeat(HEARTBEATS).build_const();
    let received: fn(_) -> Fact = |epoch| Event::Received { epoch };
    let mut dials = vec![refused()];
    dials.extend((0..20).map(|_| {
        Answer::accept(vec![
            Say::events(vec![ready, received]),
            Say::message(1),
            Say::wait(ms(5)),
            Say::end(Cause::NoCloseFrame),
        ])
    }));
    let lab = Lab::new(rt, dials);
    let mut driver = lab.driver(&CONFIG);
    let handle = driver.handle();
    let (mut changes, mut sleepy) = (handle.changes(), handle.changes());
    drop(handle.changes());
    let mut phases = Vec::new();
    let script = async {
        while let Some(explanation) = changes.recv().await {
            phases.push(explanation.phase);
            if lab.dials().len() == 22 {
                handle.stop();
            }
        }
    };
    assert_eq!(lab.drive(driver.run(), script).await, Outcome::Stopped);
    // The end comes after the script's last turn.
    while let Some(explanation) = changes.recv().await {
        phases.push(explanation.phase);
    }
    use Phase::{Connecting, Establishing, Online, Stopped, Waiting};
    assert_eq!(phases[..6], [Connecting, Waiting, Connecting, Establishing, Online, Waiting]);
    assert_eq!(phases.last(), Some(&Stopped));
    assert_eq!(changes.missed(), 0);
    let mut late = Vec::new();
    while let Some(explanation) = sleepy.recv().await {
        late.push(explanation.phase);
    }
    assert_eq!(late.len(), 64);
    assert_eq!(late[..], phases[phases.len() - 64..]);
    assert_eq!(sleepy.missed(), phases.len() as u64 - 64);
}
