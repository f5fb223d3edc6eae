//! A whole run: the faults dealt out to the cells, the cells on threads of their own, and what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::cell::{Cell, Recovery, World};
use crate::client::message;
use crate::draw::Draw;
use crate::fault::Fault;
use crate::leaks::{self, Usage};
use crate::plan::Plan;
use crate::report::Report;
use crate::time::now;

/// So many faults a client goes through before it is stopped and started again.
const RUN: usize = 5;

/// What the draws of a fault's moments are numbered from, so that they are not those of the fault itself.
const MOMENTS: u64 = 1 << 32;

/// A fault with its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) number: u32,
    pub(crate) fault: Fault,
}

/// What a cell is to play.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) plan: Plan,
    pub(crate) faults: Vec<Numbered>,
}

/// Deals the faults out. Each has its number, and with it its place and all that is drawn for it, whatever else is played.
pub(crate) fn shares(plans: &[Plan], seed: u64, faults: u32, only: &[u32]) -> Vec<Share> {
    let mut shares: Vec<_> = plans.iter().map(|plan| Share { plan: *plan, faults: Vec::new() }).collect();
    for number in 0..faults {
        let Some(share) = usize::try_from(number).ok().and_then(|number| {
            let place = number.checked_rem(plans.len())?;
            shares.get_mut(place)
        }) else {
            continue;
        };
        if only.is_empty() || only.contains(&number) {
            let fault = Fault::draw(&mut Draw::new(seed, number.into()), share.plan.possible());
            share.faults.push(Numbered { number, fault });
        }
    }
    shares.retain(|share| !share.faults.is_empty());
    shares
}

/// A fault that a client did not get over, or that showed something wrong.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) plan: Plan,
    /// `None`: it was wrong before any fault, or after all.
    pub(crate) fault: Option<Numbered>,
    /// The faults that this client had gone through in this run.
    pub(crate) before: Vec<u32>,
    pub(crate) reason: String,
    pub(crate) recording: String,
    pub(crate) server: Vec<String>,
}

/// What cells tell.
enum News {
    /// The cell is built and was tried, and its client is stopped.
    Ready,
    Played(Numbered, Recovery),
    Failed(Box<Failure>),
    /// All is played, and the client is stopped.
    Done,
}

/// Plays all of it, `jobs` cells at a time. `tell` hears of each fault.
pub(crate) fn run(world: World, shares: Vec<Share>, jobs: usize, mut tell: impl FnMut(&Report)) -> Report {
    let start = now();
    let mut report = Report::new(world.seed);
    let (world, permits) = (Arc::new(world), Arc::new(Permits::new(jobs)));
    let (sender, news) = channel();
    let cells: Vec<_> =
        shares.into_iter().filter_map(|share| spawn(&world, &permits, share, sender.clone()).ok()).collect();
    drop(sender);
    gather(&news, cells.len(), |_| {}, &mut report);
    let idle = Usage::now();
    cells.iter().for_each(|cell| cell.go());
    let mut samples = Vec::new();
    gather(
        &news,
        cells.len(),
        |report| {
            samples.push((report.played(), leaks::resident()));
            tell(report);
        },
        &mut report,
    );
    // A cell that was built again has other threads and descriptors than the one before.
    if report.failures.is_empty() {
        report.check_leaks(&idle, &samples);
    }
    cells.into_iter().for_each(Running::end);
    report.took = start.elapsed();
    report
}

/// Takes the news until so many cells are ready or done.
fn gather(news: &Receiver<News>, cells: usize, mut played: impl FnMut(&Report), report: &mut Report) {
    let mut left = cells;
    while left > 0 {
        match news.recv() {
            Ok(News::Ready | News::Done) => left -= 1,
            Ok(News::Played(numbered, recovery)) => {
                report.add(numbered, recovery);
                played(report);
            }
            Ok(News::Failed(failure)) => report.failures.push(*failure),
            Err(_) => return,
        }
    }
}

/// A cell on its thread.
struct Running {
    go: Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    /// It has ended already where this fails.
    fn go(&self) {
        self.go.send(()).unwrap_or_default();
    }

    fn end(self) {
        self.go();
        self.thread.join().unwrap_or_default();
    }
}

