//! How long there was no connection.

use std::time::Duration;

/// The time without a connection, as one side sees it. It begins with the first connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gap {
    /// There has been a connection.
    begun: bool,
    since: Option<Duration>,
    longest: Duration,
}

impl Gap {
    /// From `now` on there is a connection, or there is none.
    pub(crate) fn note(&mut self, connected: bool, now: Duration) {
        self.begun |= connected;
        if self.begun && !connected {
            self.since.get_or_insert(now);
        } else if let Some(since) = self.since.take() {
            self.longest = self.longest.max(now.saturating_sub(since));
        }
    }

    /// The longest of those that are over. The next call tells of those that are over after this one.
    pub(crate) fn take_longest(&mut self) -> Duration {
        std::mem::take(&mut self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_what_lies_between_two_connections() {
        let at = Duration::from_millis;
        let mut gap = Gap::default();
        for (connected, now) in
            [(false, 0), (true, 5), (true, 7), (false, 10), (false, 12), (true, 15), (false, 20), (true, 21)]
        {
            gap.note(connected, at(now));
        }
        assert_eq!(gap.take_longest(), at(5));
        gap.note(false, at(30));
        assert_eq!(gap.take_longest(), Duration::ZERO, "one that goes on is not over");
        gap.note(true, at(33));
        assert_eq!(gap.take_longest(), at(3), "it began before and is over now");
    }
}
