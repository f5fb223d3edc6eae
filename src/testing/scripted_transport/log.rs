//! What a driver did with a scripted transport.

use std::vec::Vec;

use crate::driver::{Command, Dial};
use crate::policy::{Epoch, Event, Explanation};
use crate::time::Instant;

/// What the drivers of a [`ScriptedTransport`](super::ScriptedTransport) did, each list in order.
///
/// ```
/// use redial::driver::Driver;
/// use redial::testing::{Answer, ScriptedTransport, VirtualClock};
/// use redial::{Cause, Policy, SplitMix64, presets};
///
/// let clock = VirtualClock::new();
/// let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// server.answer(Answer::refuse(Cause::Timeout));
/// let mut driver = Driver::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)), server.clone(), clock.clone());
/// let handle = driver.handle();
/// let _run = clock.spawn(async move { driver.run().await });
/// clock.run(async { handle.online().await.expect("online") });
///
/// let log = server.log();
/// let [refused, accepted] = &log.dials[..] else { panic!("two dials") };
/// println!("{:?} between them", accepted.at.saturating_duration_since(refused.at));
/// assert!(log.closes.is_empty() && log.messages().next().is_none());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Log<T, K, M> {
    /// The dials that were begun.
    pub dials: Vec<Dialled<T>>,
    /// The commands that were written, complete.
    pub sent: Vec<Sent<T, K, M>>,
    /// The closes that were begun. A transport that is just dropped is not among them.
    pub closes: Vec<Closed>,
    /// When a credential was asked for.
    pub refreshes: Vec<Instant>,
    /// The steps of the policy, as [`Protocol::observe`](crate::driver::Protocol::observe) sees them.
    pub steps: Vec<Observed<T, K>>,
}

impl<T, K, M> Log<T, K, M> {
    pub(super) const fn new() -> Self {
        Self {
            dials: Vec::new(),
            sent: Vec::new(),
            closes: Vec::new(),
            refreshes: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The messages of the application that were written, in order.
    pub fn messages(&self) -> impl Iterator<Item = &M> {
        self.sent.iter().filter_map(|sent| match &sent.command {
            Command::Message(message) => Some(message),
            _ => None,
        })
    }
}

/// A dial.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dialled<T> {
    /// When it began.
    pub at: Instant,
    /// What was dialled.
    pub dial: Dial<T>,
}

/// A command that was written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sent<T, K, M> {
    /// When the transport had taken it.
    pub at: Instant,
    /// The transport.
    pub epoch: Epoch,
    /// What was written.
    pub command: Command<T, K, M>,
}

/// A close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Closed {
    /// When it began.
    pub at: Instant,
    /// The transport.
    pub epoch: Epoch,
    /// The code of the close frame.
    pub code: u16,
}

/// A step of the policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observed<T, K> {
    /// When.
    pub at: Instant,
    /// What happened; `None`: a timer fired.
    pub event: Option<Event<T, K>>,
    /// Where the policy was after it, and why.
    pub explanation: Explanation,
}
