//! What the judge needs, written down by both sides: the server what it did and saw, the client its dials and deliveries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::{Expect, Fault};
use crate::report::server_event::{Entry, How, ServerEvent};

/// Events kept at most, so that a client gone wild cannot fill the memory.
const MAX_EVENTS: usize = 100_000;

/// One line of the table at the end.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// `None`: the first connection, before any fault.
    pub(crate) fault: Option<Fault>,
    pub(crate) name: &'static str,
    /// Healthy again; of the fatal fault: stayed away for good.
    pub(crate) recovered: bool,
    /// Dials, as the client told them.
    pub(crate) attempts: usize,
    /// From the fault to READY or RESUMED.
    pub(crate) took: Option<Duration>,
    pub(crate) how: Option<How>,
    /// Generated and never delivered, the session's end being the fault's right or not.
    pub(crate) lost: usize,
    pub(crate) twice: usize,
}

#[derive(Default)]
struct Chapter {
    fault: Option<Fault>,
    began: Duration,
    recovered: Option<(Duration, How)>,
    accepted: usize,
    closed: usize,
    dials: usize,
    twice: usize,
}

#[derive(Default)]
struct SessionBook {
    last_delivered: Option<usize>,
    ended_in: Option<usize>,
}

struct Sent {
    session: usize,
    chapter: usize,
    delivered: bool,
}

struct Book {
    entries: Vec<Entry>,
    /// The first is the time before any fault.
    chapters: Vec<Chapter>,
    sessions: Vec<SessionBook>,
    /// Index = n - 1.
    events: Vec<Sent>,
    newest_delivered: u64,
    server_most_open: usize,
    client_open: usize,
    client_most_open: usize,
    complaints: Vec<String>,
}

/// The shared book. Clones are the same book.
#[derive(Clone)]
pub(crate) struct Recorder {
    book: Arc<Mutex<Book>>,
    start: Instant,
}

/// A socket of the client, from the dial to the moment when it is dropped. Hold it beside the socket.
#[must_use]
pub(crate) struct Socket(Recorder);

impl Drop for Socket {
    fn drop(&mut self) {
        let mut book = self.0.book();
        book.client_open = book.client_open.saturating_sub(1);
    }
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let book = Book {
            entries: Vec::new(),
            chapters: vec![Chapter::default()],
            sessions: Vec::new(),
            events: Vec::new(),
            newest_delivered: 0,
            server_most_open: 0,
            client_open: 0,
            client_most_open: 0,
            complaints: Vec::new(),
        };
        Self { book: Arc::new(Mutex::new(book)), start: Instant::now() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the show began.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    // --- the client's side ---

    /// A dial begins now. `not_before`: the earliest moment that the client's policy allows.
    pub(crate) fn dial(&self, not_before: Option<Instant>) -> Socket {
        let now = Instant::now();
        let mut book = self.book();
        if let Some(early) = not_before.map(|at| at.saturating_duration_since(now)).filter(|by| !by.is_zero())
        {
            book.complain(format!("dialled {early:?} before the policy allows"));
        }
        book.client_open += 1;
        book.client_most_open = book.client_most_open.max(book.client_open);
        book.chapter().dials += 1;
        Socket(self.clone())
    }

    /// The application has got event `n`.
    pub(crate) fn delivered(&self, n: u64) {
        self.book().delivered(n);
    }

    // --- the server's side ---

    pub(crate) fn record(&self, event: ServerEvent) {
        let entry = Entry { at: self.now(), event };
        let mut book = self.book();
        match event {
            ServerEvent::Fault(fault) => {
                book.chapters.push(Chapter { fault: Some(fault), began: entry.at, ..Chapter::default() });
            }
            ServerEvent::Accepted { open, .. } => {
                book.server_most_open = book.server_most_open.max(open);
                book.chapter().accepted += 1;
            }
            ServerEvent::Closed { .. } => book.chapter().closed += 1,
            ServerEvent::Offence { conn, offence } => {
                book.complain(format!("conduct on connection {conn}: {offence:?}"))
            }
            ServerEvent::SessionEnded => {
                let chapter = book.chapters.len() - 1;
                if let Some(session) = book.sessions.last_mut() {
                    session.ended_in.get_or_insert(chapter);
                }
            }
            _ => {}
        }
        if book.entries.len() < MAX_EVENTS {
            book.entries.push(entry);
        }
    }

    /// The next session begins.
    pub(crate) fn session_begins(&self) {
        self.book().sessions.push(SessionBook::default());
    }

    /// The next event (n = 1, 2, 3 …) was generated in the newest session. Answers its `n`.
    pub(crate) fn generated(&self) -> u64 {
        let mut book = self.book();
        let (session, chapter) = (book.sessions.len().saturating_sub(1), book.chapters.len() - 1);
        book.events.push(Sent { session, chapter, delivered: false });
        book.events.len() as u64
    }

    /// The client came back at `at`, and has been healthy since.
    pub(crate) fn healthy(&self, at: Duration, how: How) {
        self.book().chapter().recovered.get_or_insert((at, how));
        self.record(ServerEvent::Healthy { how });
    }

    // --- the judge's side ---

    /// Everything up to now.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.book().entries.clone()
    }

