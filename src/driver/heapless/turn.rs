//! One turn of the loop: whatever comes first, and what the policy makes of it.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::handover::Decider;
use crate::policy::{Action, Epoch, Event, Phase, Role};
use crate::session::SessionState;
use crate::subscriptions::{SubscriptionState, Subscriptions};
use crate::time::Instant;

use super::super::command::{Dial, Notice};
use super::super::{Outcome, Runtime, is_live};
use super::transport::{CommandOf, EventOf, Transport};
use super::{Command, Host, Protocol, Request};

/// How many steps may follow one another while more are ready; then a timer that is due goes first, once, and the executor gets its turn.
const BURST: u8 = 64;

/// What the policy wants of the transport.
pub(super) struct Wanted<T> {
    /// To close the one that is open, with this code.
    pub(super) close: Option<u16>,
    /// To dial the next one.
    pub(super) dial: Option<Dial<T>>,
}

/// What the loop has beside the transport.
pub(super) struct Turn<
    'a,
    D,
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
    const COMMANDS: usize,
> {
    pub(super) policy: &'a mut D,
    pub(super) runtime: &'a Rt,
    pub(super) host: &'a mut H,
    pub(super) transport: &'a Transport<P, COMMANDS>,
    sleep: Pin<&'a mut Option<Rt::Sleep>>,
    /// What the sleep is armed for.
    armed: Instant,
    pub(super) wanted: Wanted<P::Token>,
    pub(super) gave_up: Outcome,
    /// A command did not fit.
    pub(super) overflown: bool,
    /// Steps left in this burst.
    left: u8,
    /// A burst is over: whatever is due comes first.
    clock_first: bool,
}

/// What came first.
pub(super) enum Step<T, K> {
    Event(Event<T, K>),
    /// The policy's deadline has come.
    Timer,
    /// The limit of the caller's has.
    Limit,
}

