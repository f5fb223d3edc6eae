//! One turn of the loop: whatever comes first, with everything looked at in a fair order.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::handover::Decider;
use crate::policy::{Actions, Epoch, Event};
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::command::{Notice, RefreshFailed};
use super::links::Links;
use super::messages::Inbox;
use super::protocol::Protocol;
use super::shared::Shared;
use super::{CLOSE_TIMEOUT, Runtime, is_over};

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
    /// The policy took an event of the transport or of the source of credentials, or its time had come.
    Taken(Taken<T, K>),
    /// A handle wants to know how things are.
    Report,
    /// The policy wants no connection, and there is nothing left of the last one.
    End,
}

/// What the policy took, and what it wants done.
#[derive(Debug)]
pub(super) struct Taken<T, K> {
    pub(super) at: Instant,
    /// `None`: a timer fired.
    pub(super) event: Option<Event<T, K>>,
    pub(super) actions: Actions,
}

/// A copy of one of the events of which a connection brings thousands.
const fn frequent<T, K>(event: &Event<T, K>) -> Option<Event<T, K>> {
    Some(match *event {
        Event::Received { epoch } => Event::Received { epoch },
        Event::Sequence { epoch, sequence } => Event::Sequence { epoch, sequence },
        Event::HeartbeatAcked { epoch } => Event::HeartbeatAcked { epoch },
        _ => return None,
    })
}

/// The policy, and everything the loop waits for. The sleep lies pinned in [`Driver::run`](super::Driver::run).
pub(super) struct EventLoop<'a, P: Protocol, Rt: Runtime, D, L, Q> {
    pub(super) policy: &'a mut D,
    pub(super) protocol: &'a P,
    pub(super) runtime: &'a Rt,
    pub(super) shared: &'a Shared<P::Token, P::Key, P::Message>,
    pub(super) inbox: &'a Inbox<P::Incoming>,
    pub(super) links: Links<P, L>,
    /// A credential is being refreshed, which is rare.
    pub(super) refresh: Option<Pin<Box<Q>>>,
    pub(super) sleep: Pin<&'a mut Option<Rt::Sleep>>,
    pub(super) timers: Timers,
}

/// What the loop remembers between two turns.
pub(super) struct Timers {
    /// How long a send may take.
    send_timeout: Option<Duration>,
    /// The number of the request for a credential under way.
    request: u16,
    /// What the sleep is armed for; the end of time if for nothing.
    armed: Instant,
    /// What the clock said in this turn.
    now: Option<Instant>,
    /// Steps left in this burst.
    left: u8,
    /// A burst is over: whatever is due comes first.
    clock_first: bool,
    /// The step before this one was no request.
    request_first: bool,
}

impl Timers {
    pub(super) const fn new(send_timeout: Option<Duration>) -> Self {
        Self {
            send_timeout,
            request: 0,
            armed: Instant::MAX,
            now: None,
            left: BURST,
            clock_first: false,
            request_first: true,
        }
    }
}