    /// The most sockets that were ever open at once, as the server and as the client saw it.
    pub(crate) fn most_open(&self) -> (usize, usize) {
        let book = self.book();
        (book.server_most_open, book.client_most_open)
    }

    /// One line per fault, the first connection before them.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let book = self.book();
        let mut rows: Vec<Row> = book.chapters.iter().map(Chapter::row).collect();
        for (chapter, _) in book.lost() {
            if let Some(row) = rows.get_mut(chapter) {
                row.lost += 1;
            }
        }
        rows
    }

    /// Everything that forbids exit status 0. Empty: the client is a good one.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let rows = self.rows();
        let book = self.book();
        let mut complaints = book.complaints.clone();
        for row in rows {
            let expected = row.fault.map_or(Expect::Fresh, Fault::expect);
            if !row.recovered {
                complaints.push(format!("{}: not survived", row.name));
            }
            if expected == Expect::Resume && row.how == Some(How::Fresh) {
                complaints
                    .push(format!("{}: identified again although the session could be resumed", row.name));
            }
        }
        let wrongly = book.lost().filter(|(_, excused)| !excused).count();
        if wrongly > 0 {
            complaints.push(format!("{wrongly} events lost where the server could resume"));
        }
        for (who, most) in [("server", book.server_most_open), ("client", book.client_most_open)] {
            if most > 1 {
                complaints.push(format!("{most} sockets open at once, says the {who}"));
            }
        }
        complaints
    }
}

impl Book {
    fn chapter(&mut self) -> &mut Chapter {
        if self.chapters.is_empty() {
            self.chapters.push(Chapter::default());
        }
        let last = self.chapters.len() - 1;
        &mut self.chapters[last]
    }

    fn complain(&mut self, complaint: String) {
        if self.complaints.len() < MAX_EVENTS {
            self.complaints.push(complaint);
        }
    }

    fn delivered(&mut self, n: u64) {
        let index = usize::try_from(n).unwrap_or(usize::MAX).wrapping_sub(1);
        let Some(event) = self.events.get_mut(index) else {
            return self.complain(format!("event {n} was delivered but never sent"));
        };
        if event.delivered {
            self.chapter().twice += 1;
            return self.complain(format!("event {n} delivered twice"));
        }
        event.delivered = true;
        let session = event.session;
        if let Some(session) = self.sessions.get_mut(session) {
            session.last_delivered = session.last_delivered.max(Some(index));
        }
        if n < self.newest_delivered {
            self.complain(format!("event {n} delivered after {}", self.newest_delivered));
        }
        self.newest_delivered = self.newest_delivered.max(n);
    }

