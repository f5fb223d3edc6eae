//! What the driver and the host know: told by the events alone, and changed by the actions as a driver executes them.

use crate::handover::EventOf;
use crate::mode::Mode;
use crate::policy::{Action, Disposition, DropReason, Epoch, Establish, Event, Phase, Role};
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::call::{Call, promise};
use super::checked::Checkable;
use super::checks::{is_live, is_resumable};
use super::limits::Limits;

/// A transport as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transport {
    pub(super) epoch: Epoch,
    pub(super) mode: Mode,
    pub(super) open: bool,
    pub(super) identified: bool,
    pub(super) established: bool,
    /// Its greeting asked for heartbeats.
    pub(super) heartbeats: bool,
    /// It was asked to authenticate.
    pub(super) authenticating: bool,
    /// A heartbeat of it is not acknowledged.
    pub(super) unanswered: bool,
    /// It has a session of its own.
    pub(super) renewed: bool,
}

/// The transports, and the conditions that the host set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Model {
    /// When the policy was called last.
    pub(super) called_at: Option<Instant>,
    pub(super) connection: Option<Transport>,
    /// With a handover, and when it was dialled.
    pub(super) successor: Option<(Transport, Instant)>,
    /// Replaced in this call, and not closed yet.
    pub(super) replaced: Option<Transport>,
    /// The connection that was replaced and not closed, and since when.
    pub(super) draining: Option<(Epoch, Instant)>,
    /// The number of the newest transport.
    pub(super) last_epoch: u32,
    /// The newest dial, while the clock has not run backwards since.
    pub(super) dialled_at: Option<Instant>,
    pub(super) credential_asked: bool,
    /// It may never be answered: since it was asked for, a timer ran out, or there was a host event or the user's word.
    pub(super) credential_doubted: bool,
    /// A bit for each hold.
    pub(super) holds: u32,
    pub(super) network_down: bool,
    pub(super) hidden: bool,
    /// It gave up, for a limit (true) or for good.
    pub(super) gave_up: Option<bool>,
    pub(super) handovers: Handovers,
}

/// What is counted of handovers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Handovers {
    /// The clock has never run back or jumped ahead.
    pub(super) steady: bool,
    pub(super) promoted: u32,
    pub(super) gap_since: Option<Instant>,
    pub(super) gap_ms: u64,
}

impl Model {
    pub(super) const fn new(last_epoch: u32) -> Self {
        Self {
            called_at: None,
            connection: None,
            successor: None,
            replaced: None,
            draining: None,
            last_epoch,
            dialled_at: None,
            credential_asked: false,
            credential_doubted: false,
            holds: 0,
            network_down: false,
            hidden: false,
            gave_up: None,
            handovers: Handovers { steady: true, promoted: 0, gap_since: None, gap_ms: 0 },
        }
    }

    /// Whether nothing forbids a dial.
    pub(super) const fn conditions_met(&self) -> bool {
        self.holds == 0 && !self.network_down && !self.hidden && !self.credential_asked
    }

    /// The transports that may be told of and spoken to, but for the one that drains.
    pub(super) fn living(&self) -> impl Iterator<Item = &Transport> {
        let successor = self.successor.as_ref().map(|(successor, _)| successor);
        [self.connection.as_ref(), successor, self.replaced.as_ref()].into_iter().flatten()
    }

    fn living_mut(&mut self) -> impl Iterator<Item = &mut Transport> {
        let successor = self.successor.as_mut().map(|(successor, _)| successor);
        [self.connection.as_mut(), successor, self.replaced.as_mut()].into_iter().flatten()
    }

    fn find(&mut self, epoch: Epoch) -> Option<&mut Transport> {
        self.living_mut().find(|transport| transport.epoch == epoch)
    }