impl<D, P, Rt, H, const COMMANDS: usize> Turn<'_, D, P, Rt, H, COMMANDS>
where
    D: Decider<Token = P::Token>,
    D::Subscriptions: Subscriptions<Key = P::Key>,
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
{
    pub(super) const fn new<'a>(
        policy: &'a mut D,
        runtime: &'a Rt,
        host: &'a mut H,
        transport: &'a Transport<P, COMMANDS>,
        sleep: Pin<&'a mut Option<Rt::Sleep>>,
    ) -> Turn<'a, D, P, Rt, H, COMMANDS> {
        Turn {
            policy,
            runtime,
            host,
            transport,
            sleep,
            armed: Instant::MAX,
            wanted: Wanted { close: None, dial: None },
            gave_up: Outcome::Stopped,
            overflown: false,
            left: BURST,
            clock_first: false,
        }
    }

    /// Whether the transport of this epoch is to stay.
    pub(super) fn is_wanted(&self, epoch: Epoch) -> bool {
        self.policy.epoch() == Some(epoch) && self.wanted.close.is_none() && self.wanted.dial.is_none()
    }

    pub(super) fn step(&mut self, step: Step<P::Token, P::Key>) {
        match step {
            Step::Event(event) => self.take(Some(event)),
            Step::Timer | Step::Limit => self.take(None),
        }
    }

    /// Tells the policy an event, or the time, and does what it says.
    pub(super) fn take(&mut self, event: Option<EventOf<P>>) {
        let at = self.runtime.now();
        let mut event = event;
        if let Some(Event::HostResumed { counted, .. }) = &mut event {
            *counted = Rt::COUNTS_SLEEP;
        }
        if let Some(Event::Unsubscribe { key }) = &event {
            let known = self.policy.subscriptions().find(key).map(|entry| entry.state());
            // One that waits for its next try may be at a server that was late to say so.
            let absent =
                matches!(known, None | Some(SubscriptionState::Pending | SubscriptionState::Rejected));
            if !absent && is_live(self.policy.phase()) {
                self.send(Command::Unsubscribe(key.clone()));
            }
        }
        let actions = match event.clone() {
            Some(event) => self.policy.handle_event(at, event),
            None => self.policy.handle_timeout(at),
        };
        let mut successor = None;
        for action in &actions {
            match action {
                Action::Open { epoch, role: Role::Successor, .. } => successor = Some(epoch),
                action => self.execute(at, action),
            }
        }
        let (policy, host) = (&*self.policy, &mut *self.host);
        host.observe(&Notice {
            at,
            event: event.as_ref(),
            actions: &actions,
            explain: &|| policy.explain(),
            sequence: &|| policy.session().and_then(SessionState::sequence),
        });
        // There is a place for one transport.
        if let Some(epoch) = successor {
            self.take(Some(Event::NotNow { epoch, retry_after: None }));
        }
    }

    fn execute(&mut self, at: Instant, action: Action) {
        match action {
            Action::Open { epoch, mode, endpoint, attempt, .. } => {
                self.wanted.dial = Some(Dial::of(self.policy, at, (epoch, mode, endpoint, attempt)));
            }
            Action::Close { code, .. } => self.wanted.close = code,
            Action::Identify { .. } => self.send(Command::Identify),
            Action::Resume { .. } => {
                self.send(Command::Resume(self.policy.session().cloned().unwrap_or_default()));
            }
            Action::Heartbeat { .. } => {
                let sequence = self.policy.session().and_then(SessionState::sequence);
                self.send(Command::Heartbeat { sequence });
            }
            Action::Authenticate { .. } => self.send(Command::Authenticate),
            Action::Restore { send, .. } => {
                for key in self.policy.subscriptions().batch() {
                    self.overflown |= !self.transport.push(Command::Subscribe { key: key.clone(), send });
                }
            }
            Action::RefreshCredential { request } => self.host.refresh_credential(request),
            Action::GaveUp { reason, cause } => self.gave_up = Outcome::GaveUp { reason, cause },
            Action::DropSession { .. } | Action::Promote { .. } => {}
        }
    }

    fn send(&mut self, command: CommandOf<P>) {
        self.overflown |= !self.transport.push(command);
    }

    /// What the host says; a message goes on to the transport.
    pub(super) fn request(&mut self, cx: &mut Context<'_>, writable: bool) -> Option<EventOf<P>> {
        match self.host.poll_next(cx, writable) {
            Poll::Ready(Request::Event(event)) => Some(event),
            Poll::Ready(Request::Message(message)) => {
                self.send(Command::Message(message));
                None
            }
            Poll::Pending => None,
        }
    }

    /// Whatever comes first: events before timers, and nothing starved by the rest. `io` polls the transport, whose limit is asked for after it.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        limit: impl Fn() -> Option<Instant>,
        io: impl FnOnce(&mut Context<'_>) -> Option<EventOf<P>>,
    ) -> Poll<Step<P::Token, P::Key>> {
        let Some(left) = self.left.checked_sub(1) else {
            (self.left, self.clock_first) = (BURST, true);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.left = left;
        if core::mem::take(&mut self.clock_first) {
            if let Some(step) = self.due(limit()) {
                return Poll::Ready(step);
            }
        }
        let writable = self.policy.phase() == Phase::Online && self.transport.is_writable();
        if let Some(event) = self.request(cx, writable) {
            return Poll::Ready(Step::Event(event));
        }
        if let Some(event) = io(cx) {
            return Poll::Ready(Step::Event(event));
        }
        // The clock before the sleep: a runtime that rations its timers may say "pending" to one that is due.
        if let Some(step) = self.due(limit()) {
            return Poll::Ready(step);
        }
        self.left = BURST;
        self.poll_sleep(cx, limit());
        Poll::Pending
    }

    fn due(&self, limit: Option<Instant>) -> Option<Step<P::Token, P::Key>> {
        let now = self.runtime.now();
        if limit.is_some_and(|at| now >= at) {
            return Some(Step::Limit);
        }
        self.policy.poll_timeout().is_some_and(|at| now >= at).then_some(Step::Timer)
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, limit: Option<Instant>) {
        let at = [self.policy.poll_timeout(), limit].into_iter().flatten().min().unwrap_or(Instant::MAX);
        if at != self.armed {
            self.armed = at;
            let sleep = Some(at).filter(|at| *at != Instant::MAX).map(|at| self.runtime.sleep_until(at));
            self.sleep.set(sleep);
        }
        if self.sleep.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready()) {
            self.armed = Instant::MAX;
            self.sleep.set(None);
            // Look at the clock again, after everything that became ready meanwhile.
            cx.waker().wake_by_ref();
        }
    }
}

impl<D, P, Rt, H, const COMMANDS: usize> Turn<'_, D, P, Rt, H, COMMANDS>
where
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
{
    /// Tells the host, once, what became of the message that was taken last. False: nobody knows yet, or there is none.
    pub(super) fn tell_message(&mut self, over: bool) -> bool {
        let written = self.transport.take_message(over);
        written.map(|written| self.host.sent(written)).is_some()
    }
}

impl<D, P, Rt, H, const COMMANDS: usize> Drop for Turn<'_, D, P, Rt, H, COMMANDS>
where
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
{
    fn drop(&mut self) {
        // A run that was dropped during a write, and has aborted its transport.
        self.tell_message(true);
    }
}
