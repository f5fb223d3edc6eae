//! How far apart dials must be, by the config alone: another opinion than the policy's.

use std::time::Duration;

use super::config::{CAP, FIRST, STABLE};

/// The dials of one run. Times are since any moment.
///
/// The bounds are sound however late a thread is: a dial is noted after the policy has asked for it, and what it came to is noted before
/// the policy hears of it. So two dials are noted at least as far apart as the wait between them.
#[derive(Debug, Default)]
pub(crate) struct Spacing {
    last: Option<Duration>,
    /// The failures in a row that the backoff counts at least.
    failures: u32,
    opened: Option<Duration>,
    /// The server has asked for another connection.
    requested: bool,
}

impl Spacing {
    /// # Errors
    /// It comes too early.
    pub(crate) fn dial(&mut self, now: Duration) -> Result<(), String> {
        let last = self.last.replace(now);
        self.opened = None;
        let Some(last) = last else { return Ok(()) };
        let (least, apart) = (shortest_wait(self.failures), now.saturating_sub(last));
        if apart < least {
            let failures = self.failures;
            return Err(format!(
                "a dial comes {apart:?} after the last one, after {failures} failures not before {least:?}"
            ));
        }
        Ok(())
    }

    pub(crate) const fn opened(&mut self, now: Duration) {
        self.opened = Some(now);
    }

    /// The server asks for another connection, which may then be dialled at once. It is no failure.
    pub(crate) const fn requested(&mut self) {
        self.requested = true;
    }

    /// The dial has failed, or its connection is lost.
    pub(crate) fn ended(&mut self, now: Duration) {
        // The session is younger than its socket.
        let may_be_stable = self.opened.is_some_and(|opened| now.saturating_sub(opened) >= STABLE);
        self.failures = match may_be_stable {
            _ if std::mem::take(&mut self.requested) => 0,
            true => 1,
            false => self.failures.saturating_add(1),
        };
    }
}

/// What the jitter leaves at least of the wait after so many failures in a row.
fn shortest_wait(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
    let doublings = doublings.min(16);
    FIRST.saturating_mul(1 << doublings).min(CAP) / 2
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Spacing;

    /// Dials at these milliseconds, each of which fails a millisecond later: which of them come too early.
    fn early(dials: &[u64]) -> Vec<u64> {
        let mut spacing = Spacing::default();
        let is_early = |at: &u64| {
            let result = spacing.dial(Duration::from_millis(*at));
            spacing.ended(Duration::from_millis(at + 1));
            result.is_err()
        };
        dials.iter().copied().filter(is_early).collect()
    }

    #[test]
    fn each_wait_is_at_least_half_of_its_place_in_the_backoff() {
        assert!(early(&[0, 30, 90, 210, 450, 700, 950]).is_empty());
        assert_eq!(early(&[0, 29]), [29]);
        assert_eq!(early(&[0, 30, 89]), [89]);
        assert_eq!(early(&[0, 30, 90, 210, 449]), [449]);
        assert_eq!(early(&[0, 0]), [0]);
    }

    #[test]
    fn a_connection_that_held_starts_the_backoff_over() {
        let millis = Duration::from_millis;
        let mut spacing = Spacing::default();
        for at in [0, 30, 90] {
            assert_eq!(spacing.dial(millis(at)), Ok(()));
            spacing.ended(millis(at + 1));
        }
        assert_eq!(spacing.dial(millis(210)), Ok(()));
        spacing.opened(millis(220));
        spacing.ended(millis(520));
        assert_eq!(spacing.dial(millis(550)), Ok(()));
        spacing.opened(millis(560));
        spacing.ended(millis(600));
        assert!(spacing.dial(millis(609)).is_err());
    }

    #[test]
    fn a_connection_that_the_server_wants_replaced_is_no_failure() {
        let millis = Duration::from_millis;
        let mut spacing = Spacing::default();
        assert_eq!(spacing.dial(millis(0)), Ok(()));
        spacing.requested();
        spacing.ended(millis(1));
        assert_eq!(spacing.dial(millis(1)), Ok(()));
        spacing.ended(millis(2));
        assert!(spacing.dial(millis(30)).is_err());
    }
}
