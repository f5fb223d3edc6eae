//! One turn of the loop: whatever comes first, with everything looked at in a fair order.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::policy::{Epoch, Event};
use crate::time::Instant;

use super::command::RefreshFailed;
use super::links::Links;
use super::messages::Inbox;
use super::protocol::Protocol;
use super::shared::Shared;
use super::{CLOSE_TIMEOUT, Runtime};

/// How many steps may follow one another while more are ready; then a timer that is due goes first, once, and the
/// executor gets its turn. Enough for what a socket holds after a suspend, too few to be noticed by a timer.
const BURST: u8 = 64;

/// The longest single sleep. Runtimes differ in how far they can look ahead; waking once a day costs nothing.
const MAX_SLEEP: Duration = Duration::from_secs(86_400);

/// What comes next.
#[derive(Debug)]
pub(super) enum Step<T, K> {
    /// The user or the host says something.
    Request(Event<T, K>),
    /// The transport or the source of credentials does.
    Event(Event<T, K>),
    Timeout,
    /// A handle wants to know how things are.
    Report,
    /// The policy wants no connection, and there is nothing left of the last one.
    End,
}

/// Everything the loop waits for. The futures lie pinned in [`Driver::run`](super::Driver::run).
pub(super) struct EventLoop<'a, P: Protocol, Rt: Runtime, L, Q> {
    pub(super) runtime: &'a Rt,
    pub(super) shared: &'a Shared<P::Token, P::Key, P::Message>,
    pub(super) inbox: &'a Inbox<P::Incoming>,
    pub(super) links: Links<P, L>,
    pub(super) refresh: Pin<&'a mut Option<Q>>,
    pub(super) sleep: Pin<&'a mut Option<Rt::Sleep>>,
    pub(super) timers: Timers,
}

/// What the loop remembers between two turns.
pub(super) struct Timers {
    /// How long a send may take.
    send_timeout: Option<Duration>,
    /// The number of the request for a credential under way.
    request: u16,
    /// What the sleep is armed for.
    armed: Option<Instant>,
    /// Steps left in this burst.
    left: u8,
    /// A burst is over: whatever is due comes first.
    clock_first: bool,
    /// The step before this one was no request.
    request_first: bool,
}

impl Timers {
    pub(super) const fn new(send_timeout: Option<Duration>) -> Self {
        Self { send_timeout, request: 0, armed: None, left: BURST, clock_first: false, request_first: true }
    }
}

impl<P, Rt, L, Q> EventLoop<'_, P, Rt, L, Q>
where
    P: Protocol,
    Rt: Runtime,
    L: Future<Output = ()>,
    Q: Future<Output = Result<Option<Duration>, RefreshFailed>>,
{
    /// Ends a dial, or what is left of a transport.
    pub(super) fn drop_link(&mut self, epoch: Epoch) {
        if let Some(link) = self.links.get(epoch) {
            link.end();
        }
    }

    /// Begins a close and polls it once, whatever comes next.
    pub(super) fn close(&mut self, epoch: Epoch, code: u16) {
        if let Some(link) = self.links.get(epoch) {
            link.close(code, self.runtime.now().saturating_add(CLOSE_TIMEOUT));
            // With the task's own waker it is polled before anything is waited for.
            link.poll(&mut Context::from_waker(Waker::noop()));
        }
    }

    pub(super) fn refresh(&mut self, request: u16, refresh: Q) {
        self.timers.request = request;
        self.refresh.set(Some(refresh));
    }

    /// Events before timers, requests and events in turn, and nothing starved by the rest.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
        ended: bool,
    ) -> Poll<Step<P::Token, P::Key>> {
        if self.timers.left == BURST {
            // Before anything is looked at, so that nothing that comes meanwhile is overlooked.
            self.shared.waker.register(cx.waker());
        }
        let Some(left) = self.timers.left.checked_sub(1) else {
            self.timers.left = BURST;
            self.timers.clock_first = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.timers.left = left;
        if core::mem::take(&mut self.timers.clock_first) {
            if let Some(step) = self.due(deadline) {
                return Poll::Ready(step);
            }
        }
        if self.shared.status.is_asked() {
            return Poll::Ready(Step::Report);
        }
        for request in [self.timers.request_first, !self.timers.request_first] {
            let step = if request {
                self.shared.take_request().map(Step::Request)
            } else {
                self.poll_io(cx).map(Step::Event)
            };
            if let Some(step) = step {
                self.timers.request_first = !request;
                return Poll::Ready(step);
            }
        }
        // The clock before the sleep: a runtime that rations its timers may say "pending" to one that is due.
        if let Some(step) = self.due(deadline) {
            return Poll::Ready(step);
        }
        if ended && self.links.is_empty() {
            return Poll::Ready(Step::End);
        }
        self.timers.left = BURST;
        self.poll_sleep(cx, deadline);
        Poll::Pending
    }

    fn poll_io(&mut self, cx: &mut Context<'_>) -> Option<Event<P::Token, P::Key>> {
        if let Some(event) = self.links.poll(cx, self.inbox) {
            return Some(event);
        }
        let Poll::Ready(result) = self.refresh.as_mut().as_pin_mut()?.poll(cx) else { return None };
        self.refresh.set(None);
        let request = Some(self.timers.request);
        Some(match result {
            Ok(ttl) => Event::CredentialOk { request, ttl },
            Err(RefreshFailed { fatal }) => Event::CredentialFailed { request, fatal },
        })
    }

    /// What the clock says, one thing at a time.
    fn due(&mut self, deadline: Option<Instant>) -> Option<Step<P::Token, P::Key>> {
        let now = self.runtime.now();
        if let Some(epoch) = self.links.due(now, self.timers.send_timeout) {
            return Some(Step::Event(Event::SendFailed { epoch }));
        }
        if deadline.is_some_and(|at| now >= at) {
            return Some(Step::Timeout);
        }
        None
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) {
        let at = [deadline, self.links.deadline()].into_iter().flatten().min();
        if at != self.timers.armed {
            self.timers.armed = at;
            self.sleep.set(None);
        }
        let Some(at) = at else { return };
        if self.sleep.is_none() {
            let longest = self.runtime.now().saturating_add(MAX_SLEEP);
            self.sleep.set(Some(self.runtime.sleep_until(at.min(longest))));
        }
        if self.sleep.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready()) {
            self.sleep.set(None);
            // Look at the clock again, after everything that became ready meanwhile.
            cx.waker().wake_by_ref();
        }
    }
}