    /// The transport is gone; its successor is the connection's dial then.
    fn remove(&mut self, epoch: Epoch) -> Option<Transport> {
        let is = |transport: &mut Transport| transport.epoch == epoch;
        if let Some(gone) = self.connection.take_if(is) {
            self.connection = self.successor.take().map(|(successor, _)| successor);
            return Some(gone);
        }
        let successor = self.successor.take_if(|(successor, _)| successor.epoch == epoch);
        successor.map(|(successor, _)| successor).or_else(|| self.replaced.take_if(is))
    }

    /// What the driver and the host know of this call, and do about it.
    #[track_caller]
    pub(super) fn execute<D: Checkable>(&mut self, call: &Call<'_, D>, limits: &Limits) {
        self.note(call);
        let count = call.actions.len();
        for (at, action) in call.actions.iter().enumerate() {
            self.obey(call, limits, action, at + 1 == count);
        }
        if let Some(replaced) = self.replaced.take() {
            self.draining = Some((replaced.epoch, call.now));
        }
    }

    /// What they know from the event alone.
    #[track_caller]
    fn note<D: Checkable>(&mut self, call: &Call<'_, D>) {
        let disposition = call.actions.disposition();
        let applied = disposition == Disposition::Applied;
        self.note_host(call, applied);
        match call.event {
            Some(
                Event::CredentialOk { .. }
                | Event::CredentialFailed { .. }
                | Event::CredentialNew
                | Event::CredentialLost,
            ) if disposition != Disposition::Stale => {
                (self.credential_asked, self.credential_doubted) = (false, false);
            }
            Some(Event::HeartbeatAcked { epoch }) => {
                if let Some(transport) = self.find(*epoch) {
                    transport.unanswered = false;
                }
            }
            Some(
                Event::Closed { epoch, .. } | Event::OpenFailed { epoch, .. } | Event::NotNow { epoch, .. },
            ) if applied => {
                let drained = self.draining.take_if(|(draining, _)| draining == epoch).is_some();
                let gone = drained || self.remove(*epoch).is_some();
                promise!(
                    call,
                    Ignored,
                    gone,
                    "the end of transport {epoch}, which had ended before, is applied"
                );
            }
            Some(event) if applied => self.note_progress(call, event),
            _ => {}
        }
        if call.after.stats().established > call.before.stats().established {
            let established = call.event.and_then(Event::epoch).and_then(|epoch| self.find(epoch));
            promise!(
                call,
                Counters,
                established.is_some(),
                "a connection counts as established that no event is of"
            );
            if let Some(transport) = established {
                transport.established = true;
            }
        }
    }

    /// An event of a transport that was applied.
    #[track_caller]
    fn note_progress<D: Checkable>(&mut self, call: &Call<'_, D>, event: &EventOf<D>) {
        let Some(transport) = event.epoch().and_then(|epoch| self.find(epoch)) else {
            let needed = matches!(
                event,
                Event::Opened { .. } | Event::Greeting { .. } | Event::Ready { .. } | Event::AuthOk { .. }
            );
            promise!(call, Ignored, !needed, "it applied to a transport that is not alive");
            return;
        };
        match event {
            Event::Opened { epoch } => {
                promise!(call, Ignored, !transport.open, "transport {epoch} opened before, and opens again");
                transport.open = true;
            }
            Event::Greeting { heartbeat: Some(interval), .. } if !interval.is_zero() => {
                transport.heartbeats = true;
            }
            Event::Ready { .. } => transport.renewed = true,
            Event::AuthOk { .. } => transport.authenticating = false,
            _ => {}
        }
    }

