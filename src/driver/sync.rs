//! What a driver, its handles and its transports share between threads is made of: the primitives of the standard library, or
//! those of loom, which tries every order of their operations (`ci/loom.sh`).
//!
//! `Arc` is the standard library's in both: nothing depends on when exactly a count falls to zero.

#[cfg(not(redial_loom))]
pub(super) use atomic_waker::AtomicWaker;
#[cfg(not(redial_loom))]
pub(super) use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicUsize, Ordering};
#[cfg(not(redial_loom))]
use std::sync as primitives;

#[cfg(redial_loom)]
use loom::sync as primitives;
#[cfg(redial_loom)]
pub(super) use loom::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicUsize, Ordering};

pub(super) use primitives::MutexGuard;

/// A mutex that a panic does not poison: nothing in here is left half done by one.
#[derive(Debug)]
pub(super) struct Mutex<T>(primitives::Mutex<T>);

impl<T> Mutex<T> {
    #[cfg_attr(
        not(redial_loom),
        expect(clippy::missing_const_for_fn, reason = "loom's primitives are not const")
    )]
    pub(super) fn new(value: T) -> Self {
        Self(primitives::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// loom's, with the methods of the real one.
#[cfg(redial_loom)]
#[derive(Debug, Default)]
pub(super) struct AtomicWaker(loom::future::AtomicWaker);

#[cfg(redial_loom)]
impl AtomicWaker {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn register(&self, waker: &core::task::Waker) {
        self.0.register_by_ref(waker);
    }

    pub(super) fn wake(&self) {
        self.0.wake();
    }
}
