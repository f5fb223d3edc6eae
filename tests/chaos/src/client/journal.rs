//! What a client did: its recording, its dials, what it received, and what of it was wrong.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redial::driver::{Notice, Outcome};
use redial::handover::Decider;
use redial::policy::Explanation;
use redial::record::{Recorder, Store};
use redial::{Action, Disposition, Epoch, Event, Phase};

use super::spacing::Spacing;
use crate::time::now;

/// A recording is not continued beyond so many bytes.
const LONGEST_LOG: usize = 4 << 20;

/// So many findings are kept: the first says most.
const FINDINGS: usize = 20;

/// How many transports a client may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Alone,
    /// One that replaces the connection beside it, whose dial need not wait for a loss.
    ASuccessor,
}

impl Allowed {
    pub(crate) const fn transports(self) -> u32 {
        match self {
            Self::Alone => 1,
            Self::ASuccessor => 2,
        }
    }
}

/// The bookkeeping of one client, and what others wait for.
pub(crate) struct Journal {
    pub(crate) allowed: Allowed,
    began: Instant,
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Book {
    recorder: Recorder,
    log: String,
    run: Option<Run>,
    /// How the last run ended; `Err`: in a panic, with its message.
    pub(crate) ended: Option<Result<Outcome, String>>,
    /// Of all runs.
    pub(crate) dials: u32,
    pub(crate) refused: u32,
    /// The subscriptions that the server has confirmed in the newest session.
    confirmed: BTreeSet<String>,
    /// Sessions that were begun.
    pub(crate) sessions: u32,
    /// How often each message came, in this run.
    delivered: HashMap<String, u32>,
    pub(crate) findings: Vec<String>,
}

/// A run that is under way.
#[derive(Default)]
struct Run {
    explanation: Option<Explanation>,
    /// The dials that the policy asked for and that have not begun: which, and when.
    asked: VecDeque<(Epoch, Duration)>,
    transports: u32,
    spacing: Spacing,
    /// Its clock was found to be ahead, which is said once.
    is_ahead: bool,
}

impl Journal {
    pub(crate) fn new(allowed: Allowed) -> Arc<Self> {
        Arc::new(Self { allowed, began: now(), book: Mutex::default(), changed: Condvar::new() })
    }

    /// A run begins with this policy.
    pub(crate) fn begin(&self, policy: &(impl Decider + Store)) {
        let mut book = self.book();
        let book = &mut *book;
        book.recorder = Recorder::new();
        book.log.clear();
        match book.recorder.set_up(policy) {
            Ok(line) => book.log.push_str(line),
            Err(error) => book.find(format!("the recording: {error}")),
        }
        (book.run, book.ended) = (Some(Run::default()), None);
        book.delivered.clear();
    }

    pub(crate) fn end(&self, outcome: Result<Outcome, String>) {
        let mut book = self.book();
        book.ended = Some(outcome);
        book.run = None;
        self.changed.notify_all();
    }

    /// A step of the policy, after its actions were executed.
    pub(crate) fn observe(&self, notice: &Notice<'_, String, String>) {
        let elapsed = self.began.elapsed();
        let mut book = self.book();
        let book = &mut *book;
        if book.log.len() < LONGEST_LOG {
            match book.recorder.step(notice.at, notice.event) {
                Ok(line) => book.log.push_str(line),
                Err(error) => book.log.push_str(&format!("{error}\n")),
            }
        }
        let at = Duration::from_micros(notice.at.as_micros());
        let explanation = notice.explanation();
        let Some(run) = &mut book.run else { return };
        let before = run.explanation.replace(explanation);
        let is_applied = notice.actions.disposition() == Disposition::Applied;
        let mut wrong = Vec::new();
        if at > elapsed && !std::mem::replace(&mut run.is_ahead, true) {
            wrong.push(format!("the driver's clock is ahead: {at:?} where {elapsed:?} have passed"));
        }
        if matches!(notice.event, Some(Event::ReconnectRequested { .. })) {
            run.spacing.requested();
        }
        for action in notice.actions {
            let Action::Open { epoch, .. } = action else { continue };
            run.asked.push_back((epoch, at));
            let is_start = matches!(notice.event, Some(Event::Start));
            if self.allowed == Allowed::Alone
                && !is_start
                && !before.is_some_and(|before| allows_dial(&before, notice.at))
            {
                let before = before.map_or_else(|| "nothing".to_owned(), |before| before.to_string());
                wrong.push(format!("dial {epoch} at {at:?}, where the policy was: {before}"));
            }
        }
        match notice.event {
            Some(Event::Ready { .. }) => {
                book.sessions += 1;
                book.confirmed.clear();
            }
            Some(Event::SubscriptionConfirmed { key, .. }) if is_applied => {
                _ = book.confirmed.insert(key.clone())
            }
            _ => {}
        }
        wrong.into_iter().for_each(|wrong| book.find(wrong));
        self.changed.notify_all();
    }