    /// An event of the user or the host.
    fn note_host<D: Checkable>(&mut self, call: &Call<'_, D>, applied: bool) {
        self.network_down &= !matches!(call.event, Some(Event::NetworkUp));
        self.credential_doubted |= self.credential_asked
            && applied
            && matches!(
                call.event,
                None | Some(
                    Event::RetryNow
                        | Event::Redial
                        | Event::NetworkUp
                        | Event::NetworkChanged
                        | Event::Visible
                        | Event::HostResumed { .. }
                )
            );
        match call.event {
            // Nobody waits any more for an answer that was asked for before the end.
            Some(
                Event::Start | Event::RetryNow | Event::Redial | Event::NetworkUp | Event::NetworkChanged,
            ) if applied && matches!(call.before.phase(), Phase::Idle | Phase::Stopped | Phase::Failed) => {
                (self.credential_asked, self.credential_doubted) = (false, false);
            }
            Some(Event::Hold(reason)) => self.holds |= reason.bit(),
            Some(Event::Release(reason)) => self.holds &= !reason.bit(),
            // What the config ignores is not tracked.
            Some(Event::NetworkDown) if applied => self.network_down = true,
            // The policy's clock stood still; the host's did not.
            Some(Event::HostResumed { counted: false, .. }) => {
                self.dialled_at = None;
                self.handovers.steady &= call.before.handover_config().is_none();
            }
            Some(Event::Hidden) if applied => self.hidden = true,
            Some(Event::Visible) => self.hidden = false,
            _ => {}
        }
    }

    /// What the driver does about an action, which may be the last of its call.
    #[track_caller]
    fn obey<D: Checkable>(&mut self, call: &Call<'_, D>, limits: &Limits, action: Action, last: bool) {
        match action {
            Action::Open { epoch, mode, attempt, role, .. } => {
                self.dial(call, limits, Dialled { epoch, mode, attempt, role }, last);
            }
            Action::Promote { epoch } => self.promote(call, epoch),
            Action::Close { epoch, code } => self.close(call, epoch, code),
            Action::Identify { epoch } => self.identify(call, epoch, Mode::Fresh),
            Action::Resume { epoch } => self.identify(call, epoch, Mode::Resume),
            Action::Heartbeat { epoch } => {
                let drains = self.draining.is_some_and(|(draining, _)| draining == epoch);
                if drains {
                    let asked = matches!(call.event, Some(Event::HeartbeatRequested { .. }));
                    promise!(call, Handover, asked, "a heartbeat on connection {epoch}, which drains");
                } else {
                    self.open_transport(call, epoch).unanswered = true;
                }
            }
            Action::Authenticate { epoch } => {
                let transport = self.open_transport(call, epoch);
                promise!(call, Order, transport.identified, "authentication comes before identification");
                transport.authenticating = true;
            }
            Action::Restore { epoch, .. } => {
                let transport = self.open_transport(call, epoch);
                promise!(call, Order, transport.identified, "subscriptions go out before identification");
                let connection = self.connection.map(|connection| connection.epoch);
                promise!(
                    call,
                    Handover,
                    connection == Some(epoch),
                    "subscriptions go out on {epoch}, which is not the connection"
                );
                let some = call.after.subscriptions().batch().next().is_some();
                promise!(call, Order, some, "a batch without subscriptions");
            }
            Action::RefreshCredential { .. } => self.ask_credential(call),
            Action::DropSession { reason } => self.forget(call, reason),
            Action::GaveUp { .. } => {
                promise!(call, OneEnd, last, "an action follows the end");
                promise!(call, OneEnd, call.before.phase() != Phase::Failed, "it had given up before");
                let phase = call.after.phase();
                promise!(call, OneEnd, phase == Phase::Failed, "it gave up, and the phase is {phase}");
                let up = self.connection;
                promise!(call, OneEnd, up.is_none(), "it gave up a connection that is up: {up:?}");
            }
        }
    }

