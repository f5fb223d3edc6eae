//! `supervise` on every runtime: both closures are begun and dropped when the policy says so.

use core::future::pending;
use core::time::Duration;
use std::prelude::v1::*;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::driver::{Command, DialError, Failure, Link, Outcome, supervise};
use crate::{Cause, Config, GiveUp, IoKind, Phase, Policy, SplitMix64};

use super::driving::join;
use super::duties::{BACKOFF, HEARTBEATS};
use super::host::Host;
use super::lab::ms;

/// Counts itself.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn new(alive: &'a AtomicU32) -> Self {
        assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0, "two at once");
        Self(alive)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn refused() -> std::io::Error {
    std::io::ErrorKind::ConnectionRefused.into()
}

/// An error of a library around one of the system.
#[derive(Debug)]
struct Wrapped(std::io::Error);

impl core::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("wrapped")
    }
}

impl core::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Connections that are lost in every way, one after the other, and nothing is left of each before the next begins.
pub(super) async fn lives_end_before_the_next_begins(host: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().connect_timeout(ms(50)).build_const();
    let (alive, dials) = (&AtomicU32::new(0), &AtomicU32::new(0));
    let policy = Policy::new(&CONFIG, SplitMix64::new(7));
    let connect = |_| async move {
        let guard = Counted::new(alive);
        match dials.fetch_add(1, Ordering::SeqCst) {
            0 => Err(refused())?,
            1 => Err(Wrapped(refused()))?,
            2 => pending().await,
            3 => Err(DialError::NotNow { retry_after: None })?,
            number => Ok((guard, number)),
        }
    };
    let sleep = |span| host.sleep(span);
    let mut driver = supervise(policy, host.clone(), connect, |(_guard, number), link: Link| async move {
        link.ready();
        sleep(ms(10)).await;
        match number {
            4 => Ok(()),
            5 => Err(Cause::CloseFrame(4_321))?,
            6 => Err(refused())?,
            7 => {
                link.lost(Cause::Http(503));
                pending().await
            }
            _ => pending().await,
        }
    });
    let handle = driver.handle();
    let mut changes = handle.changes();
    let mut causes = Vec::new();
    let script = async {
        while let Some(explanation) = changes.recv().await {
            if explanation.phase == Phase::Waiting {
                causes.push(explanation.last_cause);
            }
            if explanation.phase == Phase::Online && dials.load(Ordering::SeqCst) == 9 {
                handle.stop();
            }
        }
    };
    let (outcome, ()) = join(driver.run(), script).await;
    assert_eq!(outcome, Outcome::Stopped);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    let refused = Cause::Io(IoKind::ConnectionRefused);
    let expected = [
        refused,
        refused,
        Cause::ConnectTimeout,
        Cause::ConnectTimeout,
        Cause::NoCloseFrame,
        Cause::CloseFrame(4_321),
        refused,
        Cause::Http(503),
    ];
    assert_eq!(causes, expected.map(Some));
}

/// The first connect has limits of its own.
pub(super) async fn the_first_connect_has_its_own_limits(host: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().initial_limits(Some(2), None).build_const();
    let (fails, dials) = (&AtomicU32::new(2), &AtomicU32::new(0));
    for (failing, outcome_after) in [(2, 2), (1, 6)] {
        fails.store(failing, Ordering::SeqCst);
        dials.store(0, Ordering::SeqCst);
        let policy = Policy::new(&CONFIG, SplitMix64::new(7));
        // The first `failing` dials fail, the next succeeds, and four more fail.
        let connect = |_| async move {
            let number = dials.fetch_add(1, Ordering::SeqCst);
            if number == failing { Ok(()) } else { Err(Failure::from(refused())) }
        };
        let mut driver = supervise(policy, host.clone(), connect, |(), link: Link| async move {
            link.ready();
            Ok(())
        });
        let handle = driver.handle();
        let script = async {
            while dials.load(Ordering::SeqCst) < 6
                && handle.explain().await.is_none_or(|now| now.phase != Phase::Failed)
            {
                host.sleep(ms(5)).await;
            }
            handle.stop();
        };
        let (outcome, ()) = join(driver.run(), script).await;
        let gave_up = matches!(outcome, Outcome::GaveUp { reason: GiveUp::MaxAttempts, .. });
        assert_eq!((gave_up, dials.load(Ordering::SeqCst)), (failing == 2, outcome_after));
    }
}

/// A crate that can ask its peer does so when the policy says so; one that goes silent is left.
pub(super) async fn heartbeats_can_be_answered(host: Host, _: Duration) {
    static CONFIG: Config = BACKOFF.to_builder().heartbeat(HEARTBEATS).build_const();
    let dials = &AtomicU32::new(0);
    let connect = |_| async move {
        dials.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    let policy = Policy::new(&CONFIG, SplitMix64::new(7));
    let mut driver = supervise(policy, host.clone(), connect, |(), link: Link| async move {
        assert_eq!(link.command().await, Some(Command::Identify));
        link.ready();
        for _ in 0..5 {
            assert_eq!(link.command().await, Some(Command::Heartbeat { sequence: None }));
            link.acknowledged();
        }
        pending().await
    });
    let handle = driver.handle();
    let script = async {
        while dials.load(Ordering::SeqCst) < 2 {
            host.sleep(ms(5)).await;
        }
        handle.stop();
    };
    let (outcome, ()) = join(driver.run(), script).await;
    assert_eq!(outcome, Outcome::Stopped);
    assert_eq!(driver.policy().stats().zombies, 1);
}

/// A handover lives twice for as long as it takes.
pub(super) async fn a_supervised_connection_is_handed_over(host: Host, _: Duration) {
    let (lives, epochs) = (&AtomicU32::new(0), &AtomicU32::new(0));
    let policy = Policy::new(&BACKOFF, SplitMix64::new(7)).with_handover(crate::handover::Config::DEFAULT);
    let sleep = |span| host.sleep(span);
    let connect = |_| async { Ok::<(), Failure>(()) };
    let mut driver = supervise(policy, host.clone(), connect, |(), link: Link| async move {
        lives.fetch_add(1, Ordering::SeqCst);
        let _guard = Ended(lives);
        sleep(ms(50)).await;
        epochs.store(link.epoch().get(), Ordering::SeqCst);
        link.ready();
        pending().await
    });
    let handle = driver.handle();
    let script = async {
        handle.online().await.unwrap();
        handle.redial();
        host.sleep(ms(25)).await;
        assert_eq!(lives.load(Ordering::SeqCst), 2);
        while lives.load(Ordering::SeqCst) > 1 || epochs.load(Ordering::SeqCst) < 2 {
            host.sleep(ms(1)).await;
        }
        assert_eq!(handle.stats().await.unwrap().losses, 0);
        handle.stop();
    };
    let outcome = super::driving::drive_for(&host, driver.run(), ms(15_000), script).await;
    assert_eq!(outcome, Some(Outcome::Stopped));
    assert_eq!(lives.load(Ordering::SeqCst), 0);
}

/// Takes itself off.
struct Ended<'a>(&'a AtomicU32);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
