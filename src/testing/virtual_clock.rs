//! A runtime whose clock moves only when nothing else is left to do.

mod called;
mod hang;

use core::fmt;
use core::future::{Future, poll_fn};
use core::panic::Location;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Wake;
use std::vec::Vec;

use crate::driver::{Runtime, Spawn};
use crate::time::Instant;

pub(super) use called::Called;
pub use hang::Hang;
use hang::Why;

/// How many polls may follow one another while the time stands still. More are a task that wakes itself without end.
const MAX_POLLS: u32 = 4_000_000;

/// A clock, and an executor on one thread, for tests of drivers and of what is built on them: no time passes while anything can
/// go on, and when nothing can, the clock jumps to the end of the first sleep. A test of an hour takes milliseconds and
/// gives the same result each time.
///
/// It begins at [`Instant::ZERO`]. Clones are the same clock. It is a [`Runtime`], and inside [`run`](Self::run) a
/// [`Spawn`], so that a driver takes it wherever it takes one.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::VirtualClock;
///
/// let clock = VirtualClock::new();
/// let slow = clock.spawn({
///     let clock = clock.clone();
///     async move {
///         clock.sleep(Duration::from_secs(3_600)).await;
///         clock.now().as_millis()
///     }
/// });
/// assert_eq!(clock.run(slow), 3_600_000);
///
/// let hang = clock.run_for(core::future::pending::<()>(), Duration::from_secs(1)).unwrap_err();
/// assert!(hang.to_string().contains("nobody sleeps"), "{hang}");
/// ```
///
/// Tasks are polled in the order in which they were woken, and sleeps end in the order of their ends. Only what is woken is
/// polled, so a wake-up that is missing shows as a [`Hang`]. What another thread wakes is not waited for.
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    now: Instant,
    /// The number of the next sleep or task.
    next: u64,
    sleeps: BTreeMap<(Instant, u64), Sleeper>,
    /// The tasks that were woken, in order.
    woken: VecDeque<u64>,
    /// Those that are not being polled just now.
    tasks: BTreeMap<u64, Task>,
}

struct Sleeper {
    waker: Waker,
    place: &'static Location<'static>,
}

/// A future that was spawned.
struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    waker: Arc<TaskWaker>,
}

struct TaskWaker {
    /// Not the clock's owner: the clock keeps wakers.
    clock: Weak<Shared>,
    id: u64,
    woken: AtomicBool,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(clock) = self.clock.upgrade() {
            let mut state = clock.lock();
            if !self.woken.swap(true, Ordering::AcqRel) {
                state.woken.push_back(self.id);
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    fn first_sleep(&self) -> Option<Instant> {
        self.sleeps.first_key_value().map(|((at, _), _)| *at)
    }

    fn hang(&self, why: Why) -> Hang {
        let sleeps = self.sleeps.iter().map(|((at, _), sleeper)| (*at, sleeper.place)).collect();
        Hang { at: self.now, why, sleeps }
    }
}

impl VirtualClock {
    /// A clock at [`Instant::ZERO`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The time. [`Runtime::now`] without the trait.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.lock().now
    }

    /// Ends when so much time has passed.
    #[track_caller]
    pub fn sleep(&self, span: Duration) -> VirtualSleep {
        self.sleep_to(self.now().saturating_add(span))
    }

    #[track_caller]
    fn sleep_to(&self, at: Instant) -> VirtualSleep {
        VirtualSleep { clock: self.clone(), at, id: None, place: Location::caller() }
    }

    /// When the first of the sleeps that are being waited for ends. For an executor of your own.
    #[must_use]
    pub fn next_sleep(&self) -> Option<Instant> {
        self.0.lock().first_sleep()
    }

    /// Lets so much time pass at once, as when the host was suspended: nothing is polled meanwhile, and every sleep that ends
    /// in it is woken.
    pub fn advance(&self, span: Duration) {
        let to = self.now().saturating_add(span);
        self.advance_to(to);
    }

    fn advance_to(&self, to: Instant) {
        let mut due = Vec::new();
        let mut state = self.0.lock();
        state.now = state.now.max(to);
        while let Some(first) = state.sleeps.first_entry() {
            if first.key().0 > to {
                break;
            }
            due.push(first.remove().waker);
        }
        drop(state);
        // Outside the lock: a waker may be anything.
        due.into_iter().for_each(Waker::wake);
    }

    /// Runs the future to its end, with everything that is spawned. What was spawned and still runs then is dropped.
    ///
    /// # Panics
    /// When the future can never end: nothing is ready, nobody sleeps, or tasks wake themselves without end. The message is that
    /// of [`Hang`]. And inside of another run of this clock.
    #[track_caller]
    #[expect(clippy::panic, reason = "the assertion of a test")]
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        match self.run_until(pin!(future), Instant::MAX) {
            Ok(output) => output,
            Err(hang) => panic!("{hang}"),
        }
    }

