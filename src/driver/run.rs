//! The loop: what comes is told to the policy, and what the policy says is done.

use core::future::poll_fn;
use core::pin::pin;

use crate::handover::Decider;
use crate::policy::{Action, Actions, Endpoint, Event, Phase};
use crate::session::SessionState;
use crate::subscriptions::{SubscriptionState, Subscriptions};

use super::command::{Command, Dial, Notice};
use super::link;
use super::links::Links;
use super::protocol::Protocol;
use super::status::Report;
use super::turn::{EventLoop, Step, Timers};
use super::view::{Running, View, is_live, is_over};
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
        let (mut refresh, mut sleep) = (pin!(None), pin!(None));
        let mut turn = EventLoop {
            runtime,
            shared,
            inbox,
            links: Links::new(),
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
                    let actions = policy.handle_event(now, event);
                    turn.links.taken(&seen, actions.disposition());
                    (now, Some(seen), actions)
                }
                Step::Request(mut event) => {
                    let now = runtime.now();
                    if let Event::HostResumed { counted, .. } = &mut event {
                        *counted = Rt::COUNTS_SLEEP;
                    }
                    if let Event::Drained { epoch } = &mut event {
                        let Some(draining) = policy.draining() else { continue };
                        *epoch = draining;
                    }
                    if let Event::Unsubscribe { key } = &event {
                        let known = policy.subscriptions().find(key).map(|entry| entry.state());
                        let sent =
                            matches!(known, Some(SubscriptionState::Sent | SubscriptionState::Confirmed));
                        if sent && is_live(policy.phase()) {
                            turn.links.command_connection(Command::Unsubscribe(key.clone()));
                        }
                    }
                    let seen = event.clone();
                    (now, Some(seen), policy.handle_event(now, event))
                }
                Step::Report => {
                    shared.status.report(Report::of(policy));
                    continue;
                }
                Step::End => {
                    let outcome = if policy.phase() == Phase::Failed { gave_up } else { Outcome::Stopped };
                    running.outcome = Some(outcome);
                    running.report = Some(Report::of(policy));
                    return outcome;
                }
            };
            for action in actions {
                match action {
                    Action::Open { epoch, mode, endpoint, attempt, role } => {
                        let endpoint = match endpoint {
                            Endpoint::Base => None,
                            Endpoint::Session => {
                                policy.session().and_then(|session| session.endpoint().cloned())
                            }
                            Endpoint::Redirect => policy.redirect().cloned(),
                        };
                        let endpoint_index = policy.endpoint_index();
                        let dial = Dial { epoch, mode, endpoint, endpoint_index, attempt };
                        let live = |mail| link::transport(protocol, dial, mail, inbox, shared);
                        turn.links.open(epoch, role, mode, live);
                    }
                    Action::Promote { epoch } => turn.links.promote(epoch, inbox),
                    Action::Close { epoch, code: None } => turn.drop_link(epoch),
                    Action::Close { epoch, code: Some(code) } => turn.close(epoch, code),
                    Action::Identify { epoch } => turn.links.command(epoch, Command::Identify),
                    Action::Resume { epoch } => {
                        let session = policy.session().cloned().unwrap_or_default();
                        turn.links.command(epoch, Command::Resume(session));
                    }
                    Action::Heartbeat { epoch } => {
                        let sequence = policy.session().and_then(SessionState::sequence);
                        turn.links.command(epoch, Command::Heartbeat { sequence });
                    }
                    Action::Authenticate { epoch } => turn.links.command(epoch, Command::Authenticate),
                    Action::Restore { epoch, send } => {
                        let keys = policy.subscriptions().batch().cloned().collect();
                        turn.links.command(epoch, Command::Restore { keys, send });
                    }
                    Action::RefreshCredential { request } => {
                        turn.refresh(request, async { protocol.refresh_credential().await });
                    }
                    Action::DropSession { .. } => {}
                    Action::GaveUp { reason, cause } => gave_up = Outcome::GaveUp { reason, cause },
                }
            }
            if !is_quiet(event.as_ref(), &actions) {
                let moved = turn.links.follow(policy, inbox);
                view.update(policy.explain(), moved, &turn.links, shared);
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

/// One of the events of which a connection brings thousands, and nothing came of it.
const fn is_quiet<T, K>(event: Option<&Event<T, K>>, actions: &Actions) -> bool {
    let quiet =
        matches!(event, Some(Event::Received { .. } | Event::Sequence { .. } | Event::HeartbeatAcked { .. }));
    quiet && actions.is_empty()
}
