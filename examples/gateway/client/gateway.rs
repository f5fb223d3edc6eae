//! The gateway's protocol: what is said, what is heard, and what is shown of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use redial::driver::{Dial, HandleFor, Notice, Runtime, Tokio};
use redial::policy::{Endpoint, RetryAfter, Role};
use redial::websocket::{Connection, Decoded, Frame, Protocol, Ready, Report, Url};
use redial::{Action, Cause, Disposition, Epoch, Event, Instant, Phase};

use super::decode::{self, Message, decode};
use super::observed::Observed;
use super::requests::Requests;
use crate::protocol;
use crate::report::client_event::ClientEvent;
use crate::report::recorder::Recorder;
use crate::report::view::View;

/// The longest session id and resume URL that are kept, in bytes. They are kept as long as the session, sent with each
/// resume and shown with each dial.
const MAX_ID: usize = 1 << 10;

/// How far a sequence number may lie above the newest of its session. They count the events of a session one by one,
/// and a resume replays those that were missed, so a larger step is a fault of the server. To believe it would make all
/// numbers up to it old, and their events duplicates.
const MAX_STEP: u64 = 1 << 16;

/// A gateway client without any reconnection logic.
pub(crate) struct Gateway {
    token: String,
    /// The driver's own clock.
    clock: Tokio,
    view: Arc<View>,
    /// The judge of the show.
    recorder: Option<Recorder>,
    handle: OnceLock<HandleFor<Observed>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    newest: u32,
    /// Where the newest dial goes, and whether it is to replace a connection that is up.
    target: Target,
    /// The connection that the newest heartbeat is for.
    beating: u32,
    /// The newest sequence number of the session, as the policy has it.
    sequence: Option<u64>,
    /// The wait that the policy announced last, if it is still waiting.
    wait: Option<Instant>,
    /// What the policy says no dial may come before.
    not_before: Option<Instant>,
    requests: Requests,
    /// What the last failed dial said for itself, for people.
    detail: Option<String>,
}

/// What [`Dial`] does not say of a dial.
#[derive(Clone, Copy)]
struct Target {
    endpoint: Endpoint,
    successor: bool,
}

impl Default for Target {
    fn default() -> Self {
        Self { endpoint: Endpoint::Base, successor: false }
    }
}

/// What the gateway says to the application.
pub(crate) enum Incoming {
    Dispatch {
        /// The connection that it came on, which whoever decodes it does not know.
        epoch: u32,
        seq: Option<u64>,
        name: String,
        /// The number that the show's events carry.
        n: Option<u64>,
    },
    Answer {
        epoch: u32,
        nonce: u64,
    },
}

impl Incoming {
    /// Notes the connection that it came on.
    const fn came_on(&mut self, on: Epoch) {
        match self {
            Self::Dispatch { epoch, .. } | Self::Answer { epoch, .. } => *epoch = on.get(),
        }
    }
}