impl<P, Rt, D, L, Q> EventLoop<'_, P, Rt, D, L, Q>
where
    P: Protocol,
    Rt: Runtime,
    D: Decider<Token = P::Token>,
    D::Subscriptions: Subscriptions<Key = P::Key>,
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
        self.refresh = Some(Box::pin(refresh));
    }

    /// Tells the policy.
    pub(super) fn take(&mut self, event: Event<P::Token, P::Key>) -> Taken<P::Token, P::Key> {
        let at = self.read_clock();
        let seen = event.clone();
        let actions = self.policy.handle_event(at, event);
        Taken { at, event: Some(seen), actions }
    }

    pub(super) fn observe(&self, at: Instant, event: Option<&Event<P::Token, P::Key>>, actions: &Actions) {
        self.protocol.observe(&Notice {
            at,
            event,
            actions,
            explain: &|| self.policy.explain(),
            sequence: &|| self.policy.session().and_then(SessionState::sequence),
        });
    }

    /// Events before timers, requests and events in turn, and nothing starved by the rest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step<P::Token, P::Key>> {
        loop {
            if let Some(poll) = self.poll_step(cx) {
                if poll.is_pending() {
                    self.timers.now = None;
                }
                return poll;
            }
        }
    }

    /// `None`: the policy took an event of which nothing came, so that nobody else has to know.
    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Option<Poll<Step<P::Token, P::Key>>> {
        if self.timers.left == BURST {
            // Before anything is looked at, so that nothing that comes meanwhile is overlooked.
            self.shared.status.waker.register(cx.waker());
        }
        let Some(left) = self.timers.left.checked_sub(1) else {
            self.timers.left = BURST;
            self.timers.clock_first = true;
            cx.waker().wake_by_ref();
            return Some(Poll::Pending);
        };
        self.timers.left = left;
        if core::mem::take(&mut self.timers.clock_first) {
            if let Some(taken) = self.due() {
                return Some(Poll::Ready(Step::Taken(taken)));
            }
        }
        if self.shared.status.is_asked() {
            return Some(Poll::Ready(Step::Report));
        }
        for request in [self.timers.request_first, !self.timers.request_first] {
            if request {
                if let Some(event) = self.shared.take_request() {
                    self.timers.request_first = false;
                    return Some(Poll::Ready(Step::Request(event)));
                }
            } else if let Some(event) = self.poll_io(cx) {
                self.timers.request_first = true;
                return self.take_io(event).map(Step::Taken).map(Poll::Ready);
            }
        }
        // The clock before the sleep: a runtime that rations its timers may say "pending" to one that is due.
        if let Some(taken) = self.due() {
            return Some(Poll::Ready(Step::Taken(taken)));
        }
        if self.links.is_empty() && is_over(self.policy.phase()) {
            return Some(Poll::Ready(Step::End));
        }
        self.timers.left = BURST;
        self.poll_sleep(cx);
        Some(Poll::Pending)
    }

    fn poll_io(&mut self, cx: &mut Context<'_>) -> Option<Event<P::Token, P::Key>> {
        if let Some(event) = self.links.poll(cx, self.inbox) {
            return Some(event);
        }
        let Poll::Ready(result) = self.refresh.as_mut()?.as_mut().poll(cx) else { return None };
        self.refresh = None;
        let request = Some(self.timers.request);
        Some(match result {
            Ok(ttl) => Event::CredentialOk { request, ttl },
            Err(RefreshFailed { fatal }) => Event::CredentialFailed { request, fatal },
        })
    }

    /// Tells the policy, and the transports what it made of it; `None` if nothing came of it.
    ///
    /// Of what comes by the thousand, all that is ready in one turn was received when the turn began, or after: one look at
    /// the clock serves it all.
    #[inline]
    fn take_io(&mut self, event: Event<P::Token, P::Key>) -> Option<Taken<P::Token, P::Key>> {
        let Some(seen) = frequent(&event) else { return Some(self.take_rare(event)) };
        let at = self.timers.now.unwrap_or_else(|| self.read_clock());
        let actions = self.policy.handle_event(at, event);
        self.links.taken(&seen, actions.disposition());
        if actions.is_empty() {
            self.observe(at, Some(&seen), &actions);
            return None;
        }
        Some(Taken { at, event: Some(seen), actions })
    }

    #[inline(never)]
    fn take_rare(&mut self, event: Event<P::Token, P::Key>) -> Taken<P::Token, P::Key> {
        let taken = self.take(event);
        if let Some(event) = &taken.event {
            self.links.taken(event, taken.actions.disposition());
        }
        taken
    }

    /// What the clock says, one thing at a time.
    fn due(&mut self) -> Option<Taken<P::Token, P::Key>> {
        let at = self.read_clock();
        if let Some(epoch) = self.links.due(at, self.timers.send_timeout) {
            return Some(self.take(Event::SendFailed { epoch }));
        }
        if self.policy.poll_timeout().is_some_and(|deadline| at >= deadline) {
            return Some(Taken { at, event: None, actions: self.policy.handle_timeout(at) });
        }
        None
    }

    fn read_clock(&mut self) -> Instant {
        let now = self.runtime.now();
        self.timers.now = Some(now);
        now
    }

    /// Arms the sleep again when a deadline is earlier. Where the deadline has moved later, as it does with every message that
    /// counts as a sign of life, the sleep ends early once and is armed for the rest.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) {
        let at = [self.policy.poll_timeout(), self.links.deadline()].into_iter().flatten().min();
        let Some(at) = at else {
            self.timers.armed = Instant::MAX;
            return self.sleep.set(None);
        };
        if at < self.timers.armed {
            let longest = self.runtime.now().saturating_add(MAX_SLEEP);
            self.timers.armed = at;
            self.sleep.set(Some(self.runtime.sleep_until(at.min(longest))));
        }
        if self.sleep.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready()) {
            self.timers.armed = Instant::MAX;
            self.sleep.set(None);
            // Look at the clock again, after everything that became ready meanwhile.
            cx.waker().wake_by_ref();
        }
    }
}
