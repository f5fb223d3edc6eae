//! Messages between the application's threads and a run: none lost, none doubled, and nobody left waiting.

use loom::future::block_on;
use redial::driver::{Command, Outbox, Outcome, Overflow, SendError};

use crate::scene::{SceneDriver, Server, model, run, thread};

fn written(driver: &SceneDriver) -> Vec<u8> {
    let log = driver.protocol().log.lock().unwrap();
    let message = |sent: &Command<(), u8, u8>| match sent {
        Command::Message(message) => Some(*message),
        _ => None,
    };
    log.sent.iter().filter_map(message).collect()
}

/// What became of a message agrees with what was written.
fn assert_agreed(written: &[u8], message: u8, result: Result<(), SendError<u8>>) {
    let times = written.iter().filter(|written| **written == message).count();
    match result {
        Ok(()) => assert_eq!(times, 1),
        Err(SendError::InDoubt) => assert!(times <= 1),
        Err(error) => assert_eq!((times, error.into_message()), (0, Some(message))),
    }
}

/// A send beside a stop of another thread: whichever comes first, the sender learns what became of its message.
#[test]
fn a_send_beside_a_stop() {
    for slow in [false, true] {
        model(1, move || {
            let mut driver = Server { slow, ..Server::default() }.driver();
            let sender = thread(&driver.handle(), |handle| {
                block_on(async {
                    if handle.online().await.is_err() {
                        return Err(SendError::Ended(1));
                    }
                    handle.send(1).await
                })
            });
            let stopper = thread(&driver.handle(), |handle| assert!(handle.stop()));
            assert_eq!(run(&mut driver), Outcome::Stopped);
            stopper.join().unwrap();
            assert_agreed(&written(&driver), 1, sender.join().unwrap());
        });
    }
}

/// Two senders at once, one of which stops the driver behind its message.
#[test]
fn two_senders_and_a_stop() {
    model(1, || {
        let queue = Outbox::new().with_offline_queue(Overflow::Refuse);
        let mut driver = Server::default().driver().with_outbox(queue);
        let senders = [1, 2].map(|message| {
            thread(&driver.handle(), move |handle| {
                let receipt = handle.try_send(message);
                if message == 2 {
                    handle.stop();
                }
                receipt.and_then(block_on)
            })
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        for (message, sender) in [1, 2].into_iter().zip(senders) {
            assert_agreed(&written(&driver), message, sender.join().unwrap());
        }
    });
}

/// A queue with one place and two senders: whoever gives way is told, and nothing is written twice.
#[test]
fn a_displaced_message_comes_back() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Refuse] {
        model(1, move || {
            let queue = Outbox::new().with_capacity(1).with_offline_queue(overflow);
            let mut driver = Server::default().driver().with_outbox(queue);
            let first = thread(&driver.handle(), |handle| block_on(handle.send(1)));
            let second = thread(&driver.handle(), |handle| {
                let result = block_on(handle.send(2));
                handle.stop();
                result
            });
            assert_eq!(run(&mut driver), Outcome::Stopped);
            assert_agreed(&written(&driver), 1, first.join().unwrap());
            assert_agreed(&written(&driver), 2, second.join().unwrap());
        });
    }
}

/// A sender that gives up takes its message along, or it is written once.
#[test]
fn a_dropped_send_is_written_or_not() {
    model(2, || {
        let mut driver = Server { slow: true, ..Server::default() }.driver();
        let sender = thread(&driver.handle(), |handle| {
            block_on(async {
                handle.online().await.unwrap();
                let mut send = Box::pin(handle.send(1));
                core::future::poll_fn(|cx| core::task::Poll::Ready(send.as_mut().poll(cx).is_ready())).await;
                drop(send);
                handle.send(2).await.unwrap();
            });
            handle.stop();
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        sender.join().unwrap();
        let written = written(&driver);
        assert!(written == [1, 2] || written == [2], "{written:?}");
    });
}

/// A reader that pauses for a full buffer goes on when there is space, and everything comes, once and in order; then the end.
#[test]
fn a_full_buffer_is_read_on() {
    model(2, || {
        let mut driver = Server { says: vec![1, 2, 3], ..Server::default() }.driver().with_message_buffer(1);
        let mut messages = driver.messages();
        let consumer = thread(&driver.handle(), move |handle| {
            for expected in 1..=3 {
                assert_eq!(block_on(messages.recv()), Some(expected));
            }
            handle.stop();
            assert_eq!(block_on(messages.recv()), None);
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        consumer.join().unwrap();
        assert_eq!(driver.discarded(), 0);
    });
}

/// An application that stops taking messages lets the reader go on: what it did not take is counted, and nothing hangs.
#[test]
fn a_consumer_that_leaves_is_not_waited_for() {
    model(2, || {
        let mut driver = Server { says: vec![1, 2, 3], ..Server::default() }.driver().with_message_buffer(1);
        let mut messages = driver.messages();
        let consumer = thread(&driver.handle(), move |handle| {
            let taken = u64::from(block_on(messages.recv()) == Some(1));
            drop(messages);
            block_on(handle.online()).unwrap();
            handle.stop();
            taken
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        assert_eq!(consumer.join().unwrap(), 1);
        assert!(driver.discarded() <= 2);
    });
}
