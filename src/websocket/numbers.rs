//! Which sequence numbers a transport's session has had.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::policy::Epoch;

/// The newest number of the session on each transport that is open, as the policy has noted it.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(Arc<Mutex<Vec<Noted>>>);

/// A transport, and the newest number of its session.
type Noted = (Epoch, Option<u64>);

impl Numbers {
    fn lock(&self) -> MutexGuard<'_, Vec<Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transport is open, whose session may begin with any number. It is known until what is returned is dropped, with its
    /// reader: however many others come and go, none of them ends it.
    pub(super) fn opened(&self, epoch: Epoch) -> Numbered {
        self.lock().push((epoch, None));
        Numbered { epoch, numbers: self.clone() }
    }

    /// Its session has had this number.
    pub(super) fn note(&self, epoch: Epoch, sequence: Option<u64>) {
        if let Some((_, noted)) = self.lock().iter_mut().find(|(other, _)| *other == epoch) {
            *noted = sequence;
        }
    }

    /// Whether its session has had this number.
    pub(super) fn has_had(&self, epoch: Epoch, sequence: u64) -> bool {
        let of_it = |(other, noted): &Noted| *other == epoch && noted.is_some_and(|noted| sequence <= noted);
        self.lock().iter().any(of_it)
    }

    /// The session is forgotten.
    pub(super) fn forget(&self) {
        for (_, noted) in &mut *self.lock() {
            *noted = None;
        }
    }
}

/// A transport whose numbers are known.
#[derive(Debug)]
pub(super) struct Numbered {
    epoch: Epoch,
    numbers: Numbers,
}

impl Drop for Numbered {
    fn drop(&mut self) {
        self.numbers.lock().retain(|(epoch, _)| *epoch != self.epoch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that lets in a successor and sends it away again, time after time, while the connection goes on.
    #[test]
    fn successors_that_fail_end_no_numbers_but_their_own() {
        let epoch = |number| Epoch::from_raw(number).unwrap();
        let numbers = Numbers::default();
        let connection = numbers.opened(epoch(1));
        numbers.note(epoch(1), Some(5));
        for number in 2..=9 {
            let successor = numbers.opened(epoch(number));
            numbers.note(epoch(number), Some(7));
            assert!(numbers.has_had(epoch(number), 7) && !numbers.has_had(epoch(number), 8));
            drop(successor);
            assert!(!numbers.has_had(epoch(number), 7));
            assert!(numbers.has_had(epoch(1), 5) && !numbers.has_had(epoch(1), 6), "after {number}");
        }
        drop(connection);
        assert!(numbers.lock().is_empty());
    }
}
