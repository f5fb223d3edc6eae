//! One turn of the loop: whatever comes first, with everything looked at in a fair order.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use crate::policy::Event;
use crate::time::Instant;

use super::handle::CommandQueue;
use super::link::Mailbox;
use super::protocol::RefreshFailed;
use super::{CLOSE_TIMEOUT, Runtime};

/// How many steps may follow one another while more are ready; then a timer that is due goes first, once, and the
/// executor gets its turn. Enough for what a socket holds after a suspend, too few to be noticed by a timer.
const BURST: u8 = 64;

/// The longest single sleep. Runtimes differ in how far they can look ahead; waking once a day costs nothing.
const MAX_SLEEP: Duration = Duration::from_secs(86_400);

/// What the policy is told next.
#[derive(Debug)]
pub(super) enum Step<T, K> {
    Fact(Event<T, K>),
    Timeout,
    /// The policy wants no connection, and there is nothing left of the last one.
    End,
}

/// Everything the loop waits for. The futures lie pinned in [`Driver::run`](super::Driver::run).
pub(super) struct EventLoop<'a, Rt, N, T, K, L, Q, Z> {
    runtime: &'a Rt,
    sleep_until: N,
    wishes: &'a CommandQueue<T, K>,
    mail: &'a Mailbox<T, K>,
    /// The one transport.
    link: Pin<&'a mut Option<L>>,
    /// When its goodbye has taken long enough.
    close_at: Option<Instant>,
    refresh: Pin<&'a mut Option<Q>>,
    /// The number of the request under way.
    request: u16,
    sleep: Pin<&'a mut Option<Z>>,
    /// What the sleep is armed for.
    armed: Option<Instant>,
    /// Steps left in this burst.
    left: u8,
    /// A burst is over: whatever is due comes first.
    clock_first: bool,
    /// The step before this one was no wish.
    wish_first: bool,
}

impl<'a, Rt, N, T, K, L, Q, Z> EventLoop<'a, Rt, N, T, K, L, Q, Z>
where
    Rt: Runtime,
    N: Fn(Instant) -> Z,
    L: Future<Output = ()>,
    Q: Future<Output = Result<Option<Duration>, RefreshFailed>>,
    Z: Future<Output = ()>,
{
    pub(super) const fn new(
        runtime: &'a Rt,
        sleep_until: N,
        wishes: &'a CommandQueue<T, K>,
        mail: &'a Mailbox<T, K>,
        link: Pin<&'a mut Option<L>>,
        refresh: Pin<&'a mut Option<Q>>,
        sleep: Pin<&'a mut Option<Z>>,
    ) -> Self {
        Self {
            runtime,
            sleep_until,
            wishes,
            mail,
            link,
            close_at: None,
            refresh,
            request: 0,
            sleep,
            armed: None,
            left: BURST,
            clock_first: false,
            wish_first: true,
        }
    }

    /// A new transport, after whatever was left of the old one.
    pub(super) fn open(&mut self, link: L) {
        self.drop_link();
        self.mail.renew();
        self.link.set(Some(link));
    }

    pub(super) fn drop_link(&mut self) {
        self.close_at = None;
        self.link.set(None);
    }

    pub(super) fn close(&mut self, code: u16) {
        if self.link.is_some() && self.mail.close(code) {
            self.close_at = Some(self.runtime.now().saturating_add(CLOSE_TIMEOUT));
        } else {
            self.drop_link();
        }
    }

    pub(super) fn refresh(&mut self, request: u16, refresh: Q) {
        self.request = request;
        self.refresh.set(Some(refresh));
    }

    pub(super) fn poll_link(&mut self, cx: &mut Context<'_>) {
        if self.link.as_mut().as_pin_mut().is_some_and(|link| link.poll(cx).is_ready()) {
            self.drop_link();
        }
    }

    /// Facts before timers, wishes and facts in turn, and nothing starved by the rest.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
        ended: bool,
    ) -> Poll<Step<T, K>> {
        let Some(left) = self.left.checked_sub(1) else {
            self.left = BURST;
            self.clock_first = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.left = left;
        if core::mem::take(&mut self.clock_first) {
            if let Some(step) = self.due(deadline) {
                return Poll::Ready(step);
            }
        }
        for wish in [self.wish_first, !self.wish_first] {
            let fact = if wish { self.wishes.poll(cx) } else { self.poll_io(cx) };
            if let Some(fact) = fact {
                self.wish_first = !wish;
                return Poll::Ready(Step::Fact(fact));
            }
        }
        // The clock before the sleep: a runtime that rations its timers may say "pending" to one that is due.
        if let Some(step) = self.due(deadline) {
            return Poll::Ready(step);
        }
        if ended && self.link.is_none() {
            return Poll::Ready(Step::End);
        }
        self.left = BURST;
        self.poll_sleep(cx, deadline);
        Poll::Pending
    }

    fn poll_io(&mut self, cx: &mut Context<'_>) -> Option<Event<T, K>> {
        if let Some(fact) = self.mail.fact() {
            return Some(fact);
        }
        self.poll_link(cx);
        if let Some(fact) = self.mail.fact() {
            return Some(fact);
        }
        let Poll::Ready(result) = self.refresh.as_mut().as_pin_mut()?.poll(cx) else { return None };
        self.refresh.set(None);
        let request = Some(self.request);
        Some(match result {
            Ok(ttl) => Event::CredentialOk { request, ttl },
            Err(RefreshFailed { fatal }) => Event::CredentialFailed { request, fatal },
        })
    }

    /// What the clock says, one thing at a time.
    fn due(&mut self, deadline: Option<Instant>) -> Option<Step<T, K>> {
        let now = self.runtime.now();
        if self.close_at.is_some_and(|at| now >= at) {
            self.drop_link();
        }
        if deadline.is_some_and(|at| now >= at) {
            return Some(Step::Timeout);
        }
        None
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) {
        let at = [deadline, self.close_at].into_iter().flatten().min();
        if at != self.armed {
            self.armed = at;
            self.sleep.set(None);
        }
        let Some(at) = at else { return };
        if self.sleep.is_none() {
            let nap = self.runtime.now().saturating_add(MAX_SLEEP);
            self.sleep.set(Some((self.sleep_until)(at.min(nap))));
        }
        if self.sleep.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready()) {
            self.sleep.set(None);
            // Look at the clock again, after everything that became ready meanwhile.
            cx.waker().wake_by_ref();
        }
    }
}
