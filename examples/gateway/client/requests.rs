//! Requests of the application that are not answered yet, so that a connection that was replaced is closed when its are.

use std::collections::BTreeMap;

use redial::Epoch;

/// How many there are on each connection.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: BTreeMap<u32, usize>,
    /// The connection, and the one that it has replaced.
    connection: Option<u32>,
    replaced: Option<u32>,
}

impl Requests {
    /// One is about to be written on this connection.
    pub(super) fn begin(&mut self, on: Epoch) {
        let waiting = self.waiting.entry(on.get()).or_default();
        *waiting = waiting.saturating_add(1);
    }

    /// An answer came on this connection, or a request was not written. True if nothing is under way any more on one that was
    /// replaced.
    pub(super) fn end(&mut self, on: Epoch) -> bool {
        if let Some(waiting) = self.waiting.get_mut(&on.get()) {
            *waiting = waiting.saturating_sub(1);
        }
        self.replaced == Some(on.get()) && self.is_over()
    }

    /// This is the connection from here on. True if nothing is under way any more on the one that it has replaced.
    pub(super) fn moved_to(&mut self, connection: Epoch) -> bool {
        let connection = Some(connection.get());
        if self.connection == connection {
            return false;
        }
        self.replaced = std::mem::replace(&mut self.connection, connection);
        let (connection, replaced) = (self.connection, self.replaced);
        self.waiting.retain(|epoch, _| Some(*epoch) == connection || Some(*epoch) == replaced);
        self.is_over()
    }

    /// On one that never had a request, nobody knows what is under way.
    fn is_over(&self) -> bool {
        self.replaced.is_some_and(|replaced| self.waiting.get(&replaced) == Some(&0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_connection_is_drained_with_its_last_answer() {
        let mut epochs = epochs();
        let [first, second, third, fourth] = std::array::from_fn(|_| epochs.next().unwrap());
        let mut requests = Requests::default();
        assert!(!requests.moved_to(first));
        requests.begin(first);
        requests.begin(first);
        assert!(!requests.moved_to(second) && !requests.moved_to(second));
        requests.begin(second);
        assert!(!requests.end(second) && !requests.end(first));
        assert!(requests.end(first), "the last one");
        assert!(requests.moved_to(third), "there was one, and it was answered before");
        assert!(!requests.moved_to(fourth), "there was none");
        assert!(!requests.end(first), "it is forgotten");
    }

    /// The epochs of a policy's dials.
    fn epochs() -> impl Iterator<Item = Epoch> {
        use redial::{Cause, Event, Instant, Policy, SplitMix64, presets};
        let mut policy: Policy<_> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
        let _open = policy.handle_event(Instant::ZERO, Event::Start);
        std::iter::from_fn(move || {
            let epoch = policy.epoch()?;
            let (now, retry_after) = (Instant::ZERO, None);
            let failed = Event::OpenFailed { epoch, cause: Cause::ConnectTimeout, retry_after };
            let _wait = policy.handle_event(now, failed);
            let _open = policy.handle_timeout(policy.poll_timeout()?);
            Some(epoch)
        })
    }
}
