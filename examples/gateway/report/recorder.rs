//! What the judge needs, written down by both sides: the server what it did and saw, the client its dials and deliveries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::{Expect, Fault};
use crate::report::gap::Gap;
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
    /// The longest time without a connection, as the server or the client saw it, whichever is longer.
    pub(crate) gap: Duration,
    /// The most sockets that were open at once, as the server or the client saw it, whichever is more.
    pub(crate) sockets: usize,
    /// Generated and never delivered, the session's end being the fault's right or not.
    pub(crate) lost: usize,
    pub(crate) twice: usize,
}

/// Everything together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) faults: usize,
    /// Events that were generated.
    pub(crate) sent: u64,
    /// Of these, how many the application has got.
    pub(crate) received: u64,
    /// How often the server has sent one again, on another connection.
    pub(crate) resent: u64,
    /// Deliveries of what was delivered before.
    pub(crate) doubled: usize,
    /// Connections that were up and that the server has dropped.
    pub(crate) cut: usize,
    pub(crate) dials: usize,
    pub(crate) requests: usize,
    pub(crate) answered: usize,
    /// The longest time without a connection, as in [`Row`].
    pub(crate) gap: Duration,
    /// The most sockets at once, as in [`Row`].
    pub(crate) sockets: usize,
    /// The longest time between two events for the application.
    pub(crate) silence: Duration,
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
    gap: Duration,
    sockets: usize,
    cut: usize,
}

#[derive(Default)]
struct SessionBook {
    last_delivered: Option<usize>,
    ended_in: Option<usize>,
}

struct Sent {
    session: usize,
    chapter: usize,
    /// How often the server has written it.
    times: u32,
    delivered: bool,
}

