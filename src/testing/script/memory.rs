//! What a script told before, so that the rest makes sense.

use crate::handover::Decider;
use crate::policy::{Epoch, Event, Phase};
use crate::subscriptions::Subscriptions;

/// How far two transports came, the newest and the one before, and which conditions of the host are unmet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    newest: Transport,
    older: Transport,
    /// The bits of the reasons that are held.
    pub(super) holds: u32,
    pub(super) network_down: bool,
    pub(super) hidden: bool,
}

/// What was told of a transport.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transport {
    /// 0: there is none.
    epoch: u32,
    pub(super) opened: bool,
    pub(super) greeted: bool,
    /// Whether its session was established or resumed.
    pub(super) settled: bool,
    /// Whether the answer to an authentication is outstanding, as far as a script can know.
    pub(super) asked: bool,
    /// Whether an authentication was answered.
    answered: bool,
}

impl Transport {
    const NONE: Self =
        Self { epoch: 0, opened: false, greeted: false, settled: false, asked: false, answered: false };

    const fn of(epoch: Epoch) -> Self {
        Self { epoch: epoch.get(), ..Self::NONE }
    }
}

impl Memory {
    pub(super) const NEW: Self = Self {
        newest: Transport::NONE,
        older: Transport::NONE,
        holds: 0,
        network_down: false,
        hidden: false,
    };

    /// Learns which transports are alive.
    pub(super) fn meet<D: Decider>(&mut self, policy: &D) {
        for epoch in [policy.epoch(), policy.successor()].into_iter().flatten() {
            if self.newest.epoch != epoch.get() && self.older.epoch != epoch.get() {
                (self.older, self.newest) = (self.newest, Transport::of(epoch));
            }
        }
    }

    /// A login that was answered as a resume is not answered: the connection is established no more than before, also once an
    /// authentication is answered.
    pub(super) fn doubt<D: Decider>(&mut self, policy: &D) {
        let connection = policy.epoch().filter(|_| policy.phase() == Phase::Establishing);
        let connection = connection.and_then(|epoch| self.transport(epoch)).filter(|told| told.answered);
        if let Some(connection) = connection {
            (connection.settled, connection.answered) = (false, false);
        }
    }

    /// What was told of this transport.
    pub(super) const fn of(&self, epoch: Epoch) -> Transport {
        if self.newest.epoch == epoch.get() {
            self.newest
        } else if self.older.epoch == epoch.get() {
            self.older
        } else {
            Transport::NONE
        }
    }

    fn transport(&mut self, epoch: Epoch) -> Option<&mut Transport> {
        [&mut self.newest, &mut self.older].into_iter().find(|transport| transport.epoch == epoch.get())
    }

    /// Takes a note of what the policy is told next.
    pub(super) fn note<T, K, D: Decider>(&mut self, event: &Event<T, K>, policy: &D) {
        match event {
            Event::Hold(reason) => self.holds |= reason.bit(),
            Event::Release(reason) => self.holds &= !reason.bit(),
            Event::NetworkDown => self.network_down = true,
            Event::NetworkUp => self.network_down = false,
            Event::Hidden => self.hidden = true,
            Event::Visible => self.hidden = false,
            Event::CredentialOk { .. } | Event::CredentialNew => self.credential_renewed(policy),
            _ => {}
        }
        let greets = policy.config().greeting();
        let authenticates = policy.config().restore().authentication();
        let Some(transport) = event.epoch().and_then(|epoch| self.transport(epoch)) else { return };
        let identified = transport.opened && (transport.greeted || !greets);
        match event {
            Event::Opened { .. } => transport.opened = true,
            Event::Greeting { .. } if transport.opened => transport.greeted = true,
            Event::Ready { .. } if identified => {
                transport.asked = authenticates && !transport.settled;
                transport.settled = true;
            }
            Event::Resumed { .. } if identified => transport.settled = true,
            Event::AuthOk { .. } | Event::AuthFailed { .. } => {
                (transport.asked, transport.answered) = (false, true)
            }
            _ => {}
        }
    }

    /// A live connection is authenticated again, where the config says so.
    fn credential_renewed<D: Decider>(&mut self, policy: &D) {
        let live = matches!(policy.phase(), Phase::Online | Phase::Restoring);
        if live && policy.config().credential().in_band() {
            let connection = policy.epoch().and_then(|epoch| self.transport(epoch));
            connection.into_iter().for_each(|connection| connection.asked = true);
        }
    }
}

/// The subscriptions of a policy that the server has to answer, or may end: whether one is sent, or confirmed.
pub(super) fn answerable<D: Decider>(
    policy: &D,
    key: &<D::Subscriptions as Subscriptions>::Key,
) -> Answerable {
    use crate::subscriptions::SubscriptionState;

    match policy.subscriptions().find(key).map(|entry| entry.state()) {
        Some(SubscriptionState::Sent) => Answerable::Sent,
        Some(SubscriptionState::Confirmed) => Answerable::Confirmed,
        Some(_) => Answerable::No,
        None => Answerable::Unknown,
    }
}

/// What a server may say of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answerable {
    /// It is not in the set.
    Unknown,
    /// It was not sent yet.
    No,
    Sent,
    Confirmed,
}
