//! The threads of a driver.

use core::any::Any;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::vec::Vec;

/// Knows which threads there are, and which of them belong to a transport that the driver has dropped.
#[derive(Default)]
pub(super) struct Crew(Mutex<State>);

#[derive(Default)]
struct State {
    threads: Vec<JoinHandle<()>>,
    /// How many transports were dropped whose threads have not ended.
    leaving: usize,
    /// Dials that wait for those.
    waiting: Vec<Waker>,
    /// What a thread panicked with.
    panic: Option<Box<dyn Any + Send>>,
}

/// That a transport has threads. Each of them holds it.
pub(super) struct Presence {
    crew: Arc<Crew>,
    /// The driver has dropped the transport.
    dropped: Mutex<bool>,
}

impl Crew {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a thread, if the system gives one. What it panics with is kept. `end` comes in any case, and is told whether it panicked.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce() + Send + 'static,
        end: impl FnOnce(bool) + Send + 'static,
    ) -> std::io::Result<()> {
        let crew = self.clone();
        let thread = Builder::new().name(name.into()).spawn(move || {
            let panic = catch_unwind(AssertUnwindSafe(work)).err();
            let panicked = panic.is_some();
            if panicked {
                crew.lock().panic = panic;
            }
            end(panicked);
        })?;
        let mut state = self.lock();
        state.threads.retain(|thread| !thread.is_finished());
        state.threads.push(thread);
        Ok(())
    }

    /// A panic of a thread goes on here.
    pub(super) fn resume_panic(&self) {
        let panic = self.lock().panic.take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Waits until no thread of an earlier transport is left.
    pub(super) async fn alone(&self) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.leaving == 0 {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
        self.resume_panic();
    }

    /// Waits until all threads have ended.
    pub(super) fn join(&self) {
        loop {
            let threads = core::mem::take(&mut self.lock().threads);
            if threads.is_empty() {
                return self.resume_panic();
            }
            for thread in threads {
                // What it panicked with is kept.
                let _ended = thread.join();
            }
        }
    }
}

impl Presence {
    pub(super) fn new(crew: &Arc<Crew>) -> Arc<Self> {
        Arc::new(Self { crew: crew.clone(), dropped: Mutex::new(false) })
    }

    /// The driver has dropped the transport.
    pub(super) fn leave(&self) {
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        if !core::mem::replace(&mut *dropped, true) {
            let mut state = self.crew.lock();
            state.leaving = state.leaving.saturating_add(1);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if *self.dropped.get_mut().unwrap_or_else(PoisonError::into_inner) {
            let mut state = self.crew.lock();
            state.leaving = state.leaving.saturating_sub(1);
            let waiting = core::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}
