//! What the handles may ask of a driver: whether it is online, how it ended, what its policy does.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use crate::handover::{Decider, HandoverStats};
use crate::policy::{Explanation, Stats};

use super::Outcome;
use super::changes::Subscriber;
use super::sync::{AtomicBool, AtomicWaker, Mutex, MutexGuard, Ordering};

/// Whether a run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// None was begun.
    New,
    Running,
    /// `None`: the driver or the future of its run was dropped.
    Ended(Option<Outcome>),
}

/// What the policy does and counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub(super) explanation: Explanation,
    pub(super) stats: Stats,
    pub(super) handover_stats: Option<HandoverStats>,
}

impl Report {
    pub(super) fn of(policy: &impl Decider) -> Self {
        let (explanation, stats) = (policy.explain(), policy.stats());
        Self { explanation, stats, handover_stats: policy.handover_stats() }
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) run: Run,
    pub(super) online: bool,
    /// What the policy does and counts, as of the last time somebody asked or the run ended.
    pub(super) report: Option<Box<Report>>,
    /// How many reports were made.
    pub(super) reports: u64,
    /// `None`: nobody ever waited, nor subscribed.
    others: Option<Box<Others>>,
}

/// Those who wait for a change, or see all of them.
#[derive(Debug, Default)]
struct Others {
    waiters: Vec<(u64, Waker)>,
    next_waiter: u64,
    subscribers: Vec<Weak<Subscriber>>,
}

impl State {
    fn others(&mut self) -> &mut Others {
        self.others.get_or_insert_default()
    }
}

/// The state, with its flags beside it so that the loop locks nothing while nobody asks.
#[derive(Debug)]
pub(super) struct Status {
    /// The task of the run.
    pub(super) waker: AtomicWaker,
    state: Mutex<State>,
    /// Somebody waits for a report.
    asked: AtomicBool,
    /// Somebody may be subscribed to the changes.
    watched: AtomicBool,
}

impl Status {
    pub(super) fn new() -> Self {
        Self {
            waker: AtomicWaker::new(),
            state: Mutex::new(State { run: Run::New, online: false, report: None, reports: 0, others: None }),
            asked: AtomicBool::new(false),
            watched: AtomicBool::new(false),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Changes the state and wakes everybody who waits for a change of it.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        let waiters = {
            let mut state = self.lock();
            change(&mut state);
            state.others.as_mut().map(|others| core::mem::take(&mut others.waiters)).unwrap_or_default()
        };
        // Outside the lock: a waker may run its task right here.
        for (_, waker) in waiters {
            waker.wake();
        }
    }

    /// Waits until `ready` finds in the state what it looks for.
    pub(super) async fn until<R>(&self, mut ready: impl FnMut(&mut State) -> Option<R>) -> R {
        let mut waiter = Waiter { status: self, id: None };
        poll_fn(|cx| waiter.poll(cx, &mut ready)).await
    }

    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// The answer to [`Self::ask`].
    pub(super) fn report(&self, report: Report) {
        self.asked.store(false, Ordering::Release);
        self.change(|state| {
            state.report = Some(Box::new(report));
            state.reports = state.reports.wrapping_add(1);
        });
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    pub(super) fn subscribe(&self, subscriber: &Arc<Subscriber>) {
        let mut state = self.lock();
        let others = state.others();
        others.subscribers.retain(|other| other.strong_count() > 0);
        others.subscribers.push(Arc::downgrade(subscriber));
        self.watched.store(true, Ordering::Release);
    }

    /// Tells every subscriber.
    pub(super) fn publish(&self, explanation: Explanation) {
        let subscribers = self.subscribers();
        if subscribers.is_empty() {
            let state = self.lock();
            let watched = state.others.as_ref().is_some_and(|others| !others.subscribers.is_empty());
            self.watched.store(watched, Ordering::Release);
        }
        for subscriber in subscribers {
            subscriber.push(explanation);
        }
    }

    fn subscribers(&self) -> Vec<Arc<Subscriber>> {
        let mut state = self.lock();
        let Some(others) = &mut state.others else { return Vec::new() };
        others.subscribers.retain(|other| other.strong_count() > 0);
        others.subscribers.iter().filter_map(Weak::upgrade).collect()
    }

    /// The beginning and the end of a run.
    pub(super) fn set_run(&self, run: Run, report: Option<Box<Report>>) {
        self.change(|state| {
            state.run = run;
            state.online = false;
            state.report = report;
        });
        for subscriber in self.subscribers() {
            subscriber.wake();
        }
    }
}

/// One who waits, and takes its waker back when it waits no longer.
struct Waiter<'a> {
    status: &'a Status,
    id: Option<u64>,
}

impl Waiter<'_> {
    fn poll<R>(&mut self, cx: &Context<'_>, ready: &mut impl FnMut(&mut State) -> Option<R>) -> Poll<R> {
        let mut state = self.status.lock();
        if let Some(found) = ready(&mut state) {
            return Poll::Ready(found);
        }
        let others = state.others();
        let id = *self.id.get_or_insert(others.next_waiter);
        others.next_waiter = others.next_waiter.max(id.wrapping_add(1));
        match others.waiters.iter_mut().find(|(other, _)| *other == id) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => others.waiters.push((id, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.status.lock().others().waiters.retain(|(other, _)| *other != id);
        }
    }
}
