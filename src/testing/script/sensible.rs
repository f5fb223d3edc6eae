//! What a driver, a server, a user and a host would report.

use core::time::Duration;

use crate::handover::{Decider, EventOf};
use crate::mode::Mode;
use crate::policy::{Epoch, Event, HoldReason, Phase, WaitReason};

use super::super::sample::Sample;
use super::memory::{Answerable, answerable};
use super::{KeyOf, Script};

impl Script<'_> {
    /// Mostly what brings the policy further; sometimes trouble, sometimes the user or the host. `None`: time passes.
    pub(super) fn sensible_event<D>(&mut self, policy: &D) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        if let (Some(epoch), true) = (policy.draining(), self.choices.one_in(4)) {
            return Some(match self.choices.below(4) {
                0 | 1 => Event::Drained { epoch },
                2 => Event::HeartbeatRequested { epoch },
                _ => Event::Closed { epoch, cause: self.cause() },
            });
        }
        // While a successor is under way: of either, mostly of the successor.
        let epoch = match policy.successor() {
            Some(successor) if !self.choices.one_in(3) => Some(successor),
            _ => policy.epoch(),
        };
        match self.choices.below(32) {
            0..=10 => self.progress(policy, epoch),
            11..=16 => None,
            17..=19 => self.trouble(epoch?),
            20..=22 => self.chatter(policy, epoch?),
            23..=25 => self.answer(policy, epoch?),
            26..=28 => self.user(policy),
            _ => Some(self.host()),
        }
    }

    /// What comes next when everything goes well.
    pub(super) fn progress<D>(&mut self, policy: &D, epoch: Option<Epoch>) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        let awaited = policy.explain().waiting_for;
        match policy.phase() {
            Phase::Idle | Phase::Stopped | Phase::Failed => return Some(Event::Start),
            Phase::Parked => return self.unpark(awaited),
            _ => {}
        }
        let epoch = epoch?;
        let told = self.memory.of(epoch);
        if !told.opened {
            return Some(Event::Opened { epoch });
        }
        if policy.config().greeting() && !told.greeted {
            return Some(Event::Greeting { epoch, heartbeat: self.maybe_duration() });
        }
        if !told.settled {
            let resumes = if policy.successor() == Some(epoch) {
                let needed = policy.config().resume().sequence_needed();
                policy.session().is_some_and(|session| session.is_resumable(needed))
            } else {
                policy.explain().mode == Mode::Resume
            };
            // A server may answer a resume with a new session.
            let granted = resumes && !self.choices.one_in(4);
            return Some(if granted { Event::Resumed { epoch } } else { self.ready(epoch) });
        }
        if told.asked || policy.epoch() == Some(epoch) && policy.phase() == Phase::Establishing {
            return Some(Event::AuthOk { epoch });
        }
        // A reason to move, while there is something to move from.
        let alone = policy.successor().is_none() && policy.draining().is_none();
        if policy.handover_config().is_some() && alone && self.choices.one_in(3) {
            return Some(Event::Redial);
        }
        Some(if self.choices.flag() { Event::HeartbeatAcked { epoch } } else { Event::Received { epoch } })
    }

    /// The end of what a policy is parked on.
    fn unpark<T, K>(&mut self, on: Option<WaitReason>) -> Option<Event<T, K>> {
        match on? {
            WaitReason::Network => Some(Event::NetworkUp),
            WaitReason::Hidden => Some(Event::Visible),
            WaitReason::Hold => self.held().map(Event::Release),
            _ => Some(Event::CredentialOk { request: None, ttl: self.maybe_duration() }),
        }
    }

    /// A reason that is held.
    fn held(&self) -> Option<HoldReason> {
        (0..HoldReason::COUNT)
            .filter_map(HoldReason::new)
            .find(|reason| self.memory.holds & reason.bit() != 0)
    }

    /// The end of a transport, or of the attempt to open it.
    fn trouble<T, K>(&mut self, epoch: Epoch) -> Option<Event<T, K>> {
        let opened = self.memory.of(epoch).opened;
        Some(match self.choices.below(6) {
            0..=4 if opened => Event::Closed { epoch, cause: self.cause() },
            _ if opened => Event::SendFailed { epoch },
            0..=4 => Event::OpenFailed { epoch, cause: self.cause(), retry_after: self.retry_after() },
            _ => Event::NotNow { epoch, retry_after: self.maybe_duration() },
        })
    }

    /// What a server says on a transport whose session is established.
    fn chatter<D>(&mut self, policy: &D, epoch: Epoch) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        if !self.memory.of(epoch).settled {
            return None;
        }
        let name = self.choices.below(6) as u8;
        Some(match self.choices.below(16) {
            0..=3 => {
                let newest = policy.session().and_then(|session| session.sequence()).unwrap_or(0);
                let step = u64::from(self.choices.byte() & 3).saturating_add(1);
                Event::Sequence { epoch, sequence: newest.saturating_add(step) }
            }
            4 | 5 => Event::Received { epoch },
            6 | 7 => Event::HeartbeatRequested { epoch },
            8 => Event::Cursor { epoch, token: D::Token::sample(name)? },
            9 => Event::KeepAlive { epoch, interval: self.duration().max(Duration::from_millis(1)) },
            10 => {
                Event::Redirected { epoch, endpoint: D::Token::sample(name)?, permanent: self.choices.flag() }
            }
            11 => Event::ReconnectRequested { epoch, retry_after: self.retry_after(), deadline: None },
            12 | 13 => {
                let deadline = Some(self.duration());
                Event::ReconnectRequested { epoch, retry_after: None, deadline }
            }
            14 => Event::BackoffHint { base: self.duration() },
            _ => Event::SessionInvalid { epoch, resumable: self.choices.flag() },
        })
    }

    /// The answer to what the policy sent or asked for.
    fn answer<D>(&mut self, policy: &D, epoch: Epoch) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        if policy.deadline().is_some_and(|(_, reason)| reason == WaitReason::CredentialTimeout) {
            let (failed, fatal) = (self.choices.one_in(3), self.choices.one_in(4));
            return Some(if failed {
                Event::CredentialFailed { request: None, fatal }
            } else {
                Event::CredentialOk { request: None, ttl: self.maybe_duration() }
            });
        }
        let told = self.memory.of(epoch);
        if told.asked {
            let fatal = self.choices.one_in(4);
            return Some(if self.choices.one_in(3) {
                Event::AuthFailed { epoch, fatal }
            } else {
                Event::AuthOk { epoch }
            });
        }
        // Subscriptions are those of the connection.
        if policy.epoch() != Some(epoch) {
            return None;
        }
        let key = KeyOf::<D>::sample(self.choices.below(6) as u8)?;
        match answerable(policy, &key) {
            Answerable::Sent if self.choices.one_in(4) => {
                let retryable = self.choices.flag();
                Some(Event::SubscriptionFailed { epoch, key, send: None, retryable })
            }
            Answerable::Sent => Some(Event::SubscriptionConfirmed { epoch, key, send: None }),
            Answerable::Confirmed => Some(Event::SubscriptionLost { epoch, key }),
            Answerable::No | Answerable::Unknown => None,
        }
    }

    /// What the user asks for.
    fn user<D>(&mut self, policy: &D) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        let (phase, name) = (policy.phase(), self.choices.below(6) as u8);
        let asleep = matches!(phase, Phase::Idle | Phase::Stopped | Phase::Failed);
        let between = matches!(phase, Phase::Waiting | Phase::Parked);
        match self.choices.below(12) {
            0..=5 => {
                let key = KeyOf::<D>::sample(name)?;
                let known = answerable(policy, &key) != Answerable::Unknown;
                if !known {
                    Some(Event::Subscribe { key, priority: self.priority() })
                } else if self.choices.one_in(3) {
                    Some(Event::Unsubscribe { key })
                } else {
                    None
                }
            }
            _ if asleep => Some(Event::Start),
            6 => Some(Event::Stop { keep: self.choices.flag() }),
            7 => Some(Event::CredentialNew),
            8 if self.choices.one_in(4) => Some(Event::CredentialLost),
            _ if between => Some(Event::RetryNow),
            _ if policy.successor().is_none() => Some(Event::Redial),
            _ => None,
        }
    }

    /// What the host reports. A condition that is unmet is met again sooner or later.
    fn host<T, K>(&mut self) -> Event<T, K> {
        match self.choices.below(10) {
            0 | 1 => match self.held() {
                Some(reason) => Event::Release(reason),
                None => Event::Hold(self.reason()),
            },
            2 | 3 => {
                if self.memory.network_down {
                    Event::NetworkUp
                } else {
                    Event::NetworkDown
                }
            }
            4 | 5 => {
                if self.memory.hidden {
                    Event::Visible
                } else {
                    Event::Hidden
                }
            }
            6 | 7 => Event::NetworkChanged,
            _ => {
                let gap = self.duration().max(Duration::from_millis(1));
                Event::HostResumed { gap, counted: self.choices.flag() }
            }
        }
    }
}
