//! The way in from outside: what the user asks for, what the host says, and what both may know.

use alloc::sync::Arc;
use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::time::Duration;

use crate::handover::HandoverStats;
use crate::policy::{Epoch, Event, Explanation, HoldReason, Stats};

use super::Outcome;
use super::changes::Changes;
use super::outbox::{Receipt, SendError};
use super::protocol::Protocol;
use super::shared::Shared;
use super::status::{Report, Run, State};

/// Steers a [`Driver`](super::Driver), sends through it and asks it, from any thread or task and whatever it is doing:
/// dialling, waiting, stuck in a send, closing. Cheap to clone; get one from [`Driver::handle`](super::Driver::handle).
///
/// Requests do not block or wait. They are queued without a limit (they are your own, and a running driver takes them at
/// once) and kept while no `run` is under way. Each returns false, and does nothing, once the driver is dropped. A driver
/// whose handles are all dropped just goes on.
///
/// `T`, `K` and `M` are the protocol's token, key and message; [`HandleFor`] finds them by the protocol.
///
/// ```
/// use redial::driver::{Driver, Outcome};
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let mut driver = Driver::new(policy, server.clone(), clock.clone());
/// let handle = driver.handle();
/// let run = clock.spawn(async move { driver.run().await });
/// clock.run(async {
///     handle.online().await.expect("it gets online");
///     handle.send("hello".to_owned()).await.expect("written");
///     println!("{}", handle.explain().await.expect("it runs"));
///     handle.stop();
///     assert_eq!(run.await, Outcome::Stopped);
///     assert!(!handle.retry_now(), "the driver is gone");
/// });
/// # assert!(server.log().messages().eq(["hello"]));
/// ```
pub struct Handle<T = (), K = Infallible, M = Infallible>(pub(super) Arc<Shared<T, K, M>>);

/// The [`Handle`] of a driver with this protocol.
pub type HandleFor<P> = Handle<<P as Protocol>::Token, <P as Protocol>::Key, <P as Protocol>::Message>;

impl<T, K, M> Clone for Handle<T, K, M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, K, M> fmt::Debug for Handle<T, K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.0.status.lock().run;
        f.debug_struct("Handle").field("run", &run).finish_non_exhaustive()
    }
}

/// The run of a driver has ended, so what was waited for does not come.
///
/// ```
/// use redial::driver::{Driver, Ended, Outcome};
/// use redial::testing::{Answer, ScriptedTransport, VirtualClock};
/// use redial::{Cause, GiveUp, Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// server.answer(Answer::refuse(Cause::Http(400)));
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let mut driver = Driver::new(policy, server.clone(), clock.clone());
/// let handle = driver.handle();
/// let _run = clock.spawn(async move { driver.run().await });
/// let ended: Ended = clock.run(handle.online()).expect_err("it gives up before it is online");
/// assert_eq!(ended.outcome, Some(Outcome::GaveUp { reason: GiveUp::Fatal, cause: Cause::Http(400) }));
/// println!("{ended}");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ended {
    /// How; `None`: the driver, or the future of its run, was dropped.
    pub outcome: Option<Outcome>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Some(outcome) => write!(f, "the run has ended: {outcome}"),
            None => f.write_str("the run has ended: it was dropped"),
        }
    }
}

/// What a program prints that returns it from `main`.
impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ended({self})")
    }
}

impl core::error::Error for Ended {}

#[expect(clippy::must_use_candidate, reason = "a request to a driver that is gone is no error")]
impl<T, K, M> Handle<T, K, M> {
    /// [`Event::Stop`]: `run` closes what is open and returns; the session is forgotten. A stop that comes before `run` ends
    /// that at its start.
    pub fn stop(&self) -> bool {
        self.0.request(Event::Stop { keep: false })
    }

    /// The same, and the session is kept: the next [`run`](super::Driver::run) resumes it.
    pub fn stop_keeping_session(&self) -> bool {
        self.0.request(Event::Stop { keep: true })
    }

    /// [`Event::RetryNow`]: dial at once, whatever is being waited for.
    pub fn retry_now(&self) -> bool {
        self.0.request(Event::RetryNow)
    }

    /// [`Event::Hold`]: a precondition of the host is missing.
    pub fn hold(&self, reason: HoldReason) -> bool {
        self.0.request(Event::Hold(reason))
    }