    #[track_caller]
    fn dial<D: Checkable>(&mut self, call: &Call<'_, D>, limits: &Limits, dialled: Dialled, last: bool) {
        let Dialled { epoch, mode, attempt, role } = dialled;
        let living = self.living().map(|transport| transport.epoch).find(|living| {
            let connection = self.connection.map(|connection| connection.epoch);
            role == Role::Connection || Some(*living) != connection
        });
        promise!(call, OneTransport, living.is_none(), "a dial of {epoch} while {living:?} lives");
        let draining = self.draining;
        promise!(call, OneTransport, draining.is_none(), "a dial of {epoch} while {draining:?} drains");
        match role {
            Role::Connection => {
                let ended = call.before.epoch();
                promise!(call, Dials, ended.is_none(), "transport {ended:?} ended in this very call");
                promise!(call, Dials, last, "an action follows the dial");
            }
            Role::Successor => self.check_successor(call, epoch),
        }
        let next = self.last_epoch + 1;
        promise!(call, Dials, epoch.get() == next, "transport {epoch} is dialled, and the next is {next}");
        promise!(call, Dials, attempt > 0, "attempts count from 1, and this is number 0");
        let (met, hidden, asked) = (self.conditions_met(), self.hidden, self.credential_asked);
        promise!(
            call,
            Dials,
            met,
            "holds {:#x}, network down {}, hidden {hidden}, credential asked for {asked}",
            self.holds,
            self.network_down
        );
        let forgets = call.before.handover_config().is_some()
            && call.actions.iter().any(|action| matches!(action, Action::DropSession { .. }));
        let resumable = mode == Mode::Fresh || forgets || is_resumable(call.after, limits);
        promise!(call, Session, resumable, "a dial that resumes a session which can't be resumed");
        self.check_distance(call, limits);
        self.dialled_at = Some(call.now);
        self.last_epoch = epoch.get();
        let transport = Transport {
            epoch,
            mode,
            open: false,
            identified: false,
            established: false,
            heartbeats: false,
            authenticating: false,
            unanswered: false,
            renewed: false,
        };
        match role {
            Role::Connection => self.connection = Some(transport),
            Role::Successor => self.successor = Some((transport, call.now)),
        }
    }

    #[track_caller]
    fn check_successor<D: Checkable>(&self, call: &Call<'_, D>, epoch: Epoch) {
        let before = call.before;
        let moves = before.handover_config().is_some();
        promise!(call, Handover, moves, "{epoch} is dialled as a successor, and nothing is handed over");
        promise!(call, Handover, self.connection.is_some(), "{epoch} is dialled as the successor of nothing");
        // One that is live before its resume was answered may have to authenticate again.
        let on_open = call.after.config().establish() == Establish::OnOpen;
        let again = on_open && before.phase() == Phase::Establishing;
        let live = is_live(before) || again;
        promise!(call, Handover, live, "{epoch} is to replace a connection that is not live");
        let failed = before.successor();
        promise!(call, Dials, failed.is_none(), "successor {failed:?} failed in this very call");
    }

    /// How far apart two dials are.
    #[track_caller]
    fn check_distance<D: Checkable>(&self, call: &Call<'_, D>, limits: &Limits) {
        let Some(earlier) = self.dialled_at else { return };
        let apart = call.now.saturating_duration_since(earlier);
        promise!(call, Dials, apart >= limits.min_interval, "two dials are {apart:?} apart");
        let by_user = matches!(call.event, Some(Event::Start | Event::RetryNow | Event::Redial));
        let spaced = !apart.is_zero() || by_user || call.now > Instant::END;
        promise!(call, Dials, spaced, "two dials in one instant that the user did not ask for");
    }

    #[track_caller]
    fn promote<D: Checkable>(&mut self, call: &Call<'_, D>, epoch: Epoch) {
        let (Some(old), Some((new, _))) = (self.connection, self.successor.take()) else {
            call.broken(
                super::call::Promise::Handover,
                format_args!("{epoch} is promoted without a successor or without a connection"),
            )
        };
        promise!(
            call,
            Handover,
            new.epoch == epoch,
            "{epoch} is promoted, and the successor is {}",
            new.epoch
        );
        let ready = new.open && new.identified;
        promise!(call, Handover, ready, "{epoch} is promoted before it was identified");
        let draining = self.draining;
        promise!(
            call,
            OneTransport,
            draining.is_none(),
            "{draining:?} drains, and now {} as well",
            old.epoch
        );
        (self.connection, self.replaced) = (Some(new), Some(old));
        self.handovers.promoted += 1;
    }

