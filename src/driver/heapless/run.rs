//! The loop: what comes is told to the policy, and what the policy says is done.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};

use crate::handover::Decider;
use crate::policy::{Event, Phase};
use crate::subscriptions::Subscriptions;

use super::super::command::Dial;
use super::super::{CLOSE_TIMEOUT, Outcome, Runtime, is_over};
use super::transport::Transport;
use super::turn::{Step, Turn};
use super::{Driver, Host, Protocol};

impl<D, P, Rt, H, const COMMANDS: usize> Driver<D, P, Rt, H, COMMANDS>
where
    D: Decider<Token = P::Token>,
    D::Subscriptions: Subscriptions<Key = P::Key>,
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
{
    /// Starts the policy and drives it until the user stops it or it gives up. It may be called again then, and starts over. Requests that
    /// are ready before it are taken before the start; after a stop it dials nothing and returns.
    ///
    /// The future may be dropped at any await: the transport is aborted, and the next call resumes the session.
    pub async fn run(&mut self) -> Outcome {
        let Self { policy, protocol, runtime, host } = self;
        let transport = Transport::<P, COMMANDS>::new();
        let mut sleep = pin!(None);
        let mut turn = Turn::new(policy, runtime, host, &transport, sleep.as_mut());
        // An earlier run that was dropped took its transport with it.
        if !is_over(turn.policy.phase()) {
            turn.take(Some(Event::Stop { keep: true }));
            turn.wanted.close = None;
        }
        let mut stopped = false;
        while let Some(request) = poll_fn(|cx| Poll::Ready(turn.request(cx, false))).await {
            stopped |= matches!(request, Event::Stop { .. });
            turn.take(Some(request));
        }
        if stopped {
            return Outcome::Stopped;
        }
        turn.take(Some(Event::Start));
        loop {
            let close = turn.wanted.close.take();
            let Some(dial) = turn.between(protocol, close).await else {
                return if turn.policy.phase() == Phase::Failed { turn.gave_up } else { Outcome::Stopped };
            };
            if turn.dial(protocol, dial).await {
                turn.live(protocol).await;
            }
        }
    }
}

impl<D, P, Rt, H, const COMMANDS: usize> Turn<'_, D, P, Rt, H, COMMANDS>
where
    D: Decider<Token = P::Token>,
    D::Subscriptions: Subscriptions<Key = P::Key>,
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
{
    /// No transport is there, or one that is to be closed with this code. Returns the next dial; `None`: the policy wants none any more.
    async fn between(&mut self, protocol: &mut P, code: Option<u16>) -> Option<Dial<P::Token>> {
        if let Some(code) = code {
            self.close(protocol, code).await;
        }
        poll_fn(|cx| {
            while self.wanted.dial.is_none() && !is_over(self.policy.phase()) {
                match self.poll(cx, || None, |_| None) {
                    Poll::Ready(step) => self.step(step),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(())
        })
        .await;
        self.wanted.dial.take()
    }

    /// Closes the transport, for some time and until the next dial at most.
    async fn close(&mut self, protocol: &mut P, code: u16) {
        let limit = self.runtime.now().saturating_add(CLOSE_TIMEOUT);
        let guard = Guard(protocol);
        let mut closing = pin!(guard.0.close(code));
        poll_fn(|cx| {
            // Polled once at least, whatever comes next.
            while closing.as_mut().poll(cx).is_pending() && self.wanted.dial.is_none() {
                match self.poll(cx, || Some(limit), |_| None) {
                    Poll::Ready(Step::Limit) => break,
                    Poll::Ready(step) => self.step(step),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Dials; true when the transport is open and wanted.
    async fn dial(&mut self, protocol: &mut P, dial: Dial<P::Token>) -> bool {
        let epoch = dial.epoch;
        self.transport.begin();
        let guard = Guard(protocol);
        {
            let mut dialling = pin!(guard.0.dial(dial));
            poll_fn(|cx| {
                while self.policy.epoch() == Some(epoch) && self.wanted.dial.is_none() {
                    let dialled = |cx: &mut Context<'_>| match dialling.as_mut().poll(cx) {
                        Poll::Ready(Ok(())) => Some(Event::Opened { epoch }),
                        Poll::Ready(Err(error)) => Some(error.into_event(epoch)),
                        Poll::Pending => None,
                    };
                    match self.poll(cx, || None, dialled) {
                        Poll::Ready(Step::Event(event @ Event::Opened { .. })) => {
                            self.take(Some(event));
                            return Poll::Ready(());
                        }
                        Poll::Ready(step) => self.step(step),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                Poll::Ready(())
            })
            .await;
        }
        let open = self.is_wanted(epoch);
        if open || self.wanted.close.is_some() {
            guard.keep();
        }
        open
    }

    /// The life of an open transport.
    async fn live(&mut self, protocol: &mut P) {
        let Some(epoch) = self.policy.epoch() else { return };
        let (transport, runtime) = (self.transport, self.runtime);
        let guard = Guard(protocol);
        {
            let (reader, writer) = guard.0.split();
            let mut reading = pin!(transport.read(reader, epoch));
            let mut writing = pin!(transport.write(writer));
            poll_fn(|cx| {
                while self.is_wanted(epoch) {
                    if core::mem::take(&mut self.overflown) {
                        self.take(Some(Event::SendFailed { epoch }));
                        continue;
                    }
                    let limit = || transport.write_limit(runtime);
                    let heard = |cx: &mut Context<'_>| {
                        let _pending = writing.as_mut().poll(cx);
                        let _pending = reading.as_mut().poll(cx);
                        transport.take_event(epoch)
                    };
                    match self.poll(cx, limit, heard) {
                        Poll::Ready(Step::Limit) => self.take(Some(Event::SendFailed { epoch })),
                        Poll::Ready(step) => self.step(step),
                        Poll::Pending => {
                            if self.tell_message(false) {
                                // The host may have the next one.
                                cx.waker().wake_by_ref();
                            }
                            return Poll::Pending;
                        }
                    }
                }
                Poll::Ready(())
            })
            .await;
        }
        self.tell_message(true);
        // What came in one message with what ended it: the policy judges it.
        while let Some(event) = transport.take_rest() {
            self.take(Some(event));
        }
        if self.wanted.close.is_some() {
            guard.keep();
        }
    }
}

/// Aborts the transport when a run is dropped in the middle of its life, and after it unless it is to be closed.
struct Guard<'a, P: Protocol>(&'a mut P);

impl<P: Protocol> Guard<'_, P> {
    /// The transport stays as it is.
    const fn keep(self) {
        core::mem::forget(self);
    }
}

impl<P: Protocol> Drop for Guard<'_, P> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
