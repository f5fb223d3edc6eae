//! What the tasks of one server share: the one session, the fault that is on, and who is connected.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::plan::{Order, Plan, RETRY_AFTER, Welcome};
use crate::report::recorder::Recorder;
use crate::report::server_event::{By, Endpoint, How, Offence, ServerEvent};
use crate::server::{Config, Moving};

/// Events kept for a resume.
const MAX_REPLAY: usize = 4096;
/// Session ids remembered after their end.
const MAX_DEAD: usize = 64;

/// Where the server can be reached, without the query.
#[derive(Debug, Default)]
pub(crate) struct Urls {
    pub(crate) base: String,
    pub(crate) resume: String,
    /// Where a client is sent that is to move.
    pub(crate) moved: String,
}

/// What all tasks of one server share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) recorder: Recorder,
    pub(crate) urls: Urls,
    /// Counts up whenever a connection may have something to do.
    pub(crate) ticks: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    sessions_made: u64,
    dead: VecDeque<String>,
    /// Not carried out yet: what the fault does to the connection that is up.
    order: Option<Order>,
    /// The connection that is up is dropped when the next one is accepted.
    strikes_on_dial: bool,
    /// When that connection is cut, or was.
    cut_at: Option<Instant>,
    /// The fault is not over before this.
    lasts_until: Option<Instant>,
    /// No event is generated any more.
    silent: bool,
    welcome: Welcome,
    /// How many more connections get that welcome.
    spoilt: u32,
    /// No dial may come before this: the last `Retry-After`.
    not_before: Option<Instant>,
    online: Option<Online>,
    conns: u64,
    open: BTreeMap<u64, mpsc::UnboundedSender<oneshot::Sender<()>>>,
}

/// The one session. A client that identifies again ends the one before.
struct Session {
    id: String,
    /// The connection that it is delivered to.
    attached: Option<u64>,
    /// The connection that is resuming it: it gets what was missed, and the session with its RESUMED. Until then the session
    /// stays where it is.
    claimed: Option<u64>,
    /// The connection that had it before, where that goes on to get every event.
    beside: Option<u64>,
    /// The newest sequence number.
    s: u64,
    /// `(s, n)` of the newest events. A READY or RESUMED has a number, too, and is never replayed.
    replay: VecDeque<(u64, u64)>,
    /// The newest number that the buffer has no place for any more.
    forgotten: u64,
}

/// The connection whose health is watched.
struct Online {
    conn: u64,
    since: Duration,
    how: How,
    sent: u32,
    beats: u32,
}

/// The answer to a resume.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// Go on after the client's sequence number.
    Granted,
    /// op 9 with `false`.
    Unknown,
    /// More than was ever sent: 4007.
    SequenceAhead,
}

