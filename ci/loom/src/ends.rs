//! A driver, or the future of its run, that is dropped while others wait for it.

use loom::future::block_on;
use redial::driver::{Outbox, Overflow, SendError};

use crate::scene::{Server, model, run, run_for, thread};

/// Those who wait for the connection, the end or the fate of a message learn that the run was dropped, and the driver with it.
#[test]
fn a_dropped_driver_is_told_to_all() {
    for polls in 0..3 {
        model(2, move || {
            let queue = Outbox::new().with_offline_queue(Overflow::Refuse);
            let mut driver = Server { dial_hangs: true, ..Server::default() }.driver().with_outbox(queue);
            let waiter = thread(&driver.handle(), |handle| {
                assert_eq!(block_on(handle.online()).unwrap_err().outcome, None);
                assert_eq!(block_on(handle.closed()).outcome, None);
            });
            let sender = thread(&driver.handle(), |handle| {
                assert_eq!(block_on(handle.send(1)), Err(SendError::Ended(1)));
            });
            run_for(&mut driver, polls);
            drop(driver);
            waiter.join().unwrap();
            sender.join().unwrap();
        });
    }
}

/// The same for who takes messages and changes.
#[test]
fn a_dropped_driver_ends_the_streams() {
    model(2, || {
        let mut driver = Server { says: vec![1], ..Server::default() }.driver();
        let (handle, mut messages) = (driver.handle(), driver.messages());
        let mut changes = handle.changes();
        let consumer = loom::thread::spawn(move || {
            let mut taken = 0;
            while block_on(messages.recv()).is_some() {
                taken += 1;
            }
            assert!(taken <= 1);
        });
        let watcher = loom::thread::spawn(move || while block_on(changes.recv()).is_some() {});
        run_for(&mut driver, 2);
        drop(driver);
        consumer.join().unwrap();
        watcher.join().unwrap();
        assert!(!handle.stop());
    });
}

/// A request beside the drop of the driver is refused or not looked at, and hangs nothing.
#[test]
fn a_request_beside_a_drop() {
    model(3, || {
        let mut driver = Server { dial_hangs: true, ..Server::default() }.driver();
        let handle = driver.handle();
        let asker =
            thread(&handle, |handle| (handle.retry_now(), handle.try_send(1).map(|_| ()).unwrap_err()));
        run_for(&mut driver, 1);
        drop(driver);
        let (_, refused) = asker.join().unwrap();
        assert!(matches!(refused, SendError::NotOnline(1) | SendError::Ended(1)));
        assert!(!handle.retry_now());
    });
}

/// A run that moves to another thread goes on there: the wakers are the new task's, and what it knew comes along.
#[test]
fn a_run_moves_between_threads() {
    model(2, || {
        let mut driver = Server::default().driver();
        let sender = thread(&driver.handle(), |handle| {
            block_on(async {
                handle.online().await.unwrap();
                handle.send(1).await.unwrap();
            });
            handle.stop();
        });
        // Boxed, so that it can be polled here and there.
        let mut run: core::pin::Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
            let outcome = driver.run().await;
            (outcome, driver)
        });
        let first = block_on(core::future::poll_fn(|cx| {
            let poll = run.as_mut().poll(cx);
            core::task::Poll::Ready(poll)
        }));
        let (outcome, _driver) = match first {
            core::task::Poll::Ready(ended) => ended,
            core::task::Poll::Pending => loom::thread::spawn(move || block_on(run)).join().unwrap(),
        };
        assert_eq!(outcome, redial::driver::Outcome::Stopped);
        sender.join().unwrap();
    });
}

/// What waits for the connection between two runs, and over the drop of one, is woken by the next.
#[test]
fn a_second_run_is_seen() {
    model(2, || {
        let mut driver = Server::default().driver();
        let handle = driver.handle();
        let waiter = thread(&handle, |handle| {
            // The end of the first run, or the connection of one of both.
            while block_on(handle.online()).is_err() {
                loom::thread::yield_now();
            }
            handle.stop();
        });
        if run_for(&mut driver, 1).is_none() {
            assert_eq!(run(&mut driver), redial::driver::Outcome::Stopped);
        }
        waiter.join().unwrap();
    });
}