    /// A transport begins to be dialled.
    pub(crate) fn dial(self: &Arc<Self>, epoch: Epoch) -> Transport {
        let elapsed = self.began.elapsed();
        let mut book = self.book();
        let book = &mut *book;
        book.dials += 1;
        if let Some(run) = &mut book.run {
            run.transports += 1;
            let place = run.asked.iter().position(|(asked, _)| *asked == epoch);
            let asked = place.and_then(|place| run.asked.remove(place));
            let early = match self.allowed {
                Allowed::Alone => run.spacing.dial(elapsed),
                Allowed::ASuccessor => Ok(()),
            };
            let several = run.transports;
            match asked {
                Some((_, at)) if at <= elapsed => {}
                Some((_, at)) => {
                    book.find(format!("dial {epoch} at {elapsed:?}, and the policy said {at:?}"))
                }
                None => book.find(format!("dial {epoch}, for which the policy did not ask")),
            }
            if several > self.allowed.transports() {
                book.find(format!("{several} transports at once, the newest is {epoch}"));
            }
            early.unwrap_or_else(|early| book.find(early));
        }
        Transport(Arc::clone(self))
    }

    pub(crate) fn refused(&self) {
        self.book().refused += 1;
    }

    /// A message has come; `again`: the server says that it may be one that came before.
    pub(crate) fn delivered(&self, text: String, again: bool) {
        let mut book = self.book();
        let times = book.delivered.get(&text).copied().unwrap_or_default();
        if times > 0 && !again {
            book.find(format!("{text:.40} came {} times", times + 1));
        }
        book.delivered.insert(text, times + 1);
        self.changed.notify_all();
    }

    pub(crate) fn find(&self, finding: String) {
        self.book().find(finding);
        self.changed.notify_all();
    }

    /// Waits until `ready` finds in the book what it looks for; at most for so long.
    pub(crate) fn wait<T>(
        &self,
        patience: Duration,
        mut ready: impl FnMut(&mut Book) -> Option<T>,
    ) -> Option<T> {
        let start = now();
        let mut book = self.book();
        loop {
            if let Some(found) = ready(&mut book) {
                return Some(found);
            }
            let left = patience.checked_sub(start.elapsed())?;
            book = self.changed.wait_timeout(book, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What it knows now.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Book) -> T) -> T {
        read(&mut self.book())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS {
            self.findings.push(finding);
        }
    }

    /// The connection that is online, if one is.
    pub(crate) fn online(&self) -> Option<Epoch> {
        let explanation = self.explanation()?;
        explanation.epoch.filter(|_| explanation.phase == Phase::Online)
    }

    pub(crate) fn explanation(&self) -> Option<Explanation> {
        self.run.as_ref()?.explanation
    }

    /// Whether the server has confirmed all of these in this session.
    pub(crate) fn confirms(&self, keys: &BTreeSet<String>) -> bool {
        keys.is_subset(&self.confirmed)
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.delivered.contains_key(text)
    }

    /// The recording of this run, for the replay program.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }
}

/// Whether the policy had let the dial come at this time: it was waiting, and the wait is over.
fn allows_dial(before: &Explanation, at: redial::Instant) -> bool {
    before.phase == Phase::Waiting && before.until.is_some_and(|until| at >= until)
}

/// A transport, from the beginning of its dial until both of its halves are gone.
pub(crate) struct Transport(Arc<Journal>);

impl Transport {
    pub(crate) fn opened(&self) {
        let elapsed = self.0.began.elapsed();
        if let Some(run) = &mut self.0.book().run {
            run.spacing.opened(elapsed);
        }
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        let elapsed = self.0.began.elapsed();
        if let Some(run) = &mut self.0.book().run {
            run.transports -= 1;
            run.spacing.ended(elapsed);
        }
        self.0.changed.notify_all();
    }
}
