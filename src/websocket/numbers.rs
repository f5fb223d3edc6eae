//! Which sequence numbers a transport's session has had.

use std::vec::Vec;

use crate::policy::Epoch;

/// As many transports as a policy with a handover has at a time.
const TRANSPORTS: usize = 3;

/// The newest number of the session on each of the newest transports, as the policy has noted it.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<(Epoch, Option<u64>)>);

impl Numbers {
    /// A transport is dialled, whose session may begin with any number.
    pub(super) fn dialled(&mut self, epoch: Epoch) {
        if self.0.len() >= TRANSPORTS {
            self.0.remove(0);
        }
        self.0.push((epoch, None));
    }

    /// Its session has had this number.
    pub(super) fn note(&mut self, epoch: Epoch, sequence: Option<u64>) {
        if let Some((_, noted)) = self.0.iter_mut().find(|(other, _)| *other == epoch) {
            *noted = sequence;
        }
    }

    /// Whether its session has had this number.
    pub(super) fn has_had(&self, epoch: Epoch, sequence: u64) -> bool {
        let of_it = |(other, noted): &(Epoch, Option<u64>)| {
            *other == epoch && noted.is_some_and(|noted| sequence <= noted)
        };
        self.0.iter().any(of_it)
    }

    /// The session is forgotten.
    pub(super) fn forget(&mut self) {
        for (_, noted) in &mut self.0 {
            *noted = None;
        }
    }
}