    /// The same for so much time at most.
    ///
    /// # Errors
    /// [`Hang`]: the future has not ended, and is dropped. The message says who sleeps until when.
    pub fn run_for<F: Future>(&self, future: F, span: Duration) -> Result<F::Output, Hang> {
        let until = self.now().saturating_add(span);
        self.run_until(pin!(future), until)
    }

    /// The future, for another executor: while nothing in it can go on, the clock jumps to the end of the first sleep. So tests on a
    /// runtime's own executor need no real time either. Whatever the future waits for must be this clock's or inside the future; what
    /// [`spawn`](Self::spawn) begins waits for [`run`](Self::run).
    ///
    /// # Panics
    /// When the future can never end, with the message of [`Hang`].
    #[expect(clippy::panic, reason = "the assertion of a test")]
    pub async fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let called = Called::new();
        let mut left = MAX_POLLS;
        poll_fn(|cx| {
            called.set_task(cx.waker());
            if called.take() {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&called.waker())) {
                    return Poll::Ready(output);
                }
                left = left.saturating_sub(1);
            }
            let hang = if left == 0 {
                Some(self.0.lock().hang(Why::Busy))
            } else if called.is_set() {
                None
            } else {
                left = MAX_POLLS;
                self.pass_time(Instant::MAX).err()
            };
            match hang {
                Some(hang) => panic!("{hang}"),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Runs the future beside the one of [`run`](Self::run): the current run, or the next one. Dropping what this returns does not end
    /// it; the end of the run does.
    pub fn spawn<F>(&self, future: F) -> VirtualTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let result = Arc::new(Mutex::new(Outcome { output: None, waker: None }));
        let told = result.clone();
        let future = Box::pin(async move {
            let output = future.await;
            let mut outcome = told.lock().unwrap_or_else(PoisonError::into_inner);
            outcome.output = Some(output);
            let waker = outcome.waker.take();
            drop(outcome);
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        let waker = self.task_waker();
        self.0.lock().tasks.insert(waker.id, Task { future, waker: waker.clone() });
        waker.wake();
        VirtualTask(result)
    }

    fn task_waker(&self) -> Arc<TaskWaker> {
        let id = self.0.lock().number();
        Arc::new(TaskWaker { clock: Arc::downgrade(&self.0), id, woken: AtomicBool::new(false) })
    }

    fn run_until<F: Future>(&self, mut future: Pin<&mut F>, until: Instant) -> Result<F::Output, Hang> {
        let _scope = Scope::enter(self);
        let main = self.task_waker();
        let waker = Waker::from(main.clone());
        main.wake_by_ref();
        let mut left = MAX_POLLS;
        loop {
            let next = self.0.lock().woken.pop_front();
            match next {
                Some(id) if id == main.id => {
                    main.woken.store(false, Ordering::Release);
                    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return Ok(output);
                    }
                }
                Some(id) => self.poll_task(id),
                None => {
                    self.pass_time(until)?;
                    left = MAX_POLLS;
                    continue;
                }
            }
            match left.checked_sub(1) {
                Some(fewer) => left = fewer,
                None => return Err(self.0.lock().hang(Why::Busy)),
            }
        }
    }

    fn poll_task(&self, id: u64) {
        // None: it has ended, or is of an earlier run.
        let Some(mut task) = self.0.lock().tasks.remove(&id) else { return };
        task.waker.woken.store(false, Ordering::Release);
        let waker = Waker::from(task.waker.clone());
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.0.lock().tasks.insert(id, task);
        }
    }