    /// The events that never arrived: the chapter that is charged, and whether the loss was no fault of the client.
    ///
    /// What is still on its way is not lost: an event counts only when a later one of its session has come or the
    /// session has ended. What a session had left to say at its end is charged to the chapter that ended it, and
    /// excused where that was the server's doing. Any other hole is charged to where it was generated.
    fn lost(&self) -> impl Iterator<Item = (usize, bool)> {
        self.events.iter().enumerate().filter(|(_, event)| !event.delivered).filter_map(|(index, event)| {
            let session = self.sessions.get(event.session)?;
            if session.last_delivered.is_some_and(|last| last > index) {
                return Some((event.chapter, false));
            }
            let chapter = session.ended_in?;
            let fault = self.chapters.get(chapter)?.fault;
            Some((chapter, fault.is_some_and(|fault| !fault.could_resume())))
        })
    }
}

impl Chapter {
    fn row(&self) -> Row {
        let stop = self.fault.is_some_and(|fault| fault.expect() == Expect::Stop);
        Row {
            fault: self.fault,
            name: self.fault.map_or("first connection", Fault::name),
            recovered: if stop {
                self.closed > 0 && self.dials == 0 && self.accepted == 0
            } else {
                self.recovered.is_some()
            },
            attempts: self.dials,
            took: self.recovered.map(|(at, _)| at.saturating_sub(self.began)),
            how: self.recovered.map(|(_, how)| how),
            lost: 0,
            twice: self.twice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::server_event::By;

    fn with_session() -> Recorder {
        let recorder = Recorder::new();
        recorder.session_begins();
        recorder.healthy(recorder.now(), How::Fresh);
        recorder
    }

    /// A hole is a loss even while the session lives; what is still on its way is not.
    #[test]
    fn a_hole_is_lost_and_the_tail_is_not_yet() {
        let recorder = with_session();
        for n in 1..=4 {
            assert_eq!(recorder.generated(), n);
        }
        recorder.delivered(1);
        assert!(recorder.complaints().is_empty());
        recorder.delivered(3);
        assert_eq!(recorder.complaints(), ["1 events lost where the server could resume"]);
        assert_eq!(recorder.rows()[0].lost, 1);
    }

    /// The tail of a session that the server ended is excused and charged to the fault that ended it.
    #[test]
    fn a_tail_is_excused_only_where_the_server_ended_the_session() {
        for (fault, excused) in [(Fault::SessionTimedOut, true), (Fault::Drop, false)] {
            let recorder = with_session();
            assert_eq!(recorder.generated(), 1);
            recorder.record(ServerEvent::Fault(fault));
            recorder.record(ServerEvent::SessionEnded);
            recorder.healthy(recorder.now(), How::Fresh);
            assert_eq!(recorder.rows()[1].lost, 1);
            assert_eq!(recorder.complaints().is_empty(), excused, "{fault:?}");
        }
    }

    #[test]
    fn what_comes_twice_out_of_order_or_from_nowhere_is_a_complaint() {
        let recorder = with_session();
        for n in 1..=2 {
            assert_eq!(recorder.generated(), n);
        }
        for n in [2, 2, 1, 0, 3] {
            recorder.delivered(n);
        }
        assert_eq!(
            recorder.complaints(),
            [
                "event 2 delivered twice",
                "event 1 delivered after 2",
                "event 0 was delivered but never sent",
                "event 3 was delivered but never sent",
            ]
        );
        assert_eq!(recorder.rows()[0].twice, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn early_dials_and_two_sockets_are_complaints() {
        let recorder = with_session();
        let first = recorder.dial(Some(Instant::now()));
        drop(first);
        let second = recorder.dial(None);
        assert!(recorder.complaints().is_empty());
        let third = recorder.dial(Some(Instant::now() + Duration::from_millis(3)));
        assert_eq!(
            recorder.complaints(),
            ["dialled 3ms before the policy allows", "2 sockets open at once, says the client"]
        );
        drop((second, third));
    }

    #[test]
    fn a_fatal_end_is_survived_only_by_staying_away() {
        let recorder = with_session();
        recorder.record(ServerEvent::Fault(Fault::Fatal));
        assert!(!recorder.rows()[1].recovered, "nothing was closed yet");
        recorder.record(ServerEvent::Closed { conn: 1, by: By::Server, code: Some(4004) });
        assert!(recorder.rows()[1].recovered);
        drop(recorder.dial(None));
        assert!(!recorder.rows()[1].recovered);
    }
}
