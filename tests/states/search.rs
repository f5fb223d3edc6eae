//! A search through all states that some steps lead to, breadth first, on as many threads as the machine has.
//!
//! It keeps a fingerprint of 128 bits of each state, and the states themselves only of the newest depth. With 10⁸ states the
//! chance that any two share a fingerprint is below 10⁻²².

use std::any::Any;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What is searched.
pub trait Space: Sync {
    type State: Send + Sync;
    type Step: Copy + Debug + Send + Sync;

    fn first(&self) -> Self::State;

    /// Gives `visit` every state that one step leads to. `tried` is the step that is being taken, for the case that it panics.
    fn each(
        &self,
        state: &Self::State,
        tried: &Cell<Option<Self::Step>>,
        visit: impl FnMut(Self::Step, Self::State),
    );

    /// States with equal keys go on alike.
    fn key(&self, state: &Self::State) -> u128;

    /// Panics where what must hold of every state does not, beyond what its steps check.
    fn check(&self, state: &Self::State);

    /// What a step leads to, for comparing two states with equal keys: the step, what was decided, and the key after it.
    fn outcomes(&self, state: &Self::State) -> Vec<(String, u128)>;
}

/// What a search found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub states: usize,
    pub steps: u64,
    pub depth: usize,
    /// No step leads out of what was found.
    pub closed: bool,
    /// So many pairs of states with equal keys were compared, step by step.
    pub compared: u64,
}

/// What must hold does not, after these steps.
#[derive(Debug)]
pub struct Failure<S> {
    pub path: Vec<S>,
    pub message: String,
}

/// One in so many states is kept, so that others with its key can be compared with it.
const KEPT: u128 = 1 << 8;
const SHARDS: usize = 256;
/// How many states a thread takes at a time.
const BLOCK: usize = 64;

/// A key is a hash already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are of 128 bits");
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Keys = HashSet<u128, BuildHasherDefault<AsIs>>;

/// A state, and how it was reached: from which state of the depth before, by which step.
struct Reached<P: Space> {
    state: P::State,
    from: u32,
    by: P::Step,
}

/// The state of the depth before, the step, and what it panicked with.
type Failed<S> = (u32, Option<S>, String);

struct Search<'s, P: Space> {
    space: &'s P,
    seen: Vec<Mutex<Keys>>,
    kept: Mutex<HashMap<u128, Vec<(String, u128)>>>,
    steps: AtomicU64,
    compared: AtomicU64,
    failure: Mutex<Option<Failed<P::Step>>>,
}

/// Searches until no step leads to a new state, or until the depth at which there are so many.
pub fn search<P: Space>(space: &P, states_at_least: usize) -> Result<Found, Failure<P::Step>> {
    let search = Search {
        space,
        seen: (0..SHARDS).map(|_| Mutex::default()).collect(),
        kept: Mutex::default(),
        steps: AtomicU64::new(0),
        compared: AtomicU64::new(0),
        failure: Mutex::new(None),
    };
    let first = space.first();
    let _new = search.is_new(space.key(&first));
    let mut frontier = vec![first];
    let mut levels: Vec<Vec<(u32, P::Step)>> = Vec::new();
    let mut states = 1;
    while !frontier.is_empty() && states < states_at_least {
        let next = search.level(&frontier);
        if let Some((from, by, message)) = search.failure.lock().unwrap().take() {
            return Err(Failure { path: path(&levels, from, by), message });
        }
        states += next.len();
        let (level, reached) =
            next.into_iter().map(|Reached { state, from, by }| ((from, by), state)).unzip();
        levels.push(level);
        frontier = reached;
    }
    Ok(Found {
        states,
        steps: search.steps.into_inner(),
        depth: levels.len(),
        closed: frontier.is_empty(),
        compared: search.compared.into_inner(),
    })
}

/// The steps to a state, and one after it.
fn path<S: Copy>(levels: &[Vec<(u32, S)>], mut at: u32, last: Option<S>) -> Vec<S> {
    let mut steps: Vec<S> = last.into_iter().collect();
    for level in levels.iter().rev() {
        let (from, by) = level[at as usize];
        steps.push(by);
        at = from;
    }
    steps.reverse();
    steps
}

impl<P: Space> Search<'_, P> {
    fn is_new(&self, key: u128) -> bool {
        self.seen[(key >> 64) as usize % SHARDS].lock().unwrap().insert(key)
    }

    /// All new states that are one step from these.
    fn level(&self, frontier: &[P::State]) -> Vec<Reached<P>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut found = Vec::new();
            loop {
                let begin = taken.fetch_add(BLOCK, Ordering::Relaxed);
                let failed = self.failure.lock().unwrap().is_some();
                let Some(block) = frontier.get(begin..).filter(|rest| !rest.is_empty() && !failed) else {
                    return found;
                };
                for (offset, state) in block.iter().take(BLOCK).enumerate() {
                    let from = u32::try_from(begin + offset).expect("fewer states at one depth");
                    self.expand(state, from, &mut found);
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("panics are caught")).collect()
        })
    }

    fn expand(&self, state: &P::State, from: u32, found: &mut Vec<Reached<P>>) {
        let tried = Cell::new(None);
        let mut steps = 0;
        let expanded = catch_unwind(AssertUnwindSafe(|| {
            self.space.each(state, &tried, |by, state| {
                steps += 1;
                let key = self.space.key(&state);
                if self.is_new(key) {
                    self.space.check(&state);
                    if key % KEPT == 0 {
                        let outcomes = self.space.outcomes(&state);
                        let _none = self.kept.lock().unwrap().insert(key, outcomes);
                    }
                    found.push(Reached { state, from, by });
                } else if key % KEPT == 0 {
                    self.compare(key, &state);
                }
            });
        }));
        self.steps.fetch_add(steps, Ordering::Relaxed);
        if let Err(panic) = expanded {
            let mut failure = self.failure.lock().unwrap();
            if failure.is_none() {
                *failure = Some((from, tried.get(), text(&*panic)));
            }
        }
    }

    /// That what has the key of a state that was kept goes on as that state does.
    fn compare(&self, key: u128, state: &P::State) {
        let kept = self.kept.lock().unwrap().get(&key).cloned();
        // Another thread may be about to keep it.
        let Some(kept) = kept else { return };
        self.compared.fetch_add(1, Ordering::Relaxed);
        let outcomes = self.space.outcomes(state);
        for (one, other) in kept.iter().zip(&outcomes) {
            assert_eq!(one, other, "two states with one key go on differently");
        }
        assert_eq!(kept.len(), outcomes.len(), "two states with one key take different steps");
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}
