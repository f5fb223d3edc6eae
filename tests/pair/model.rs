//! What the driver and the host know: told by the events alone, and changed by the actions as a driver executes them.

use redial::policy::{DropReason, Establish, HoldReason, Role};
use redial::subscriptions::Subscriptions;
use redial::{Action, Actions, Disposition, Epoch, Event, Instant, Mode, Phase};

use super::{Pair, PairEvent, Subject, is_live};

/// A transport as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transport {
    pub(super) epoch: Epoch,
    pub(super) mode: Mode,
    pub(super) dialled_at: Instant,
    pub(super) open: bool,
    pub(super) identified: bool,
    pub(super) established: bool,
    /// It was asked to authenticate.
    pub(super) authenticating: bool,
    /// A heartbeat of it is not acknowledged.
    pub(super) beaten: bool,
    /// It has a session of its own.
    pub(super) renewed: bool,
}

/// The transports, and the conditions that the host set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Model {
    pub(super) called_at: Instant,
    /// The clock has never run back or leapt.
    pub(super) steady: bool,
    pub(super) connection: Option<Transport>,
    pub(super) successor: Option<Transport>,
    /// Replaced in this call, and not closed yet.
    pub(super) replaced: Option<Transport>,
    pub(super) draining: Option<(Epoch, Instant)>,
    pub(super) last_epoch: u32,
    /// The newest dial, while the clock has not run backwards since.
    pub(super) dialled_at: Option<Instant>,
    pub(super) credential_asked: bool,
    credential_doubted: bool,
    pub(super) holds: u32,
    pub(super) network_down: bool,
    pub(super) hidden: bool,
    pub(super) promoted: u32,
    pub(super) gap_since: Option<Instant>,
    pub(super) gap_ms: u64,
}

impl Model {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            called_at: now,
            steady: true,
            connection: None,
            successor: None,
            replaced: None,
            draining: None,
            last_epoch: 0,
            dialled_at: None,
            credential_asked: false,
            credential_doubted: false,
            holds: 0,
            network_down: false,
            hidden: false,
            promoted: 0,
            gap_since: None,
            gap_ms: 0,
        }
    }

    pub(super) fn conditions_met(&self) -> bool {
        self.holds == 0 && !self.network_down && !self.hidden && !self.credential_asked
    }

    /// The transport of this epoch that may be told of and spoken to, but for the one that drains.
    fn find(&mut self, epoch: Epoch) -> Option<&mut Transport> {
        [&mut self.connection, &mut self.successor, &mut self.replaced]
            .into_iter()
            .flatten()
            .find(|transport| transport.epoch == epoch)
    }

    /// The transport is gone; its successor is the connection's dial then.
    fn remove(&mut self, epoch: Epoch) -> Option<Transport> {
        let is = |transport: &mut Transport| transport.epoch == epoch;
        if let Some(gone) = self.connection.take_if(is) {
            self.connection = self.successor.take();
            return Some(gone);
        }
        self.successor.take_if(is).or_else(|| self.replaced.take_if(is))
    }
}