impl Shared {
    pub(crate) fn new(config: Config, urls: Urls) -> Self {
        let (ticks, _) = watch::channel(0);
        Self { config, recorder: Recorder::new(), urls, ticks, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault is on. The client is not healthy before it has come back.
    pub(crate) fn begin(&self, plan: &Plan) {
        let mut state = self.state();
        state.online = None;
        state.order = Some(plan.order);
        (state.strikes_on_dial, state.cut_at) = (plan.strikes_on_dial, None);
        state.lasts_until = Some(Instant::now() + plan.lasts);
        (state.welcome, state.spoilt) = (plan.welcome, plan.times);
        drop(state);
        self.wake_all();
    }

    pub(crate) fn fall_silent(&self) {
        self.state().silent = true;
    }

    pub(crate) fn is_online(&self) -> bool {
        self.state().online.is_some()
    }

    /// The fault has struck, and no socket is open.
    pub(crate) fn is_deserted(&self) -> bool {
        let state = self.state();
        state.order.is_none() && state.open.is_empty()
    }

    pub(crate) fn wake_all(&self) {
        self.ticks.send_modify(|tick| *tick = tick.wrapping_add(1));
    }

    /// The next event, if there is a session.
    pub(crate) fn generate(&self) {
        let mut state = self.state();
        if state.silent {
            return;
        }
        let Some(session) = &mut state.session else { return };
        if session.replay.len() >= MAX_REPLAY {
            session.forgotten = session.replay.pop_front().map_or(session.forgotten, |(s, _)| s);
        }
        session.s += 1;
        session.replay.push_back((session.s, self.recorder.generated()));
    }

    /// The client is calm since its return, and the fault has done all that it is to do.
    pub(crate) fn recovered(&self) -> Option<(Duration, How)> {
        let state = self.state();
        let online = state.online.as_ref().filter(|_| state.spoilt == 0 && state.order.is_none())?;
        if state.lasts_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let calm = self.recorder.now().saturating_sub(online.since) >= self.config.calm
            && online.sent >= self.config.calm_events
            && online.beats >= self.config.calm_beats;
        calm.then_some((online.since, online.how))
    }

    /// Waits until the earlier connections have read what their peers had sent by now, which includes their going
    /// away: only what is open after that is open at the same time as `conn`. Answers how many are, `conn` included.
    pub(crate) async fn settle(&self, conn: u64) -> usize {
        let answers: Vec<_> = {
            let state = self.state();
            let earlier = state.open.range(..conn);
            earlier
                .filter_map(|(_, probe)| {
                    let (ask, answer) = oneshot::channel();
                    probe.send(ask).is_ok().then_some(answer)
                })
                .collect()
        };
        for answer in answers {
            // An answer, a socket that is gone (an error) and one that is stuck in a write (late) are all fine.
            drop(timeout(Duration::from_millis(250), answer).await);
        }
        self.state().open.range(..conn).count() + 1
    }

    /// Takes the order that waits, if there is one for the connection that has the session.
    pub(crate) fn take_order(&self, conn: u64) -> Option<Order> {
        let mut state = self.state();
        if state.attached() == Some(conn) { state.order.take() } else { None }
    }

    /// The events after `cursor`. `None`: the session is no longer this connection's.
    pub(crate) fn events_after(&self, conn: u64, cursor: u64) -> Option<Vec<(u64, u64)>> {
        let state = self.state();
        let session = state.session.as_ref()?;
        let attached =
            session.attached.filter(|_| session.claimed.is_none() || self.config.moving != Moving::AtResume);
        if ![attached, session.claimed, session.beside].contains(&Some(conn)) {
            return None;
        }
        let from = session.replay.partition_point(|(s, _)| *s <= cursor);
        Some(session.replay.range(from..).copied().collect())
    }

    /// A new session, delivered to `conn`; the one before ends. Answers its id; READY has sequence number 1.
    pub(crate) fn identify(&self, conn: u64) -> String {
        let mut state = self.state();
        state.end_session(&self.recorder);
        state.sessions_made += 1;
        let id = format!("session-{}", state.sessions_made);
        state.session = Some(Session {
            id: id.clone(),
            attached: Some(conn),
            claimed: None,
            beside: None,
            s: 1,
            replay: VecDeque::new(),
            forgotten: 0,
        });
        self.recorder.served(true);
        self.recorder.session_begins();
        id
    }

    /// The session is to go to `conn`, if it may.
    pub(crate) fn resume(&self, conn: u64, id: &str, seq: u64) -> Resumption {
        let mut state = self.state();
        if state.dead.iter().any(|dead| dead == id) {
            drop(state);
            self.recorder.record(ServerEvent::Offence { conn, offence: Offence::DeadSession });
            return Resumption::Unknown;
        }
        let Some(session) = state.session.as_mut().filter(|session| session.id == id) else {
            return Resumption::Unknown;
        };
        if seq > session.s {
            let offence = Offence::SequenceAhead { seq, sent: session.s };
            drop(state);
            self.recorder.record(ServerEvent::Offence { conn, offence });
            return Resumption::SequenceAhead;
        }
        if seq < session.forgotten {
            // Away for longer than the server remembers.
            state.end_session(&self.recorder);
            return Resumption::Unknown;
        }
        session.claimed = Some(conn);
        Resumption::Granted
    }

    /// The sequence number for a RESUMED, when everything up to now has been replayed. The session is `conn`'s from here on.
    pub(crate) fn number_resumed(&self, conn: u64, cursor: u64) -> Option<u64> {
        let mut state = self.state();
        let session = state.session.as_mut().filter(|session| session.claimed == Some(conn))?;
        if session.replay.back().is_some_and(|(s, _)| *s > cursor) {
            return None;
        }
        session.s += 1;
        session.beside = session.attached.filter(|_| self.config.moving == Moving::Never);
        (session.attached, session.claimed) = (Some(conn), None);
        self.recorder.served(true);
        Some(session.s)
    }

    /// A warning is out: the connection is cut at that time.
    pub(crate) fn will_cut(&self, at: Instant) {
        self.state().cut_at = Some(at);
    }

    /// The time of the cut of the connection that is up, or that was; now, where there is none.
    pub(crate) fn cut_at(&self) -> Instant {
        self.state().cut_at.unwrap_or_else(Instant::now)
    }

    /// READY or RESUMED is out.
    pub(crate) fn online(&self, conn: u64, how: How) {
        let since = self.recorder.now();
        self.state().online = Some(Online { conn, since, how, sent: 0, beats: 0 });
    }

    pub(crate) fn note_sent(&self, conn: u64) {
        if let Some(online) = self.state().online.as_mut().filter(|online| online.conn == conn) {
            online.sent = online.sent.saturating_add(1);
        }
    }

    pub(crate) fn note_beat(&self, conn: u64) {
        if let Some(online) = self.state().online.as_mut().filter(|online| online.conn == conn) {
            online.beats = online.beats.saturating_add(1);
        }
    }

    /// The session is no longer delivered to `conn`, and is kept.
    pub(crate) fn detach(&self, conn: u64) {
        self.state().detach(conn, &self.recorder);
    }

    pub(crate) fn end_session(&self) {
        self.state().end_session(&self.recorder);
    }

    /// Rule 8: a client that closes with 1000 or 1001 ends the session that it has on this connection.
    pub(crate) fn client_closed(&self, conn: u64, code: Option<u16>) {
        let mut state = self.state();
        if matches!(code, Some(1000 | 1001)) && state.attached() == Some(conn) {
            state.end_session(&self.recorder);
        }
    }

    pub(crate) fn told_to_wait(&self) {
        self.state().not_before = Some(Instant::now() + RETRY_AFTER);
    }
}

impl State {
    fn attached(&self) -> Option<u64> {
        self.session.as_ref().and_then(|session| session.attached)
    }

    fn detach(&mut self, conn: u64, recorder: &Recorder) {
        if let Some(session) = &mut self.session {
            if session.attached.take_if(|attached| *attached == conn).is_some() {
                recorder.served(false);
            }
            session.claimed.take_if(|claimed| *claimed == conn);
            session.beside.take_if(|beside| *beside == conn);
        }
        self.online.take_if(|online| online.conn == conn);
    }

    fn end_session(&mut self, recorder: &Recorder) {
        if let Some(session) = self.session.take() {
            if self.dead.len() >= MAX_DEAD {
                self.dead.pop_front();
            }
            self.dead.push_back(session.id);
            self.online = None;
            if session.attached.is_some() {
                recorder.served(false);
            }
            recorder.record(ServerEvent::SessionEnded);
        }
    }
}

/// Asks a connection to read all that its peer has sent, and then to answer.
pub(crate) type Probes = mpsc::UnboundedReceiver<oneshot::Sender<()>>;

/// A place among the open sockets. Dropped, the socket counts as closed.
pub(crate) struct Seat {
    pub(crate) shared: Arc<Shared>,
    pub(crate) conn: u64,
    pub(crate) endpoint: Endpoint,
    /// Who closed, and how; the first to say it is right.
    pub(crate) ending: Option<(By, Option<u16>)>,
}

impl Seat {
    pub(crate) fn take(shared: &Arc<Shared>, endpoint: Endpoint) -> (Self, Probes, Welcome) {
        let (probe, probes) = mpsc::unbounded_channel();
        let mut state = shared.state();
        state.conns += 1;
        let conn = state.conns;
        state.open.insert(conn, probe);
        if state.strikes_on_dial && state.order.is_none() {
            state.strikes_on_dial = false;
            (state.order, state.cut_at) = (Some(Order::Drop), Some(Instant::now()));
            shared.wake_all();
        }
        let welcome = if state.spoilt > 0 { state.welcome } else { Welcome::Normal };
        state.spoilt = state.spoilt.saturating_sub(1);
        let early = state.not_before.take().map(|at| at.saturating_duration_since(Instant::now()));
        drop(state);
        if let Some(by) = early.filter(|by| !by.is_zero()) {
            shared.recorder.record(ServerEvent::Offence { conn, offence: Offence::TooEarly { by } });
        }
        (Self { shared: Arc::clone(shared), conn, endpoint, ending: None }, probes, welcome)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let (by, code) = self.ending.unwrap_or((By::Client, None));
        let mut state = self.shared.state();
        state.detach(self.conn, &self.shared.recorder);
        state.open.remove(&self.conn);
        self.shared.recorder.record(ServerEvent::Closed { conn: self.conn, by, code });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared::new(Config::default(), Urls::default())
    }

    /// Numbers go out in order: a RESUMED waits for what was generated while the replay was being written.
    #[test]
    fn a_resumed_takes_no_number_before_everything_is_replayed() {
        let shared = shared();
        let id = shared.identify(1);
        shared.generate();
        assert_eq!(shared.resume(2, &id, 1), Resumption::Granted);
        assert_eq!(shared.events_after(2, 1), Some(vec![(2, 1)]));
        shared.generate();
        assert_eq!(shared.number_resumed(2, 2), None);
        assert_eq!(shared.events_after(2, 2), Some(vec![(3, 2)]));
        assert_eq!(shared.events_after(1, 1), Some(vec![(2, 1), (3, 2)]), "the old one is served until then");
        assert_eq!(shared.number_resumed(2, 3), Some(4));
        assert_eq!(shared.events_after(1, 1), None, "it is the new connection's now");
        assert_eq!(shared.events_after(2, 4), Some(vec![]));
    }

    /// A resume that comes to nothing takes nothing from the connection that has the session.
    #[test]
    fn a_connection_that_resumes_and_goes_leaves_the_session_where_it_was() {
        let shared = shared();
        let id = shared.identify(1);
        assert_eq!(shared.resume(2, &id, 1), Resumption::Granted);
        shared.detach(2);
        shared.generate();
        assert_eq!(shared.number_resumed(2, 2), None);
        assert_eq!(shared.events_after(2, 1), None);
        assert_eq!(shared.events_after(1, 1), Some(vec![(2, 1)]));
    }

    /// The memory for a session is bounded: a client that asks for what is forgotten gets another session, however long or short
    /// it was away.
    #[test]
    fn a_session_is_kept_for_as_many_events_as_the_buffer_holds() {
        let shared = shared();
        let id = shared.identify(1);
        for _ in 0..MAX_REPLAY + 10 {
            shared.generate();
        }
        assert_eq!(shared.events_after(1, 1).map(|events| events.len()), Some(MAX_REPLAY));
        shared.detach(1);
        shared.generate();
        let newest = MAX_REPLAY as u64 + 12;
        assert_eq!(shared.resume(2, &id, newest - 1), Resumption::Granted, "it has missed one");
        shared.detach(2);
        assert_eq!(shared.resume(3, &id, 12), Resumption::Granted, "it has missed all that there is");
        shared.detach(3);
        assert_eq!(shared.resume(4, &id, 11), Resumption::Unknown);
        assert_eq!(shared.resume(5, &id, newest), Resumption::Unknown, "it is gone");
    }

    /// A server that gives the session away before it is taken over.
    #[test]
    fn the_old_connection_gets_nothing_from_the_resume_on_where_that_is_asked_for() {
        let shared = Shared::new(Config { moving: Moving::AtResume, ..Config::default() }, Urls::default());
        let id = shared.identify(1);
        shared.generate();
        assert_eq!(shared.resume(2, &id, 1), Resumption::Granted);
        assert_eq!(shared.events_after(1, 1), None);
        assert_eq!(shared.events_after(2, 1), Some(vec![(2, 1)]));
    }

    /// A server that serves both connections while there are two.
    #[test]
    fn both_connections_are_served_where_that_is_asked_for() {
        let shared = Shared::new(Config { moving: Moving::Never, ..Config::default() }, Urls::default());
        let id = shared.identify(1);
        assert_eq!(shared.resume(2, &id, 1), Resumption::Granted);
        assert_eq!(shared.number_resumed(2, 1), Some(2));
        shared.generate();
        assert_eq!(shared.events_after(1, 1), Some(vec![(3, 1)]));
        assert_eq!(shared.events_after(2, 2), Some(vec![(3, 1)]));
        shared.detach(1);
        assert_eq!(shared.events_after(1, 1), None);
    }
}
