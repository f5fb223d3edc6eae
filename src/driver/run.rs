//! The loop: what comes is told to the policy, and what the policy says is done.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use crate::policy::{
    Action, Actions, Decider, Disposition, Endpoint, Epoch, Event, Explanation, Phase, Trigger,
};
use crate::session::SessionState;
use crate::subscriptions::{SubscriptionState, Subscriptions};
use crate::time::Instant;

use super::command::{Command, Dial, Notice};
use super::link::{self, Mailbox};
use super::protocol::Protocol;
use super::shared::Shared;
use super::turn::{EventLoop, Step, Timers};
use super::{Driver, Outcome, Runtime};

impl<P, Rt, Q> Driver<P, Rt, Q>
where
    P: Protocol,
    Rt: Runtime,
    Q: Decider<Token = P::Token>,
    Q::Subscriptions: Subscriptions<Key = P::Key>,
{
    /// Starts the policy and drives it until the user stops it ([`Handle::stop`](super::Handle::stop)) or it gives up.
    ///
    /// It may be called again then, and starts over. Requests that came before it are taken before the start: a missing
    /// precondition or network is known then, and after a stop it dials nothing and returns. Messages that were not
    /// written when it returns are given back.
    ///
    /// Dropping the future drops the transport and whatever else is under way, without a close; the next call takes
    /// that for a stop that keeps the session.
    pub async fn run(&mut self) -> Outcome {
        let Self { policy, protocol, runtime, owner, inbox, send_timeout } = self;
        let (protocol, runtime, shared) = (&*protocol, &*runtime, &*owner.0);
        let inbox = &*inbox.0;
        let mail = Mailbox::<P>::new();
        let (mut link, mut refresh, mut sleep) = (pin!(None), pin!(None), pin!(None));
        let mut turn = EventLoop {
            runtime,
            shared,
            inbox,
            mail: &mail,
            link: link.as_mut(),
            refresh: refresh.as_mut(),
            sleep: sleep.as_mut(),
            timers: Timers::new(*send_timeout),
        };
        let mut gave_up = Outcome::Stopped;
        let mut view = View::new(policy.explain());
        let mut running = Running { shared, inbox, outcome: None, report: None };
        running.begin();

        // An earlier run that was dropped took its transport with it.
        let dropped = !is_over(policy.phase());
        let mut first = dropped.then_some(Event::Stop { keep: true });
        let (mut started, mut stopped) = (false, false);
        loop {
            let step = if let Some(event) = first.take() {
                Step::Request(event)
            } else if started {
                let deadline = policy.poll_timeout();
                let ended = is_over(policy.phase());
                poll_fn(|cx| turn.poll(cx, deadline, ended)).await
            } else if let Some(request) = shared.take_request() {
                stopped |= matches!(request, Event::Stop { .. });
                Step::Request(request)
            } else if stopped {
                Step::End
            } else {
                started = true;
                Step::Request(Event::Start)
            };
            let (now, event, actions) = match step {
                Step::Timeout => {
                    let now = runtime.now();
                    (now, None, policy.handle_timeout(now))
                }
                Step::Event(event) => {
                    let now = runtime.now();
                    let seen = event.clone();
                    let numbered = matches!(event, Event::Sequence { .. } | Event::Cursor { .. });
                    let actions = policy.handle_event(now, event);
                    if numbered && actions.disposition() == Disposition::Stale {
                        mail.drop_messages();
                    }
                    (now, Some(seen), actions)
                }
                Step::Request(mut event) => {
                    let now = runtime.now();
                    if let Event::HostResumed { counted, .. } = &mut event {
                        *counted = Rt::COUNTS_SLEEP;
                    }
                    if let Event::Unsubscribe { key } = &event {
                        let known = policy.subscriptions().find(key).map(|entry| entry.state());
                        let sent =
                            matches!(known, Some(SubscriptionState::Sent | SubscriptionState::Confirmed));
                        if sent && is_live(policy.phase()) {
                            mail.command(Command::Unsubscribe(key.clone()));
                        }
                    }
                    let seen = event.clone();
                    (now, Some(seen), policy.handle_event(now, event))
                }
                Step::Report => {
                    shared.status.report(policy.explain(), policy.stats());
                    continue;
                }
                Step::End => {
                    let outcome = if policy.phase() == Phase::Failed { gave_up } else { Outcome::Stopped };
                    running.outcome = Some(outcome);
                    running.report = Some((policy.explain(), policy.stats()));
                    return outcome;
                }
            };
            for action in actions {
                match action {
                    Action::Open { epoch, mode, endpoint, attempt, role: _ } => {
                        let endpoint = match endpoint {
                            Endpoint::Base => None,
                            Endpoint::Session => {
                                policy.session().and_then(|session| session.endpoint().cloned())
                            }
                            Endpoint::Redirect => policy.redirect().cloned(),
                        };
                        let endpoint_index = policy.endpoint_index();
                        let dial = Dial { epoch, mode, endpoint, endpoint_index, attempt };
                        turn.open(epoch, link::transport(protocol, dial, &mail, inbox, shared));
                    }
                    Action::Close { code: None, .. } => turn.drop_link(),
                    Action::Close { code: Some(code), .. } => {
                        turn.close(code);
                        // Once at once, whatever comes next.
                        poll_fn(|cx| {
                            turn.poll_link(cx);
                            Poll::Ready(())
                        })
                        .await;
                    }
                    Action::Identify { .. } => mail.command(Command::Identify),
                    Action::Resume { .. } => {
                        let session = policy.session().cloned().unwrap_or_default();
                        mail.command(Command::Resume(session));
                    }
                    Action::Heartbeat { .. } => {
                        let sequence = policy.session().and_then(SessionState::sequence);
                        mail.command(Command::Heartbeat { sequence });
                    }
                    Action::Authenticate { .. } => mail.command(Command::Authenticate),
                    Action::Restore { send, .. } => {
                        let keys = policy.subscriptions().batch().cloned().collect();
                        mail.command(Command::Restore { keys, send });
                    }
                    Action::RefreshCredential { request } => {
                        turn.refresh(request, async { protocol.refresh_credential().await });
                    }
                    Action::DropSession { .. } | Action::Promote { .. } => {}
                    Action::GaveUp { reason, cause } => gave_up = Outcome::GaveUp { reason, cause },
                }
            }
            if !is_quiet(event.as_ref(), &actions) {
                view.update(policy.explain(), &mail, shared);
            }
            protocol.observe(&Notice {
                at: now,
                event: event.as_ref(),
                actions: &actions,
                explain: &|| policy.explain(),
                sequence: &|| policy.session().and_then(SessionState::sequence),
            });
        }
    }
}