    /// [`Event::Release`]: it is met again.
    pub fn release(&self, reason: HoldReason) -> bool {
        self.0.request(Event::Release(reason))
    }

    /// [`Event::CredentialNew`]: the next dial has another credential to use, and one under way is given up.
    pub fn credential_new(&self) -> bool {
        self.0.request(Event::CredentialNew)
    }

    /// [`Event::CredentialLost`]: there won't be one any more, so `run` returns.
    pub fn credential_lost(&self) -> bool {
        self.0.request(Event::CredentialLost)
    }

    /// [`Event::NetworkDown`].
    pub fn network_down(&self) -> bool {
        self.0.request(Event::NetworkDown)
    }

    /// [`Event::NetworkUp`].
    pub fn network_up(&self) -> bool {
        self.0.request(Event::NetworkUp)
    }

    /// [`Event::Hidden`].
    pub fn hidden(&self) -> bool {
        self.0.request(Event::Hidden)
    }

    /// [`Event::Visible`].
    pub fn visible(&self) -> bool {
        self.0.request(Event::Visible)
    }

    /// [`Event::HostResumed`]: the host slept for `gap`. The monotonic clocks of Linux and macOS stand still meanwhile, so
    /// no driver can find out by itself; whether its own went on it knows ([`Runtime::COUNTS_SLEEP`](super::Runtime)).
    pub fn host_resumed(&self, gap: Duration) -> bool {
        self.0.request(Event::HostResumed { gap, counted: false })
    }

    /// [`Event::NetworkChanged`]: the default route moved, and nothing went down in between.
    pub fn network_changed(&self) -> bool {
        self.0.request(Event::NetworkChanged)
    }

    /// [`Event::Redial`]: this connection is to be replaced now.
    pub fn redial(&self) -> bool {
        self.0.request(Event::Redial)
    }

    /// [`Event::Drained`]: what was under way on the connection that a successor replaced has ended, so that it is closed now
    /// and not at the end of its [drain](crate::handover::Config::drain). While no connection drains it changes nothing.
    ///
    /// A protocol that learns this from the server returns the event itself, with the epoch of its reader.
    pub fn drained(&self) -> bool {
        // The driver fills in which one drains.
        self.0.request(Event::Drained { epoch: Epoch::FIRST })
    }

    /// [`Event::Subscribe`]: wanted now and after every reconnect; higher priorities are restored first.
    pub fn subscribe(&self, key: K, priority: i32) -> bool {
        self.0.request(Event::Subscribe { key, priority })
    }

    /// [`Event::Unsubscribe`]: no longer wanted. The server hears of it while the session is live; what is given up while the
    /// connection is down is not sent again, but a session that is resumed keeps it on the server's side.
    pub fn unsubscribe(&self, key: K) -> bool {
        self.0.request(Event::Unsubscribe { key })
    }
}

#[cfg(all(feature = "testing", not(test)))]
impl<T, K, M> Handle<T, K, M> {
    /// Any of the requests.
    pub(crate) fn request(&self, event: Event<T, K>) -> bool {
        self.0.request(event)
    }
}

/// Messages of the application.
impl<T, K, M> Handle<T, K, M> {
    /// Sends a message: [`Command::Message`](super::Command::Message). Ready when the protocol has written it, or with the
    /// reason why not, and the message.
    ///
    /// It is written while the policy is online, behind everything that the policy and earlier calls want sent: the
    /// subscriptions that are restored, a [`subscribe`](Self::subscribe) before this. Messages of one caller are written in
    /// the order in which they were first polled. Each is written at most once. `Ok` says that it was handed to the
    /// transport, not that the other side has it.
    ///
    /// Where there is no connection it fails at once, unless the driver has
    /// [a queue for that time](super::Outbox::with_offline_queue). A peer that does not read holds it up until the
    /// heartbeat, or [the limit of a send](super::Driver::with_send_timeout), ends the connection.
    ///
    /// Dropping the future before the write begins takes the message out of the queue; after that it is too late, and
    /// the message is written.
    ///
    /// # Errors
    /// [`SendError`]; all but [`SendError::InDoubt`] give the message back.
    pub fn send(&self, message: M) -> impl Future<Output = Result<(), SendError<M>>> + use<T, K, M> {
        let shared = self.0.clone();
        async move {
            let receipt = shared.out.push(message, true)?;
            shared.status.waker.wake();
            let mut sending = Sending { shared: &*shared, receipt };
            (&mut sending.receipt).await
        }
    }