fn spawn(
    world: &Arc<World>,
    permits: &Arc<Permits>,
    share: Share,
    news: Sender<News>,
) -> std::io::Result<Running> {
    let (go, waits) = channel();
    let (world, permits) = (Arc::clone(world), Arc::clone(permits));
    let body = move || {
        let mut player =
            Player { world: &world, permits: &permits, share: &share, news: &news, before: Vec::new() };
        let mut cell = player.attempt(|player| player.build());
        // Whoever waits for it has ended where this fails.
        news.send(News::Ready).unwrap_or_default();
        if waits.recv().is_err() {
            return;
        }
        for faults in share.faults.chunks(RUN) {
            cell = player.attempt(|player| player.play(cell.take(), faults));
        }
        news.send(News::Done).unwrap_or_default();
        drop((waits.recv(), cell));
    };
    let thread = thread::Builder::new().name("cell".into()).spawn(body)?;
    Ok(Running { go, thread })
}

struct Player<'a> {
    world: &'a World,
    permits: &'a Permits,
    share: &'a Share,
    news: &'a Sender<News>,
    /// The faults of this run of the client.
    before: Vec<u32>,
}

impl Player<'_> {
    /// `None` where it failed, which is told; a panic of the harness's own is a failure too.
    fn attempt(&mut self, attempt: impl FnOnce(&mut Self) -> Result<Cell, Box<Failure>>) -> Option<Cell> {
        let result = catch_unwind(AssertUnwindSafe(|| attempt(self)));
        let failure = match result {
            Ok(Ok(cell)) => return Some(cell),
            Ok(Err(failure)) => failure,
            Err(panic) => Box::new(self.failure(None, None, message(&*panic))),
        };
        self.news.send(News::Failed(failure)).unwrap_or_default();
        None
    }

    /// A cell whose client has been online once.
    fn build(&mut self) -> Result<Cell, Box<Failure>> {
        let _permit = self.permits.take();
        let mut cell = Cell::build(self.world, &self.share.plan)
            .map_err(|reason| Box::new(self.failure(None, None, reason)))?;
        let tried = cell.begin().and_then(|()| cell.end(false));
        tried.map_err(|reason| Box::new(self.failure(None, Some(&cell), reason)))?;
        Ok(cell)
    }

    /// One run of the client.
    fn play(&mut self, cell: Option<Cell>, faults: &[Numbered]) -> Result<Cell, Box<Failure>> {
        let mut cell = match cell {
            Some(cell) => cell,
            None => self.build()?,
        };
        let _permit = self.permits.take();
        self.before.clear();
        cell.begin().map_err(|reason| Box::new(self.failure(None, Some(&cell), reason)))?;
        for numbered in faults {
            let mut draw = Draw::new(self.world.seed, MOMENTS + u64::from(numbered.number));
            let result = cell.play(&numbered.fault, &mut draw);
            let recovery =
                result.map_err(|reason| Box::new(self.failure(Some(*numbered), Some(&cell), reason)))?;
            self.before.push(numbered.number);
            self.news.send(News::Played(*numbered, recovery)).unwrap_or_default();
        }
        let keeps = faults.last().is_some_and(|last| last.number % 2 == 0);
        cell.end(keeps).map_err(|reason| Box::new(self.failure(None, Some(&cell), reason)))?;
        Ok(cell)
    }

    fn failure(&self, fault: Option<Numbered>, cell: Option<&Cell>, reason: String) -> Failure {
        let recording = cell.map(|cell| cell.client.journal.read(|book| book.log().to_owned()));
        Failure {
            plan: self.share.plan,
            fault,
            before: self.before.clone(),
            reason,
            recording: recording.unwrap_or_default(),
            server: cell.map(|cell| cell.server.last_lines()).unwrap_or_default(),
        }
    }
}

/// How many cells may be at work.
struct Permits {
    left: Mutex<usize>,
    given_back: Condvar,
}

struct Permit<'a>(&'a Permits);

impl Permits {
    const fn new(count: usize) -> Self {
        Self { left: Mutex::new(count), given_back: Condvar::new() }
    }

    fn take(&self) -> Permit<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left =
            self.given_back.wait_while(left, |left| *left == 0).unwrap_or_else(PoisonError::into_inner);
        *left -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.given_back.notify_one();
    }
}
