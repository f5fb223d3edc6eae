//! What the driver and the host know: told by the events alone, and changed by the actions as a driver executes them.

use redial::policy::{DropReason, HoldReason};
use redial::subscriptions::Subscriptions;
use redial::{Action, Disposition, Epoch, Event, Instant, Mode, Phase};

use super::{Bases, Harness, Key, Source, Subject, TestEvent};

/// A transport as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transport {
    pub(super) epoch: Epoch,
    pub(super) mode: Mode,
    pub(super) open: bool,
    pub(super) identified: bool,
    pub(super) established: bool,
    /// Its greeting asked for heartbeats.
    pub(super) beats: bool,
}

/// The transport, and the conditions that the host set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Model {
    /// When the policy was called last.
    pub(super) called_at: Instant,
    pub(super) transport: Option<Transport>,
    pub(super) last_epoch: u32,
    /// The newest dial, while the clock has not run backwards since.
    pub(super) dialled_at: Option<Instant>,
    pub(super) credential_asked: bool,
    /// It may never be answered: since it was asked for, a timer ran out, or there was a host event or the user's word.
    credential_doubted: bool,
    pub(super) holds: u32,
    pub(super) network_down: bool,
    pub(super) hidden: bool,
    /// It gave up, for a limit (true) or for good.
    pub(super) gave_up: Option<bool>,
}

impl Model {
    pub(super) fn new(now: Instant, last_epoch: u32) -> Self {
        Self {
            called_at: now,
            transport: None,
            last_epoch,
            dialled_at: None,
            credential_asked: false,
            credential_doubted: false,
            holds: 0,
            network_down: false,
            hidden: false,
            gave_up: None,
        }
    }
}

impl<E: Bases, K: Key, C: Source, const N: usize> Harness<E, K, C, N> {
    /// What is known, with times seen from now and without the numbers of transports.
    pub fn hash_model(&self, horizon: core::time::Duration, to: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        let ago = |at: Instant| self.now.saturating_duration_since(at).min(horizon);
        let Model {
            called_at,
            transport,
            last_epoch: _,
            dialled_at,
            credential_asked,
            credential_doubted,
            holds,
            network_down,
            hidden,
            gave_up,
        } = &self.model;
        let transport = transport
            .map(|it| (it.mode, it.open, it.identified, it.established, it.beats));
        (ago(*called_at), transport, dialled_at.map(ago), credential_asked, credential_doubted).hash(to);
        (holds, network_down, hidden, gave_up).hash(to);
    }

    /// What the driver and the host know from the event alone.
    pub(super) fn note(
        &mut self,
        before: &Subject<E, K, C, N>,
        event: Option<&TestEvent<K>>,
        disposition: Disposition,
    ) {
        let applied = disposition == Disposition::Applied;
        let model = &mut self.model;
        model.network_down &= !matches!(event, Some(Event::NetworkUp));
        model.credential_doubted |= applied
            && matches!(
                event,
                None | Some(
                    Event::RetryNow
                        | Event::Redial
                        | Event::NetworkUp
                        | Event::NetworkChanged
                        | Event::Visible
                        | Event::HostResumed { .. }
                )
            );
        match event {
            // Nobody waits any more for an answer that was asked for before the end.
            Some(
                Event::Start | Event::RetryNow | Event::Redial | Event::NetworkUp | Event::NetworkChanged,
            ) if applied && matches!(before.phase(), Phase::Idle | Phase::Stopped | Phase::Failed) => {
                model.credential_asked = false;
            }
            Some(Event::Hold(reason)) => model.holds |= bit(*reason),
            Some(Event::Release(reason)) => model.holds &= !bit(*reason),
            // What the config ignores is not tracked.
            Some(Event::NetworkDown) if applied => model.network_down = true,
            // The policy's clock stood still; the host's did not.
            Some(Event::HostResumed { counted: false, .. }) => model.dialled_at = None,
            Some(Event::Hidden) if applied => model.hidden = true,
            Some(Event::Visible) => model.hidden = false,
            Some(
                Event::CredentialOk { .. }
                | Event::CredentialFailed { .. }
                | Event::CredentialNew
                | Event::CredentialLost,
            ) if disposition != Disposition::Stale => {
                model.credential_asked = false;
            }
            Some(Event::Opened { .. }) if applied => {
                let transport = model.transport.as_mut().expect("an opened transport was asked for");
                assert!(!transport.open, "opened twice");
                transport.open = true;
            }
            Some(Event::Greeting { heartbeat: Some(interval), .. }) if applied && !interval.is_zero() => {
                model.transport.as_mut().expect("a greeting comes from a transport").beats = true;
            }
            Some(Event::Closed { .. } | Event::OpenFailed { .. } | Event::NotNow { .. }) if applied => {
                model.transport = None;
            }
            _ => {}
        }
        if let Some(transport) = &mut model.transport {
            transport.established |= self.policy.stats().established > before.stats().established;
        }
    }

