//! The decisions of a schedule, read from bytes.

use std::sync::{Arc, Mutex};

/// Shared by the executor and the server, which take turns. At its end it gives zeros, which are the ordinary course.
#[derive(Clone)]
pub(crate) struct Bytes(Arc<Mutex<std::vec::IntoIter<u8>>>);

impl Bytes {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(Mutex::new(Vec::from(bytes).into_iter())))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().len() == 0
    }

    pub(crate) fn next(&self) -> u8 {
        self.0.lock().unwrap().next().unwrap_or(0)
    }

    /// One of so many.
    pub(crate) fn below(&self, number: u8) -> u8 {
        self.next() % number
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&self, from: &[T]) -> T {
        from[usize::from(self.next()) % from.len()].clone()
    }
}
