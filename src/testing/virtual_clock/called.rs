//! A waker of a future's own.

use core::task::Waker;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

/// Tells whether a part of a task was woken, and wakes the task.
pub(crate) struct Called {
    called: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Called {
    /// It is as if it had been woken: it was never polled.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { called: AtomicBool::new(true), task: Mutex::new(None) })
    }

    /// The task to wake from now on.
    pub(crate) fn set_task(&self, waker: &Waker) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    /// Whether it was woken since this was asked last.
    pub(crate) fn take(&self) -> bool {
        self.called.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.called.load(Ordering::SeqCst)
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }
}

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.called.store(true, Ordering::SeqCst);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.wake();
        }
    }
}