    #[track_caller]
    fn close<D: Checkable>(&mut self, call: &Call<'_, D>, epoch: Epoch, code: Option<u16>) {
        let stops = matches!(call.event, Some(Event::Stop { .. }));
        let ends = matches!(call.event, Some(Event::Stop { keep: false }));
        let keeps = ends || !matches!(code, Some(1000 | 1001));
        promise!(call, Session, keeps, "the code {code:?} ends the session, and nobody stopped");
        let kept = Some(call.after.config().close_code());
        if self.draining.take_if(|(draining, _)| *draining == epoch).is_some() {
            promise!(
                call,
                Handover,
                code == kept,
                "connection {epoch}, which drained, is closed with {code:?}"
            );
            return;
        }
        let replaced = self.replaced.is_some_and(|replaced| replaced.epoch == epoch);
        let Some(transport) = self.remove(epoch) else {
            call.broken(
                super::call::Promise::OneTransport,
                format_args!("transport {epoch} is closed, and does not live"),
            )
        };
        let goes_on = !replaced || code == kept;
        promise!(call, Handover, goes_on, "connection {epoch}, which was replaced, is closed with {code:?}");
        // A transport that the user stops may have opened by now.
        let fits = if code.is_some() { transport.open || stops } else { !transport.open };
        promise!(call, Order, fits, "transport {epoch} is closed with {code:?}; open: {}", transport.open);
    }

    #[track_caller]
    fn ask_credential<D: Checkable>(&mut self, call: &Call<'_, D>) {
        let phase = call.after.phase();
        let apt = matches!(phase, Phase::Parked | Phase::Online | Phase::Restoring);
        // A successor may ask for one, too, and the phase is that of the connection.
        let apt = apt || call.before.handover_config().is_some();
        promise!(call, Order, apt, "a credential is asked for in the phase {phase}");
        let awaited = self.credential_asked && !self.credential_doubted;
        promise!(call, Order, !awaited, "a credential is asked for twice");
        (self.credential_asked, self.credential_doubted) = (true, false);
    }

    #[track_caller]
    fn forget<D: Checkable>(&mut self, call: &Call<'_, D>, reason: DropReason) {
        // A successor may have one of its own, which is not seen until its promotion.
        let had = call.before.session().is_some_and(|session| !session.is_empty())
            || call.before.successor().is_some();
        promise!(call, Session, had, "a session is dropped ({reason}) that never was");
        if call.before.handover_config().is_none() {
            if let (DropReason::Expired, Some(transport)) = (reason, &mut self.connection) {
                // A resume that was not sent yet becomes a fresh start.
                transport.mode = Mode::Fresh;
            }
            return;
        }
        let connection = call.before.epoch().filter(|_| is_live(call.before));
        let stays = connection.is_some() && call.after.epoch() == connection;
        let on_open = call.after.config().establish() == Establish::OnOpen;
        promise!(call, Handover, !stays || on_open, "the session of a live connection is dropped: {reason}");
        for transport in self.living_mut().filter(|transport| !transport.identified) {
            transport.mode = Mode::Fresh;
        }
    }

    #[track_caller]
    fn identify<D: Checkable>(&mut self, call: &Call<'_, D>, epoch: Epoch, mode: Mode) {
        let transport = self.open_transport(call, epoch);
        promise!(call, Order, !transport.identified, "transport {epoch} is identified twice");
        let dialled = transport.mode;
        promise!(call, Session, dialled == mode, "dialled to {dialled}, and identified to {mode}");
        transport.identified = true;
    }

    #[track_caller]
    fn open_transport<D: Checkable>(&mut self, call: &Call<'_, D>, epoch: Epoch) -> &mut Transport {
        match self.find(epoch) {
            Some(transport) if transport.open => transport,
            found => call.broken(
                super::call::Promise::Order,
                format_args!("something is sent on transport {epoch}, which is not open: {found:?}"),
            ),
        }
    }
}

/// An `Action::Open`.
struct Dialled {
    epoch: Epoch,
    mode: Mode,
    attempt: u32,
    role: Role,
}