    /// The same without waiting: the message is queued, or refused at once. The receipt tells what became of it; dropping
    /// the receipt does not take the message back.
    ///
    /// # Errors
    /// [`SendError::Full`] where [so many](super::Outbox::with_capacity) wait already, [`SendError::NotOnline`] and
    /// [`SendError::Ended`].
    pub fn try_send(&self, message: M) -> Result<Receipt<M>, SendError<M>> {
        let receipt = self.0.out.push(message, false)?;
        self.0.status.waker.wake();
        Ok(receipt)
    }
}

/// Takes a message out of the queue whose sender wants it no longer.
struct Sending<'a, T, K, M> {
    shared: &'a Shared<T, K, M>,
    receipt: Receipt<M>,
}

impl<T, K, M> Drop for Sending<'_, T, K, M> {
    fn drop(&mut self) {
        self.shared.out.withdraw(&self.receipt);
    }
}

/// What the driver knows.
impl<T, K, M> Handle<T, K, M> {
    /// Waits until the policy is [online](crate::Phase::Online): the session is there and its subscriptions are sent.
    /// Before the first `run` it waits for that. Between two runs it gives the end of the last one at once, also where the next
    /// was spawned and not polled yet.
    ///
    /// # Errors
    /// [`Ended`], with the outcome: the run ended first.
    pub fn online(&self) -> impl Future<Output = Result<(), Ended>> + Send + use<T, K, M> {
        let status = self.0.status.clone();
        async move {
            let ready = |state: &mut State| match state.run {
                Run::Running if state.online => Some(Ok(())),
                Run::New | Run::Running => None,
                Run::Ended(outcome) => Some(Err(Ended { outcome })),
            };
            status.until(ready).await
        }
    }

    /// Waits until the run has ended, and says how. Before the first `run` it waits for that.
    pub fn closed(&self) -> impl Future<Output = Ended> + Send + use<T, K, M> {
        let status = self.0.status.clone();
        async move {
            let ready = |state: &mut State| match state.run {
                Run::Ended(outcome) => Some(Ended { outcome }),
                Run::New | Run::Running => None,
            };
            status.until(ready).await
        }
    }

    /// The transitions of the policy from now on, as a stream of explanations. Each subscriber has a bounded buffer of its
    /// own. Subscribing costs the driver an explanation for each transition, and nothing for a message.
    pub fn changes(&self) -> Changes {
        Changes::new(&self.0.status)
    }

    /// What the policy does, until when, and why: [`Policy::explain`](crate::Policy::explain). The running driver answers; after a
    /// run this is how it ended. `None` before the first run, and after one whose future was dropped.
    pub fn explain(&self) -> impl Future<Output = Option<Explanation>> + Send + use<T, K, M> {
        let report = self.report();
        async move { Some(report.await?.explanation) }
    }

    /// The counters of the policy: [`Policy::stats`](crate::Policy::stats). Answered as [`explain`](Self::explain) is.
    pub fn stats(&self) -> impl Future<Output = Option<Stats>> + Send + use<T, K, M> {
        let report = self.report();
        async move { Some(report.await?.stats) }
    }

    /// The counters of the handovers now; `None` before the first run, and where nothing is handed over. Otherwise as
    /// [`explain`](Self::explain).
    pub fn handover_stats(&self) -> impl Future<Output = Option<HandoverStats>> + Send + use<T, K, M> {
        let report = self.report();
        async move { report.await?.handover_stats }
    }

    fn report(&self) -> impl Future<Output = Option<Report>> + Send + use<T, K, M> {
        let status = self.0.status.clone();
        async move {
            let asked = status.lock().reports;
            status.ask();
            status.waker.wake();
            let ready = |state: &mut State| match state.run {
                Run::Running if state.reports == asked => None,
                Run::New | Run::Running | Run::Ended(_) => Some(state.report.as_deref().copied()),
            };
            status.until(ready).await
        }
    }
}