    /// Nothing is ready: on to the end of the first sleep.
    fn pass_time(&self, until: Instant) -> Result<(), Hang> {
        let state = self.0.lock();
        let Some(at) = state.first_sleep() else { return Err(state.hang(Why::Asleep)) };
        if at > until {
            let hang = Hang { at: until, ..state.hang(Why::Late) };
            drop(state);
            self.advance_to(until);
            return Err(hang);
        }
        drop(state);
        self.advance_to(at);
        Ok(())
    }
}

impl Runtime for VirtualClock {
    type Sleep = VirtualSleep;

    fn now(&self) -> Instant {
        self.now()
    }

    #[track_caller]
    fn sleep_until(&self, at: Instant) -> VirtualSleep {
        self.sleep_to(at)
    }
}

impl Spawn for VirtualClock {
    type Task<T: Send + 'static> = VirtualTask<T>;

    /// On the clock whose [`run`](Self::run) is under way on this thread.
    ///
    /// # Panics
    /// Outside of one.
    #[expect(clippy::panic, reason = "as other runtimes do")]
    fn spawn<F>(future: F) -> VirtualTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let Some(clock) = CURRENT.with_borrow(Clone::clone) else {
            panic!("spawned outside of VirtualClock::run")
        };
        clock.spawn(future)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        let (tasks, sleeps) = (state.tasks.len(), state.sleeps.len());
        f.debug_struct("VirtualClock")
            .field("now", &state.now)
            .field("tasks", &tasks)
            .field("sleeps", &sleeps)
            .finish()
    }
}

std::thread_local! {
    /// The clock whose run is under way.
    static CURRENT: RefCell<Option<VirtualClock>> = const { RefCell::new(None) };
}

/// A run under way. At its end, also by a panic, nothing of it is left.
struct Scope<'a> {
    clock: &'a VirtualClock,
    before: Option<VirtualClock>,
}

impl<'a> Scope<'a> {
    #[track_caller]
    fn enter(clock: &'a VirtualClock) -> Self {
        let nested = CURRENT
            .with_borrow(|current| current.as_ref().is_some_and(|current| Arc::ptr_eq(&current.0, &clock.0)));
        assert!(!nested, "a run inside of a run of the same clock");
        Self { clock, before: CURRENT.replace(Some(clock.clone())) }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        // What is dropped may spawn.
        loop {
            let tasks = core::mem::take(&mut self.clock.0.lock().tasks);
            if tasks.is_empty() {
                break;
            }
        }
        self.clock.0.lock().woken.clear();
        CURRENT.set(self.before.take());
    }
}

/// A sleep on a [`VirtualClock`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct VirtualSleep {
    clock: VirtualClock,
    at: Instant,
    /// Its number, once it is waited for.
    id: Option<u64>,
    place: &'static Location<'static>,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.clock.0.lock();
        if state.now >= this.at {
            return Poll::Ready(());
        }
        let id = *this.id.get_or_insert_with(|| state.number());
        let sleeper = Sleeper { waker: cx.waker().clone(), place: this.place };
        let before = state.sleeps.insert((this.at, id), sleeper);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let sleeper = self.clock.0.lock().sleeps.remove(&(self.at, id));
            drop(sleeper);
        }
    }
}

impl fmt::Debug for VirtualSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualSleep").field("until", &self.at).finish_non_exhaustive()
    }
}

struct Outcome<T> {
    output: Option<T>,
    waker: Option<Waker>,
}

/// What a future of [`VirtualClock::spawn`] gives. Dropping it changes nothing; it is never ready once the run that its future
/// belonged to is over.
#[must_use = "await it to learn what the task gives"]
pub struct VirtualTask<T>(Arc<Mutex<Outcome<T>>>);

impl<T> Future for VirtualTask<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut outcome = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.output.take() {
            Some(output) => Poll::Ready(output),
            None => {
                outcome.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for VirtualTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VirtualTask")
    }
}