impl Pair<'_> {
    /// What the driver and the host know of this call, and do about it.
    pub(super) fn execute(&mut self, before: &Subject<'_>, event: Option<&PairEvent>, actions: &Actions) {
        self.note(before, event, actions.disposition());
        for (at, action) in actions.iter().enumerate() {
            self.obey(before, event, actions, (action, at + 1 == actions.len()));
        }
        if let Some(replaced) = self.model.replaced.take() {
            self.model.draining = Some((replaced.epoch, self.now));
        }
    }

    /// What the driver and the host know from the event alone.
    fn note(&mut self, before: &Subject<'_>, event: Option<&PairEvent>, disposition: Disposition) {
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
            Some(
                Event::Start | Event::RetryNow | Event::Redial | Event::NetworkUp | Event::NetworkChanged,
            ) if applied && matches!(before.phase(), Phase::Idle | Phase::Stopped | Phase::Failed) => {
                model.credential_asked = false;
            }
            Some(Event::Hold(reason)) => model.holds |= bit(*reason),
            Some(Event::Release(reason)) => model.holds &= !bit(*reason),
            Some(Event::NetworkDown) if applied => model.network_down = true,
            Some(Event::HostResumed { counted: false, .. }) => {
                (model.dialled_at, model.steady) = (None, false);
            }
            Some(Event::Hidden) if applied => model.hidden = true,
            Some(Event::Visible) => model.hidden = false,
            Some(
                Event::CredentialOk { .. }
                | Event::CredentialFailed { .. }
                | Event::CredentialNew
                | Event::CredentialLost,
            ) if disposition != Disposition::Stale => model.credential_asked = false,
            Some(Event::Opened { epoch }) if applied => {
                let transport = model.find(*epoch).expect("an opened transport was asked for");
                assert!(!transport.open, "opened twice");
                transport.open = true;
            }
            Some(Event::HeartbeatAcked { epoch }) => {
                if let Some(transport) = model.find(*epoch) {
                    transport.beaten = false;
                }
            }
            Some(Event::Ready { epoch, .. }) if applied => {
                model.find(*epoch).expect("a session comes from a transport").renewed = true;
            }
            Some(Event::AuthOk { epoch }) if applied => {
                model.find(*epoch).expect("an answer comes from a transport").authenticating = false;
            }
            Some(
                Event::Closed { epoch, .. } | Event::OpenFailed { epoch, .. } | Event::NotNow { epoch, .. },
            ) if applied => {
                let drained = model.draining.take_if(|(draining, _)| draining == epoch).is_some();
                let gone = drained || model.remove(*epoch).is_some();
                assert!(gone, "an end that applies is that of a transport");
            }
            _ => {}
        }
        if self.policy.stats().established > before.stats().established {
            let epoch = event.and_then(Event::epoch).expect("a transport is established by its own event");
            model.find(epoch).expect("a living transport is established").established = true;
        }
    }

    /// What the driver does about an action, which may be the last of its call.
    fn obey(
        &mut self,
        before: &Subject<'_>,
        event: Option<&PairEvent>,
        actions: &Actions,
        (action, last): (Action, bool),
    ) {
        match action {
            Action::Open { .. } => {
                let forgets = actions.iter().any(|action| matches!(action, Action::DropSession { .. }));
                self.dial(before, event, (action, last), forgets);
            }
            Action::Promote { epoch } => {
                let model = &mut self.model;
                let old = model.connection.take().expect("a promotion with no connection to replace");
                let new = model.successor.take().expect("a promotion without a successor");
                assert_eq!(new.epoch, epoch, "another transport is promoted");
                assert!(new.open && new.identified, "a transport is promoted that was not identified");
                assert_eq!(model.draining, None, "two connections drain");
                (model.connection, model.replaced) = (Some(new), Some(old));
                model.promoted += 1;
            }
            Action::Close { epoch, code } => self.close(event, epoch, code),
            Action::Identify { epoch } => self.identify(epoch, Mode::Fresh),
            Action::Resume { epoch } => self.identify(epoch, Mode::Resume),
            Action::Heartbeat { epoch } => {
                let drains = self.model.draining.is_some_and(|(draining, _)| draining == epoch);
                if drains {
                    let asked = matches!(event, Some(Event::HeartbeatRequested { .. }));
                    assert!(asked, "a heartbeat on a connection that drains");
                } else {
                    self.open_transport(epoch).beaten = true;
                }
            }
            Action::Authenticate { epoch } => {
                let transport = self.open_transport(epoch);
                assert!(transport.identified, "authentication before identification");
                transport.authenticating = true;
            }
            Action::Restore { epoch, .. } => {
                assert!(self.open_transport(epoch).identified, "subscriptions before identification");
                let connection = self.model.connection.map(|connection| connection.epoch);
                assert_eq!(connection, Some(epoch), "subscriptions go out on the connection alone");
                assert!(self.policy.subscriptions().batch().count() > 0, "an empty batch");
            }
            Action::RefreshCredential { .. } => {
                let model = &mut self.model;
                let awaited = model.credential_asked && !model.credential_doubted;
                assert!(!awaited, "the credential is asked for twice: {event:?}");
                (model.credential_asked, model.credential_doubted) = (true, false);
            }
            Action::DropSession { reason } => self.forget(before, event, reason),
            Action::GaveUp { .. } => {
                assert!(last, "nothing follows the end");
                assert_ne!(before.phase(), Phase::Failed, "S94: given up twice");
                assert_eq!(self.policy.phase(), Phase::Failed);
                assert_eq!(self.model.connection, None, "it gives up a connection that is up");
            }
        }
    }

    fn forget(&mut self, before: &Subject<'_>, event: Option<&PairEvent>, reason: DropReason) {
        assert!(!before.session().is_empty(), "a session is dropped that never was");
        let connection = before.epoch().filter(|_| is_live(before));
        if connection.is_some() && self.policy.epoch() == connection {
            let on_open = self.policy.config().establish() == Establish::OnOpen;
            assert!(on_open, "{event:?} drops the session of a connection that is up: {reason}");
        }
        for transport in [&mut self.model.connection, &mut self.model.successor].into_iter().flatten() {
            if !transport.identified {
                // A resume that was not sent yet becomes a fresh start.
                transport.mode = Mode::Fresh;
            }
        }
    }

    fn close(&mut self, event: Option<&PairEvent>, epoch: Epoch, code: Option<u16>) {
        let stops = matches!(event, Some(Event::Stop { .. }));
        let ends = matches!(event, Some(Event::Stop { keep: false }));
        assert!(ends || !matches!(code, Some(1000 | 1001)), "F70, S54: a close that ends the session");
        let kept = Some(self.policy.config().close_code());
        if self.model.draining.take_if(|(draining, _)| *draining == epoch).is_some() {
            assert_eq!(code, kept, "a connection that drains is closed so that its session goes on");
            return;
        }
        let replaced = self.model.replaced.is_some_and(|replaced| replaced.epoch == epoch);
        let transport = self.model.remove(epoch).expect("S92: nothing to close");
        assert!(!replaced || code == kept, "a replaced connection is closed so that its session goes on");
        assert!(code.is_some() || !transport.open, "an open transport is closed with a code");
        assert!(code.is_none() || transport.open || stops, "a code for a transport that is not open");
    }

    fn dial(
        &mut self,
        before: &Subject<'_>,
        event: Option<&PairEvent>,
        (action, last): (Action, bool),
        forgets: bool,
    ) {
        let Action::Open { epoch, mode, attempt, role, .. } = action else { unreachable!() };
        let model = &mut self.model;
        assert_eq!(model.draining, None, "a dial beside a connection that drains");
        assert_eq!(model.replaced, None, "a dial beside a connection that was replaced");
        assert_eq!(model.successor, None, "S92: a dial beside a successor");
        match role {
            Role::Connection => {
                assert_eq!(model.connection, None, "S92: a dial while another transport lives");
                assert!(before.epoch().is_none(), "a loss never dials in the same call");
                assert!(last, "nothing follows a dial in the same call");
            }
            Role::Successor => {
                assert!(model.connection.is_some(), "a successor of nothing");
                // One that is live before its resume was answered may have to authenticate again.
                let on_open = self.policy.config().establish() == Establish::OnOpen;
                let again = on_open && before.phase() == Phase::Establishing;
                assert!(is_live(before) || again, "a successor of a connection that is not live");
                assert!(before.handover_config().is_some(), "a successor where none is wanted");
                assert!(before.successor().is_none(), "a failure never dials in the same call");
            }
        }
        assert_eq!(epoch.get(), model.last_epoch + 1, "epochs count dials");
        assert!(attempt > 0, "attempts count from 1");
        let met = model.holds == 0 && !model.network_down && !model.hidden;
        assert!(met, "a dial while a condition is unmet");
        assert!(!model.credential_asked, "a dial without the credential it asked for");
        if mode == Mode::Resume && !forgets {
            assert!(self.policy.session().is_resumable(self.limits.needs_sequence), "F58");
        }
        if let Some(earlier) = model.dialled_at {
            let apart = self.now.saturating_duration_since(earlier);
            assert!(apart >= self.limits.min_interval, "two dials {apart:?} apart");
            let by_user = matches!(event, Some(Event::Start | Event::RetryNow | Event::Redial));
            assert!(!apart.is_zero() || by_user || self.now > super::checks::LATE, "two dials in an instant");
        }
        model.dialled_at = Some(self.now);
        model.last_epoch = epoch.get();
        let transport = Transport {
            epoch,
            mode,
            dialled_at: self.now,
            open: false,
            identified: false,
            established: false,
            authenticating: false,
            beaten: false,
            renewed: false,
        };
        *(if role == Role::Successor { &mut model.successor } else { &mut model.connection }) =
            Some(transport);
    }

    fn open_transport(&mut self, epoch: Epoch) -> &mut Transport {
        let transport = self.model.find(epoch).expect("an action for a dead transport");
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
