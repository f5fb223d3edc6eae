//! The loop: what comes is told to the policy, and what the policy says is done.

use alloc::boxed::Box;
use core::future::poll_fn;
use core::pin::pin;

use crate::handover::Decider;
use crate::policy::{Action, Event, Phase};
use crate::session::SessionState;
use crate::subscriptions::{SubscriptionState, Subscriptions};

use super::command::{Command, Dial};
use super::link;
use super::links::Links;
use super::protocol::Protocol;
use super::status::Report;
use super::turn::{EventLoop, Step, Timers};
use super::view::{Running, View};
use super::{Driver, Outcome, Runtime, is_live, is_over};

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
    /// # Cancel safety
    ///
    /// The future may be dropped at any await. It spawns nothing, so that dropping it drops all that the run holds: the dial, the
    /// transports (without a close), the refresh of a credential, the sleep. No task, socket or timer is left. Handles learn at once
    /// that the run has ended ([`Ended`](super::Ended) without an outcome), messages that were not written are given back, one that was
    /// being written is in doubt, and those that were received stay in [`Messages`](super::Messages). The policy is as it was: the next
    /// call takes the drop for a stop that keeps the session, and resumes it. The futures of the [`Protocol`] are dropped along, and what
    /// they leave is theirs.
    pub async fn run(&mut self) -> Outcome {
        let Self { policy, protocol, runtime, owner, inbox, send_timeout } = self;
        let (protocol, runtime, shared) = (&*protocol, &*runtime, &*owner.0);
        let inbox = &*inbox.0;
        let mut sleep = pin!(None);
        let mut view = View::new(policy.explain());
        let mut turn = EventLoop {
            policy,
            protocol,
            runtime,
            shared,
            inbox,
            links: Links::new(),
            refresh: None,
            sleep: sleep.as_mut(),
            timers: Timers::new(*send_timeout),
        };
        let mut gave_up = Outcome::Stopped;
        let mut running = Running { shared, inbox, outcome: None, report: None };
        running.begin();

        // An earlier run that was dropped took its transport with it.
        let mut dropped = !is_over(turn.policy.phase());
        let (mut started, mut stopped) = (false, false);
        loop {
            let step = if core::mem::take(&mut dropped) {
                Step::Request(Event::Stop { keep: true })
            } else if started {
                poll_fn(|cx| turn.poll(cx)).await
            } else if let Some(request) = turn.shared.take_request() {
                stopped |= matches!(request, Event::Stop { .. });
                Step::Request(request)
            } else if stopped {
                Step::End
            } else {
                started = true;
                Step::Request(Event::Start)
            };
            let taken = match step {
                Step::Taken(taken) => taken,
                Step::Request(mut event) => {
                    if let Event::HostResumed { counted, .. } = &mut event {
                        *counted = Rt::COUNTS_SLEEP;
                    }
                    if let Event::Drained { epoch } = &mut event {
                        let Some(draining) = turn.policy.draining() else { continue };
                        *epoch = draining;
                    }
                    if let Event::Unsubscribe { key } = &event {
                        let known = turn.policy.subscriptions().find(key).map(|entry| entry.state());
                        // One that waits may have been taken all the same, and its answer be late or lost.
                        let sent = matches!(
                            known,
                            Some(
                                SubscriptionState::Sent
                                    | SubscriptionState::Confirmed
                                    | SubscriptionState::Waiting { .. }
                            )
                        );
                        if sent && is_live(turn.policy.phase()) {
                            turn.links.command_connection(Command::Unsubscribe(key.clone()));
                        }
                    }
                    turn.take(event)
                }
                Step::Report => {
                    turn.shared.status.report(Report::of(turn.policy));
                    continue;
                }
                Step::End => {
                    let failed = turn.policy.phase() == Phase::Failed;
                    let outcome = if failed { gave_up } else { Outcome::Stopped };
                    running.outcome = Some(outcome);
                    running.report = Some(Box::new(Report::of(turn.policy)));
                    return outcome;
                }
            };
            for action in &taken.actions {
                match action {
                    Action::Open { epoch, mode, endpoint, attempt, role } => {
                        let dial = Dial::of(turn.policy, taken.at, (epoch, mode, endpoint, attempt));
                        let EventLoop { protocol, inbox, shared, .. } = turn;
                        let live = |mail| link::transport(protocol, dial, mail, inbox, shared);
                        turn.links.open(epoch, role, mode, live);
                    }
                    Action::Promote { epoch } => turn.links.promote(epoch, turn.inbox),
                    Action::Close { epoch, code: None } => turn.drop_link(epoch),
                    Action::Close { epoch, code: Some(code) } => turn.close(epoch, code),
                    Action::Identify { epoch } => turn.links.command(epoch, Command::Identify),
                    Action::Resume { epoch } => {
                        let session = turn.policy.session().cloned().unwrap_or_default();
                        turn.links.command(epoch, Command::Resume(session));
                    }
                    Action::Heartbeat { epoch } => {
                        let sequence = turn.policy.session().and_then(SessionState::sequence);
                        turn.links.command(epoch, Command::Heartbeat { sequence });
                    }
                    Action::Authenticate { epoch } => turn.links.command(epoch, Command::Authenticate),
                    Action::Restore { epoch, send } => {
                        let keys = turn.policy.subscriptions().batch().cloned().collect();
                        turn.links.command(epoch, Command::Restore { keys, send });
                    }
                    Action::RefreshCredential { request } => {
                        let protocol = turn.protocol;
                        turn.refresh(request, protocol.refresh_credential());
                    }
                    Action::DropSession { .. } => {}
                    Action::GaveUp { reason, cause } => gave_up = Outcome::GaveUp { reason, cause },
                }
            }
            let moved = turn.links.follow(turn.policy, turn.inbox);
            view.update(turn.policy.explain(), moved, &turn.links, turn.shared);
            turn.observe(taken.at, taken.event.as_ref(), &taken.actions);
        }
    }
}