    /// What the driver does about an action, which may be the last of its call.
    pub(super) fn obey(
        &mut self,
        before: &Subject<E, K, C, N>,
        event: Option<&TestEvent<K>>,
        action: Action,
        last: bool,
    ) {
        match action {
            Action::Open { epoch, mode, attempt, .. } => self.dial(before, epoch, mode, attempt, last),
            Action::Promote { epoch } => panic!("a policy by itself has no successor to promote: {epoch}"),
            Action::Close { epoch, code } => {
                let transport = self.model.transport.take().expect("S92: nothing to close");
                assert_eq!(transport.epoch, epoch, "S92: the wrong transport is closed");
                // A transport that the user stops may have opened by now.
                let stopped = matches!(event, Some(Event::Stop { .. }));
                assert!(code.is_some() || !transport.open, "an open transport is closed with a code");
                assert!(
                    code.is_none() || transport.open || stopped,
                    "a code for a transport that is not open"
                );
                let ends = matches!(event, Some(Event::Stop { keep: false }));
                assert!(
                    ends || !matches!(code, Some(1000 | 1001)),
                    "F70, S54: a close that ends the session"
                );
            }
            Action::Identify { epoch } => self.identify(epoch, Mode::Fresh),
            Action::Resume { epoch } => self.identify(epoch, Mode::Resume),
            Action::Heartbeat { epoch } => _ = self.open_transport(epoch),
            Action::Authenticate { epoch } => {
                assert!(self.open_transport(epoch).identified, "authentication before identification");
            }
            Action::Restore { epoch, .. } => {
                assert!(self.open_transport(epoch).identified, "subscriptions before identification");
                assert!(self.policy.subscriptions().batch().count() > 0, "an empty batch");
            }
            Action::RefreshCredential { .. } => {
                let phase = self.policy.phase();
                assert!(
                    matches!(phase, Phase::Parked | Phase::Online | Phase::Restoring),
                    "a credential is asked for in the phase {phase:?}"
                );
                let model = &mut self.model;
                let awaited = model.credential_asked && !model.credential_doubted;
                assert!(!awaited, "the credential is asked for twice: {event:?}");
                model.credential_doubted = false;
                model.credential_asked = true;
            }
            Action::DropSession { reason } => {
                assert!(!before.session().is_empty(), "a session is dropped that never was");
                if let (DropReason::Expired, Some(transport)) = (reason, &mut self.model.transport) {
                    // A resume that was not sent yet becomes a fresh start.
                    transport.mode = Mode::Fresh;
                }
            }
            Action::GaveUp { .. } => {
                assert!(last, "nothing follows the end");
                assert_ne!(before.phase(), Phase::Failed, "S94: given up twice");
                assert_eq!(self.policy.phase(), Phase::Failed);
            }
        }
    }

    fn dial(&mut self, before: &Subject<E, K, C, N>, epoch: Epoch, mode: Mode, attempt: u32, last: bool) {
        let model = &mut self.model;
        assert_eq!(model.transport, None, "S92: a dial while another transport lives");
        assert_eq!(before.epoch(), None, "a loss never dials in the same call");
        assert_eq!(epoch.get(), model.last_epoch + 1, "epochs count dials");
        assert!(attempt > 0, "attempts count from 1");
        assert!(
            model.holds == 0 && !model.network_down && !model.hidden,
            "a dial while a condition is unmet"
        );
        assert!(!model.credential_asked, "a dial without the credential it asked for");
        if mode == Mode::Resume {
            assert!(self.policy.session().is_resumable(self.limits.needs_sequence), "F58");
        }
        if let Some(earlier) = model.dialled_at {
            let apart = self.now.saturating_duration_since(earlier);
            assert!(apart >= self.limits.min_interval, "two dials {apart:?} apart");
        }
        model.dialled_at = Some(self.now);
        model.last_epoch = epoch.get();
        model.transport =
            Some(Transport { epoch, mode, open: false, identified: false, established: false, beats: false });
        assert!(last, "nothing follows a dial in the same call");
    }

    fn open_transport(&mut self, epoch: Epoch) -> &mut Transport {
        let transport = self.model.transport.as_mut().expect("an action for a dead transport");
        assert_eq!(transport.epoch, epoch, "an action for another transport");
        assert!(transport.open, "an action for a transport that is not open");
        transport
    }

    fn identify(&mut self, epoch: Epoch, mode: Mode) {
        let transport = self.open_transport(epoch);
        assert!(!transport.identified, "identified twice");
        assert_eq!(transport.mode, mode, "the dial promised otherwise");
        transport.identified = true;
    }
}

/// The bit of a reason, which keeps its number to itself.
fn bit(reason: HoldReason) -> u32 {
    (0..HoldReason::COUNT)
        .find(|number| HoldReason::new(*number) == Some(reason))
        .map_or(0, |number| 1 << number)
}