struct Book {
    entries: Vec<Entry>,
    /// The first is the time before any fault.
    chapters: Vec<Chapter>,
    sessions: Vec<SessionBook>,
    /// Index = n - 1.
    events: Vec<Sent>,
    /// Requests of the application: the chapter, and whether the answer has come. Index = nonce - 1.
    requests: Vec<(usize, bool)>,
    newest_delivered: u64,
    /// When the last event was delivered, and the longest time between two.
    delivered_at: Option<Duration>,
    silence: Duration,
    server_gap: Gap,
    client_gap: Gap,
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
            requests: Vec::new(),
            newest_delivered: 0,
            delivered_at: None,
            silence: Duration::ZERO,
            server_gap: Gap::default(),
            client_gap: Gap::default(),
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
        let open = book.client_open;
        let chapter = book.chapter();
        chapter.dials += 1;
        chapter.sockets = chapter.sockets.max(open);
        Socket(self.clone())
    }

    /// The application has got event `n`.
    pub(crate) fn delivered(&self, n: u64) {
        let now = self.now();
        let mut book = self.book();
        if let Some(before) = book.delivered_at.replace(now) {
            book.silence = book.silence.max(now.saturating_sub(before));
        }
        book.delivered(n);
    }

    /// The client has a connection that is ready from here on, or has none.
    pub(crate) fn live(&self, live: bool) {
        let now = self.now();
        let mut book = self.book();
        book.client_gap.note(live, now);
        book.note_gap();
    }

    /// The application makes request `nonce`, which is one more than the last.
    pub(crate) fn requested(&self) -> u64 {
        let mut book = self.book();
        let chapter = book.chapters.len() - 1;
        book.requests.push((chapter, false));
        book.requests.len() as u64
    }

    /// The application has got the answer to request `nonce`.
    pub(crate) fn answered(&self, nonce: u64) {
        let mut book = self.book();
        let index = usize::try_from(nonce).unwrap_or(usize::MAX).wrapping_sub(1);
        match book.requests.get_mut(index) {
            Some((_, answered @ false)) => *answered = true,
            Some(_) => book.complain(format!("request {nonce} answered twice")),
            None => book.complain(format!("request {nonce} answered but never made")),
        }
    }

    // --- the server's side ---

    /// The session is delivered to a connection from here on, or to none.
    pub(crate) fn served(&self, served: bool) {
        let now = self.now();
        let mut book = self.book();
        book.server_gap.note(served, now);
        book.note_gap();
    }

    pub(crate) fn record(&self, event: ServerEvent) {
        let entry = Entry { at: self.now(), event };
        let mut book = self.book();
        match event {
            ServerEvent::Fault(fault) => {
                let (fault, began, sockets) = (Some(fault), entry.at, book.client_open);
                book.chapters.push(Chapter { fault, began, sockets, ..Chapter::default() });
            }
            ServerEvent::Accepted { open, .. } => {
                book.server_most_open = book.server_most_open.max(open);
                let chapter = book.chapter();
                chapter.accepted += 1;
                chapter.sockets = chapter.sockets.max(open);
            }
            ServerEvent::Dispatch { n, .. } => {
                let index = usize::try_from(n).unwrap_or(usize::MAX).wrapping_sub(1);
                if let Some(event) = book.events.get_mut(index) {
                    event.times = event.times.saturating_add(1);
                }
            }
            ServerEvent::Cut { .. } => book.chapter().cut += 1,
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
        book.events.push(Sent { session, chapter, times: 0, delivered: false });
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

    /// Of all faults together.
    pub(crate) fn totals(&self) -> Totals {
        let book = self.book();
        let received = book.events.iter().filter(|event| event.delivered).count() as u64;
        let resent = book.events.iter().map(|event| u64::from(event.times.saturating_sub(1))).sum();
        let faults = book.chapters.len().saturating_sub(1);
        let requests = book.requests.len();
        let answered = book.requests.iter().filter(|(_, answered)| *answered).count();
        let totals = Totals {
            faults,
            resent,
            requests,
            answered,
            sent: book.events.len() as u64,
            received,
            silence: book.silence,
            ..Totals::default()
        };
        book.chapters.iter().fold(totals, |totals, chapter| Totals {
            doubled: totals.doubled + chapter.twice,
            cut: totals.cut + chapter.cut,
            dials: totals.dials + chapter.dials,
            gap: totals.gap.max(chapter.gap),
            sockets: totals.sockets.max(chapter.sockets),
            ..totals
        })
    }

    /// Everything that forbids exit status 0. Empty: the client is a good one.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let rows = self.rows();
        let book = self.book();
        let mut complaints = book.complaints.clone();
        let mut unanswered = 0;
        for row in rows {
            let expected = row.fault.map_or(Expect::Fresh, Fault::expect);
            let sockets = row.fault.map_or(1, Fault::sockets);
            if !row.recovered {
                complaints.push(format!("{}: not survived", row.name));
            }
            if row.fault.is_some_and(Fault::could_resume) && row.how == Some(How::Fresh) {
                complaints
                    .push(format!("{}: identified again although the session could be resumed", row.name));
            }
            if expected == Expect::Handover && !row.gap.is_zero() {
                complaints.push(format!("{}: {:?} without a connection", row.name, row.gap));
            }
            if row.sockets > sockets {
                complaints.push(format!("{}: {} sockets open at once", row.name, row.sockets));
            }
        }
        for (chapter, answered) in &book.requests {
            let fault = book.chapters.get(*chapter).and_then(|chapter| chapter.fault);
            if !answered && fault.is_some_and(|fault| fault.expect() == Expect::Handover) {
                unanswered += 1;
            }
        }
        if unanswered > 0 {
            complaints.push(format!("{unanswered} requests unanswered where the end was announced"));
        }
        let wrongly = book.lost().filter(|(_, excused)| !excused).count();
        if wrongly > 0 {
            complaints.push(format!("{wrongly} events lost where the server could resume"));
        }
        complaints
    }
}

impl Book {
    /// A gap is charged to the fault that is on when it is over.
    fn note_gap(&mut self) {
        let gap = self.server_gap.take_longest().max(self.client_gap.take_longest());
        let chapter = self.chapter();
        chapter.gap = chapter.gap.max(gap);
    }

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
            gap: self.gap,
            sockets: self.sockets,
            lost: 0,
            twice: self.twice,
        }
    }
}

#[cfg(test)]
mod tests;
