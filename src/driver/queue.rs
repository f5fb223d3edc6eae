//! A queue that is a word while there is nothing in it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// For what most connections need seldom, or never.
#[expect(clippy::box_collection, reason = "empty it takes a word, not four")]
pub(super) struct Queue<T>(Option<Box<VecDeque<T>>>);

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push_back(&mut self, item: T) {
        self.all().push_back(item);
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        self.0.as_mut()?.pop_front()
    }

    pub(super) fn pop_back(&mut self) -> Option<T> {
        self.0.as_mut()?.pop_back()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|queue| queue.iter_mut())
    }

    /// Everything in it, which it no longer holds.
    pub(super) fn take(&mut self) -> VecDeque<T> {
        self.0.take().map_or_else(VecDeque::new, |queue| *queue)
    }

    /// Gives the memory back if nothing is in it.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            self.0 = None;
        }
    }

    /// To change as a whole.
    pub(super) fn all(&mut self) -> &mut VecDeque<T> {
        self.0.get_or_insert_default()
    }
}
