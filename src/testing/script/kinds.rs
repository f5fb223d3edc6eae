//! Events of every kind, whether or not they make sense.

use crate::policy::{Epoch, Event, HoldReason, RetryAfter};

use super::super::sample::Sample;
use super::Script;

/// How many kinds [`Script::kind`] tells apart.
pub(super) const KINDS: u32 = 46;

impl Script<'_> {
    /// Any event at all, of one of the first four transports where it is one of a transport; [`Event::Start`] first.
    ///
    /// Events for a policy that is there are better made by [`event`](Self::event), which knows what it is doing.
    pub fn any_event<T: Sample, K: Sample>(&mut self) -> Event<T, K> {
        let epoch = self.epoch();
        let kind = self.choices.below(KINDS);
        self.kind(kind, epoch).unwrap_or(Event::Start)
    }

    /// An epoch: 1 to 4, rarely any other.
    pub fn epoch(&mut self) -> Epoch {
        let number = match self.choices.below(16) {
            0..=6 => 1,
            7..=14 => self.choices.below(4).saturating_add(1),
            _ => self.choices.u32(),
        };
        Epoch::from_raw(number).unwrap_or(Epoch::FIRST)
    }

    /// None, or mostly a plain duration.
    pub(super) fn retry_after(&mut self) -> Option<RetryAfter> {
        let wait = self.maybe_duration()?;
        Some(match self.choices.below(4) {
            2 => RetryAfter::Appointment(wait),
            3 => RetryAfter::Window(wait),
            _ => RetryAfter::AtLeast(wait),
        })
    }

    /// An event of this kind, of the transport `epoch`, or of the user or the host. `None`: it needs a name, and the type has
    /// none.
    pub(super) fn kind<T: Sample, K: Sample>(&mut self, kind: u32, epoch: Epoch) -> Option<Event<T, K>> {
        let name = self.choices.below(6) as u8;
        Some(match kind {
            0 => Event::Start,
            1 => Event::Opened { epoch },
            2 => self.ready(epoch),
            3 => Event::Greeting { epoch, heartbeat: self.maybe_duration() },
            4 => Event::Resumed { epoch },
            5 => Event::HeartbeatAcked { epoch },
            6 => Event::OpenFailed { epoch, cause: self.cause(), retry_after: self.retry_after() },
            7 | 8 => Event::Closed { epoch, cause: self.cause() },
            9 => Event::SendFailed { epoch },
            10 => Event::NotNow { epoch, retry_after: self.maybe_duration() },
            11 => Event::Sequence { epoch, sequence: self.choices.byte().into() },
            12 => Event::Sequence { epoch, sequence: self.choices.u64() },
            13 => {
                let (retry_after, deadline) = (self.retry_after(), self.maybe_duration());
                Event::ReconnectRequested { epoch, retry_after, deadline }
            }
            14 => Event::SessionInvalid { epoch, resumable: self.choices.flag() },
            15 => Event::HeartbeatRequested { epoch },
            16 => Event::Received { epoch },
            17 => Event::CredentialOk { request: self.request(), ttl: self.maybe_duration() },
            18 => Event::CredentialFailed { request: self.request(), fatal: self.choices.one_in(4) },
            19 => Event::CredentialNew,
            20 => Event::CredentialLost,
            21 => Event::AuthOk { epoch },
            22 => Event::AuthFailed { epoch, fatal: self.choices.one_in(4) },
            23 | 24 => Event::Subscribe { key: K::sample(name)?, priority: self.priority() },
            25 => Event::Unsubscribe { key: K::sample(name)? },
            26 => Event::SubscriptionConfirmed { epoch, key: K::sample(name)?, send: self.send() },
            27 => {
                let (send, retryable) = (self.send(), self.choices.flag());
                Event::SubscriptionFailed { epoch, key: K::sample(name)?, send, retryable }
            }
            28 => Event::SubscriptionLost { epoch, key: K::sample(name)? },
            29 => Event::Stop { keep: self.choices.flag() },
            30 => Event::RetryNow,
            31 => Event::Hold(self.reason()),
            32 => Event::Release(self.reason()),
            33 => Event::NetworkDown,
            34 => Event::NetworkUp,
            35 => Event::Hidden,
            36 => Event::Visible,
            37 => Event::HostResumed { gap: self.duration(), counted: self.choices.flag() },
            38 => Event::Redirected { epoch, endpoint: T::sample(name)?, permanent: self.choices.flag() },
            39 => Event::Cursor { epoch, token: T::sample(name)? },
            40 => Event::KeepAlive { epoch, interval: self.duration() },
            41 => Event::BackoffHint { base: self.duration() },
            42 => Event::NetworkChanged,
            43 => Event::Redial,
            44 => {
                let deadline = Some(self.duration());
                Event::ReconnectRequested { epoch, retry_after: None, deadline }
            }
            _ => Event::Drained { epoch },
        })
    }

    /// A session that is established, in three of four cases one that can be resumed.
    pub(super) fn ready<T: Sample, K>(&mut self, epoch: Epoch) -> Event<T, K> {
        let token = if self.choices.one_in(4) { None } else { T::sample(1) };
        let endpoint = if self.choices.flag() { T::sample(2) } else { None };
        let sequence = if self.choices.flag() { Some(self.choices.u64()) } else { None };
        Event::Ready { epoch, token, endpoint, sequence, ttl: self.maybe_duration() }
    }

    /// A precondition of the host, mostly the same.
    pub(in crate::testing) fn reason(&mut self) -> HoldReason {
        let number = if self.choices.flag() { 0 } else { self.choices.below(HoldReason::COUNT.into()) as u8 };
        HoldReason::new(number).unwrap_or(HoldReason::FIRST)
    }

    pub(super) fn priority(&mut self) -> i32 {
        self.choices.pick(&[0, 1, 2, -1, i32::MAX, i32::MIN], 0)
    }

    /// The number of a send: mostly none, which means the newest.
    fn send(&mut self) -> Option<u32> {
        if self.choices.one_in(3) { Some(self.choices.below(4)) } else { None }
    }

    /// The number of a request for a credential: mostly none, which means the newest.
    fn request(&mut self) -> Option<u16> {
        if self.choices.one_in(4) { Some(self.choices.below(4) as u16) } else { None }
    }
}
