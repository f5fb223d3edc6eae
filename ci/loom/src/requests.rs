//! What a handle asks for from another thread is done, whatever the run is doing.

use loom::future::block_on;
use redial::Phase;
use redial::driver::{Command, Outcome};

use crate::scene::{Server, model, run, thread};

/// A stop ends a dial that hangs, one that comes before the run, and one that comes while the run starts.
#[test]
fn a_stop_ends_a_dial() {
    model(3, || {
        let mut driver = Server { dial_hangs: true, ..Server::default() }.driver();
        let stopper = thread(&driver.handle(), |handle| assert!(handle.stop()));
        assert_eq!(run(&mut driver), Outcome::Stopped);
        stopper.join().unwrap();
        assert!(driver.protocol().log.lock().unwrap().dials <= 1);
    });
}

/// Two stops at once are as good as one.
#[test]
fn two_stops_end_a_run() {
    model(2, || {
        let mut driver = Server { dial_hangs: true, ..Server::default() }.driver();
        let first = thread(&driver.handle(), |handle| assert!(handle.stop()));
        let second = thread(&driver.handle(), |handle| assert!(handle.stop_keeping_session()));
        assert_eq!(run(&mut driver), Outcome::Stopped);
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// A request to retry ends the wait, and the stop behind it the connection: neither is lost, and they come in order. The other
/// thread learns by the stream of changes when to ask.
#[test]
fn a_retry_ends_a_wait() {
    model(2, || {
        let mut driver = Server { refusals: 1.into(), ..Server::default() }.driver();
        let handle = driver.handle();
        let mut changes = handle.changes();
        let asker = thread(&handle, move |handle| {
            while block_on(changes.recv()).is_some_and(|change| change.phase != Phase::Waiting) {}
            assert!(handle.retry_now());
            assert!(handle.stop());
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        asker.join().unwrap();
        assert_eq!(driver.protocol().log.lock().unwrap().dials, 2);
    });
}

/// A subscription that was asked for before a message is sent before it.
#[test]
fn a_subscription_goes_before_a_later_message() {
    model(2, || {
        let mut driver = Server::default().driver();
        let asker = thread(&driver.handle(), |handle| {
            block_on(async {
                handle.online().await.unwrap();
                assert!(handle.subscribe(5, 0));
                handle.send(6).await.unwrap();
            });
            handle.stop();
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        asker.join().unwrap();
        let log = driver.protocol().log.lock().unwrap();
        let restore = Command::Restore { keys: vec![5], send: 1 };
        assert_eq!(log.sent, [Command::Identify, restore, Command::Message(6)]);
    });
}

/// Two threads that ask how it is have an answer each, also where the run ends meanwhile.
#[test]
fn everybody_who_asks_is_answered() {
    model(1, || {
        let mut driver = Server { dial_hangs: true, ..Server::default() }.driver();
        let askers = [false, true].map(|stops| {
            thread(&driver.handle(), move |handle| {
                if let Some(explanation) = block_on(handle.explain()) {
                    assert!(matches!(explanation.phase, Phase::Idle | Phase::Connecting | Phase::Stopped));
                }
                if stops {
                    handle.stop();
                }
            })
        });
        assert_eq!(run(&mut driver), Outcome::Stopped);
        for asker in askers {
            asker.join().unwrap();
        }
    });
}
