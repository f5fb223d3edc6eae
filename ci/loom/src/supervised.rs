//! A link that is used from another thread.

use core::future::pending;

use loom::future::block_on;
use redial::driver::{Command, Failure, Link, Outcome, supervise};
use redial::{Cause, Phase, Policy, SplitMix64};

use crate::scene::{CONFIG, Still, model};

/// What another thread tells by a link arrives, in order, and the loss ends the connection.
#[test]
fn a_link_tells_from_another_thread() {
    model(1, || {
        let policy = Policy::new(&CONFIG, SplitMix64::new(7));
        let connect = |_| async { Ok::<(), Failure>(()) };
        let mut driver = supervise(policy, Still, connect, |(), link: Link| async move {
            loom::thread::spawn(move || {
                link.ready();
                link.received();
                link.lost(Cause::CloseFrame(4_321));
            });
            pending().await
        });
        let handle = driver.handle();
        let mut changes = handle.changes();
        let watcher = loom::thread::spawn(move || {
            let mut online = false;
            while let Some(change) = block_on(changes.recv()) {
                online |= change.phase == Phase::Online;
                if change.phase == Phase::Waiting {
                    assert_eq!(change.last_cause, Some(Cause::CloseFrame(4_321)));
                    handle.stop();
                }
            }
            online
        });
        assert_eq!(block_on(driver.run()), Outcome::Stopped);
        assert!(watcher.join().unwrap(), "it was ready first");
    });
}

/// A thread that waits for a command gets it, or learns that the connection is gone.
#[test]
fn a_link_gives_commands_to_another_thread() {
    model(2, || {
        let policy = Policy::new(&CONFIG, SplitMix64::new(7));
        let connect = |_| async { Ok::<(), Failure>(()) };
        let mut driver = supervise(policy, Still, connect, |(), link: Link| async move {
            loom::thread::spawn(move || {
                let first = block_on(link.command());
                assert!(matches!(first, Some(Command::Identify) | None));
                if first.is_some() {
                    assert_eq!(block_on(link.command()), None);
                }
            });
            pending().await
        });
        let handle = driver.handle();
        let stopper = loom::thread::spawn(move || handle.stop());
        assert_eq!(block_on(driver.run()), Outcome::Stopped);
        assert!(stopper.join().unwrap());
    });
}