impl Gateway {
    pub(super) fn new(token: String, clock: Tokio, view: Arc<View>, recorder: Option<Recorder>) -> Self {
        Self { token, clock, view, recorder, handle: OnceLock::new(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that the policy does not decide, as it happens.
    fn show(&self, epoch: u32, event: &ClientEvent) {
        self.view.show(self.clock.now(), epoch, event);
    }

    pub(super) fn newest(&self) -> u32 {
        self.state().newest
    }

    /// What the policy says no dial may come before, by the clock of the system.
    pub(super) fn not_before(&self) -> Option<tokio::time::Instant> {
        let at = self.state().not_before?;
        Some(tokio::time::Instant::now() + at.saturating_duration_since(self.clock.now()))
    }

    pub(super) fn dialling(&self, dial: &Dial<String>, url: &Url) {
        let Target { endpoint, successor } = self.state().target;
        let endpoint = match endpoint {
            Endpoint::Base => "base",
            Endpoint::Session => "session",
            Endpoint::Redirect => "redirect",
        };
        let (mode, attempt, url) = (dial.mode, dial.attempt, url.as_str().to_owned());
        self.show(dial.epoch.get(), &ClientEvent::Open { mode, endpoint, url, attempt, successor });
    }

    /// Hands an event to the application.
    pub(super) fn deliver(&self, incoming: Incoming) {
        match incoming {
            Incoming::Dispatch { epoch, seq, name, n } => {
                if let (Some(recorder), Some(n)) = (&self.recorder, n) {
                    recorder.delivered(n);
                }
                self.show(epoch, &ClientEvent::Dispatch { seq, name });
            }
            Incoming::Answer { epoch, nonce } => {
                if let Some(recorder) = &self.recorder {
                    recorder.answered(nonce);
                }
                self.show(epoch, &ClientEvent::Answer { nonce });
            }
        }
    }

    /// A message came on this connection.
    pub(super) fn came_on(&self, incoming: &mut Incoming, epoch: Epoch) {
        incoming.came_on(epoch);
        if let Incoming::Answer { .. } = incoming {
            self.request_ends(epoch);
        }
    }

    /// A request is about to be written on this connection.
    pub(super) fn request_begins(&self, epoch: Epoch) {
        self.state().requests.begin(epoch);
        self.show(epoch.get(), &ClientEvent::Request);
    }

    /// It is answered, or was not written.
    pub(super) fn request_ends(&self, epoch: Epoch) {
        let drained = self.state().requests.end(epoch);
        self.drained(drained);
    }

    /// Says so, if nothing is under way any more on the connection that was replaced.
    fn drained(&self, drained: bool) {
        if let (true, Some(handle)) = (drained, self.handle.get()) {
            handle.drained();
        }
    }

    /// The way to the driver, which is made after this.
    pub(super) fn steer_with(&self, handle: HandleFor<Observed>) {
        let _first = self.handle.get_or_init(|| handle);
    }

    /// What a dispatch means. A number that can't be right is reported and counts as none: the event is delivered, the
    /// numbers before and after it go on to count, and a resume does not start from it.
    fn dispatch(
        &self,
        s: Result<Option<u64>, String>,
        event: decode::Event,
    ) -> Vec<Decoded<Infallible, Incoming>> {
        let mut decoded = Vec::new();
        let newest = self.state().sequence;
        let seq = match (s, newest) {
            (Ok(Some(n)), Some(newest)) if n.saturating_sub(newest) > MAX_STEP => {
                decoded.push(Decoded::Invalid(format!("no sequence number: {n}, far above {newest}")));
                None
            }
            (Ok(n), _) => n,
            (Err(detail), _) => {
                decoded.push(Decoded::Invalid(detail));
                None
            }
        };
        let message = match event {
            decode::Event::Ready { session_id, resume_url } => {
                let token = kept("session_id", session_id, &mut decoded);
                let endpoint = kept("resume_gateway_url", resume_url, &mut decoded);
                Decoded::Ready(Ready { token, endpoint, sequence: seq, ttl: None })
            }
            decode::Event::Resumed => Decoded::Resumed { sequence: seq },
            decode::Event::Other { name, n } => {
                let message = Incoming::Dispatch { epoch: 0, seq, name, n };
                match seq {
                    Some(sequence) => Decoded::Sequenced { sequence, message },
                    // Without a number it is never replayed.
                    None => Decoded::Message(message),
                }
            }
        };
        decoded.push(message);
        decoded
    }

    fn event(&self, at: Instant, event: &Event<String>, disposition: Disposition) {
        let epoch = event.epoch().map_or_else(|| self.newest(), Epoch::get);
        let stale = disposition == Disposition::Stale;
        let applied = disposition == Disposition::Applied;
        let shown = match event {
            Event::Sequence { sequence, .. } if stale => {
                let seq = Some(*sequence);
                return self.view.show(at, epoch, &ClientEvent::Ignored { stale, event: "dispatch", seq });
            }
            Event::Sequence { sequence, .. } => {
                if applied {
                    self.state().sequence = Some(*sequence);
                }
                return;
            }
            // A sign of life, and no more; where there was more to say, it is said.
            Event::Start | Event::Received { .. } => return,
            Event::Stop { .. } => ClientEvent::Stop,
            Event::Opened { .. } => ClientEvent::Opened,
            Event::OpenFailed { cause, retry_after, .. } => {
                let detail = self.state().detail.take();
                let retry_after = retry_after.map(RetryAfter::duration);
                ClientEvent::OpenFailed { cause: *cause, retry_after, detail }
            }
            Event::Closed { cause, .. } => ClientEvent::Closed { cause: *cause },
            Event::SendFailed { .. } => ClientEvent::SendFailed,
            Event::Greeting { heartbeat, .. } => ClientEvent::Greeting { heartbeat: *heartbeat },
            Event::Ready { endpoint, sequence, .. } => {
                if applied {
                    self.state().sequence = *sequence;
                }
                ClientEvent::Ready { seq: *sequence, endpoint: endpoint.clone() }
            }
            Event::Resumed { .. } => ClientEvent::Resumed,
            Event::ReconnectRequested { deadline, .. } => {
                ClientEvent::ReconnectRequested { deadline: *deadline }
            }
            Event::Redirected { endpoint, .. } => ClientEvent::Redirected { endpoint: endpoint.clone() },
            Event::Drained { .. } => ClientEvent::Drained,
            Event::SessionInvalid { resumable, .. } => ClientEvent::SessionInvalid { resumable: *resumable },
            Event::HeartbeatAcked { .. } => ClientEvent::BeatAck,
            Event::HeartbeatRequested { .. } => ClientEvent::HeartbeatRequested,
            // Nothing else is ever told to this driver.
            _ => return,
        };
        let shown = match disposition {
            Disposition::Stale => ClientEvent::Ignored { stale, event: shown.name(), seq: None },
            // An acknowledgement that nobody waits for is still one.
            Disposition::Inapplicable if !matches!(shown, ClientEvent::BeatAck) => {
                ClientEvent::Ignored { stale, event: shown.name(), seq: None }
            }
            _ => shown,
        };
        self.view.show(at, epoch, &shown);
    }

    fn action(&self, notice: &Notice<'_, String, Infallible>, action: Action) {
        let (epoch, shown) = match action {
            // Shown when it is dialled.
            Action::Open { epoch, endpoint, role, .. } => {
                let mut state = self.state();
                state.newest = epoch.get();
                state.target = Target { endpoint, successor: role == Role::Successor };
                return;
            }
            Action::Promote { epoch } => (epoch.get(), ClientEvent::Promoted),
            // The connect timeout is the end of a dial like any other; there is nothing to close yet.
            Action::Close { epoch, code: None } if notice.event.is_none() => {
                let cause = notice.explanation().last_cause.unwrap_or(Cause::ConnectTimeout);
                (epoch.get(), ClientEvent::OpenFailed { cause, retry_after: None, detail: None })
            }
            Action::Close { epoch, code } => {
                let now = notice.explanation();
                // One that is closed while there is another was replaced.
                let replaced = is_live(now.phase) && now.epoch != Some(epoch) && now.successor.is_none();
                let cause = now.last_cause.filter(|_| now.phase != Phase::Stopped && !replaced);
                (epoch.get(), ClientEvent::Close { code, cause })
            }
            Action::DropSession { reason } => {
                self.state().sequence = None;
                (self.newest(), ClientEvent::DropSession { reason })
            }
            Action::GaveUp { reason, cause } => (self.newest(), ClientEvent::GaveUp { reason, cause }),
            Action::RefreshCredential { .. } => (self.newest(), ClientEvent::RefreshCredential),
            // Shown when it is sent.
            Action::Heartbeat { epoch } => {
                self.state().beating = epoch.get();
                return;
            }
            Action::Identify { .. } | Action::Resume { .. } => return,
            Action::Authenticate { .. } | Action::Restore { .. } => return,
        };
        self.view.show(notice.at, epoch, &shown);
    }

    /// What is being waited for, where that is new.
    fn waits(&self, notice: &Notice<'_, String, Infallible>) {
        let now = notice.explanation();
        let why = now.waiting_for.map_or("", |reason| reason.as_str());
        let opens = notice.actions.iter().any(|action| matches!(action, Action::Open { .. }));
        let mut state = self.state();
        let epoch = state.newest;
        let shown = match now.phase {
            Phase::Waiting => {
                state.not_before = now.until;
                let new = now.until.filter(|_| state.wait != now.until);
                state.wait = now.until;
                let (mode, attempt, cause) = (now.mode, now.attempt.saturating_add(1), now.last_cause);
                new.map(|until| ClientEvent::Wait { until, why, mode, attempt, cause })
            }
            phase => {
                state.wait = None;
                // The dial that ends a wait begins after this.
                if !opens {
                    state.not_before = None;
                }
                (phase == Phase::Parked).then_some(ClientEvent::Parked { why })
            }
        };
        drop(state);
        if let Some(shown) = shown {
            self.view.show(notice.at, epoch, &shown);
        }
    }
}

impl Protocol for Gateway {
    type Key = Infallible;
    type Outgoing = Infallible;
    type Incoming = Incoming;

    fn subscribe(&self, key: &Infallible) -> Frame {
        match *key {}
    }

    fn encode(&self, message: &Infallible) -> Frame {
        match *message {}
    }

    fn identify(&self, connection: &mut Connection<'_>) {
        self.show(connection.epoch().get(), &ClientEvent::Identify);
        connection.send(protocol::Frame::Identify { token: self.token.clone() }.encode());
    }

    fn resume(&self, session_id: &str, seq: Option<u64>, connection: &mut Connection<'_>) {
        self.show(connection.epoch().get(), &ClientEvent::Resume { seq });
        let (token, session_id) = (self.token.clone(), session_id.to_owned());
        let frame = protocol::Frame::Resume { token, session_id, seq: seq.unwrap_or(0) };
        connection.send(frame.encode());
    }

    fn heartbeat(&self, seq: Option<u64>) -> Option<Frame> {
        let epoch = self.state().beating;
        self.show(epoch, &ClientEvent::Heartbeat { seq });
        Some(protocol::Frame::Heartbeat { seq }.encode().into())
    }

    fn decode(&self, frame: Frame) -> Decoded<Infallible, Incoming> {
        let Some(text) = frame.as_text() else {
            return Decoded::Invalid(format!("a binary message of {} bytes", frame.len()));
        };
        match decode(text) {
            Ok(Message::Hello { heartbeat }) => Decoded::Greeting { heartbeat },
            Ok(Message::HeartbeatAcked) => Decoded::HeartbeatAcked,
            Ok(Message::HeartbeatRequested) => Decoded::HeartbeatRequested,
            Ok(Message::Answer { nonce }) => Decoded::Message(Incoming::Answer { epoch: 0, nonce }),
            Ok(Message::Reconnect { deadline, url }) => {
                let mut decoded = Vec::new();
                let endpoint = kept("reconnect_url", url, &mut decoded);
                decoded.extend(endpoint.map(|endpoint| Decoded::Redirected { endpoint, permanent: false }));
                decoded.push(Decoded::ReconnectRequested { retry_after: None, deadline });
                Decoded::Many(decoded)
            }
            Ok(Message::InvalidSession { resumable }) => Decoded::SessionInvalid { resumable },
            Ok(Message::Dispatch { s, event }) => Decoded::Many(self.dispatch(s, event)),
            Err(detail) => Decoded::Invalid(detail),
        }
    }

    fn observe(&self, notice: &Notice<'_, String, Infallible>) {
        if let Some(event) = notice.event {
            self.event(notice.at, event, notice.actions.disposition());
        }
        for action in notice.actions.iter() {
            self.action(notice, action);
        }
        self.waits(notice);
        let now = notice.explanation();
        if let Some(recorder) = &self.recorder {
            recorder.live(is_live(now.phase));
        }
        if let Some(epoch) = now.epoch.filter(|_| is_live(now.phase)) {
            let drained = self.state().requests.moved_to(epoch);
            self.drained(drained);
        }
    }

    fn report(&self, epoch: Epoch, report: Report<'_>) {
        let detail = match report {
            // The status says it all.
            Report::DialFailed(failure) if matches!(failure.cause, Cause::Http(_)) => return,
            Report::DialFailed(failure) => {
                self.state().detail = Some(failure.detail.clone());
                return;
            }
            Report::Duplicate(sequence) => {
                let (stale, seq) = (false, Some(sequence));
                return self.show(epoch.get(), &ClientEvent::Ignored { stale, event: "dispatch", seq });
            }
            Report::Lost(failure) if failure.cause != Cause::NoCloseFrame => failure.detail.clone(),
            Report::Invalid(detail) => detail.to_owned(),
            Report::Untrusted { .. } | Report::BadEndpoint(_) => format!("a URL of the server's: {report}"),
            _ => return,
        };
        self.show(epoch.get(), &ClientEvent::BadFrame { detail });
    }
}

/// Whether there is a connection that is ready.
const fn is_live(phase: Phase) -> bool {
    matches!(phase, Phase::Restoring | Phase::Online)
}

/// A name that the server gives, if it is short enough to be kept. Without its id a session can't be resumed.
fn kept(
    what: &str,
    name: Option<String>,
    decoded: &mut Vec<Decoded<Infallible, Incoming>>,
) -> Option<String> {
    let name = name?;
    if name.len() <= MAX_ID {
        return Some(name);
    }
    decoded.push(Decoded::Invalid(format!("{what} of {} bytes: too long to be kept", name.len())));
    None
}