const fn is_over(phase: Phase) -> bool {
    matches!(phase, Phase::Idle | Phase::Stopped | Phase::Failed)
}

const fn is_live(phase: Phase) -> bool {
    matches!(phase, Phase::Restoring | Phase::Online)
}

/// One of the events of which a connection brings thousands, and nothing came of it.
const fn is_quiet<T, K>(event: Option<&Event<T, K>>, actions: &Actions) -> bool {
    let quiet =
        matches!(event, Some(Event::Received { .. } | Event::Sequence { .. } | Event::HeartbeatAcked { .. }));
    quiet && actions.is_empty()
}

/// Where the policy is, as transport and handles see it.
struct View {
    phase: Phase,
    trigger: Trigger,
    since: Instant,
    epoch: Option<Epoch>,
}

impl View {
    const fn new(explanation: Explanation) -> Self {
        let Explanation { phase, trigger, since, epoch, .. } = explanation;
        Self { phase, trigger, since, epoch }
    }

    /// Tells both about a transition.
    fn update<P: Protocol>(
        &mut self,
        explanation: Explanation,
        mail: &Mailbox<P>,
        shared: &Shared<P::Token, P::Key, P::Message>,
    ) {
        let before = core::mem::replace(self, Self::new(explanation));
        let (live, online) = (is_live(self.phase), self.phase == Phase::Online);
        if before.phase != self.phase {
            mail.set_session(live, online);
            if (is_live(before.phase), before.phase == Phase::Online) != (live, online) {
                shared.set_session(live, online, is_over(self.phase));
            }
        }
        let moved = before.phase != self.phase
            || before.trigger != self.trigger
            || before.since != self.since
            || before.epoch != self.epoch;
        if moved && shared.status.is_watched() {
            shared.status.publish(explanation);
        }
    }
}

/// A run under way: when it is over, or its future is dropped, the handles learn it.
struct Running<'a, T, K, M, I> {
    shared: &'a Shared<T, K, M>,
    inbox: &'a super::messages::Inbox<I>,
    outcome: Option<Outcome>,
    report: Option<(Explanation, crate::policy::Stats)>,
}

impl<T, K, M, I> Running<'_, T, K, M, I> {
    fn begin(&self) {
        self.inbox.set_ended(false);
        self.shared.begin();
    }
}

impl<T, K, M, I> Drop for Running<'_, T, K, M, I> {
    fn drop(&mut self) {
        self.shared.end(self.outcome, self.report);
        self.inbox.set_ended(true);
    }
}
