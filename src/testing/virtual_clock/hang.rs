//! Why a run on a virtual clock ended before its future did.

use core::fmt;
use core::panic::Location;
use std::vec::Vec;

use crate::time::Instant;

/// Why a future on a [`VirtualClock`](super::VirtualClock) has not ended. Its message says who sleeps, until when, and where in the source that
/// was asked for.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::VirtualClock;
///
/// let clock = VirtualClock::new();
/// let hang = clock.run_for(clock.sleep(Duration::from_secs(60)), Duration::from_secs(10)).unwrap_err();
/// assert!(!hang.is_deadlock() && hang.sleeps().count() == 1);
/// println!("{hang}"); // who sleeps, until when, and where that was asked for
/// ```
#[derive(Clone, Debug)]
pub struct Hang {
    pub(super) at: Instant,
    pub(super) why: Why,
    pub(super) sleeps: Vec<(Instant, &'static Location<'static>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody sleeps, and nothing is ready.
    Asleep,
    /// The time was over.
    Late,
    /// Tasks wake themselves.
    Busy,
}

impl Hang {
    /// The time at which it was given up.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// Whether it could never have ended: nothing was ready, and nobody slept.
    #[must_use]
    pub fn is_deadlock(&self) -> bool {
        self.why == Why::Asleep
    }

    /// The ends of the sleeps that were being waited for, in order.
    pub fn sleeps(&self) -> impl Iterator<Item = Instant> {
        self.sleeps.iter().map(|(at, _)| *at)
    }
}

impl fmt::Display for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, why, sleeps } = self;
        match why {
            Why::Asleep => write!(f, "it hangs at {}: nothing is ready, and nobody sleeps", Seconds(*at))?,
            Why::Late => write!(f, "it has not ended at {}", Seconds(*at))?,
            Why::Busy => write!(f, "it hangs at {}: tasks wake themselves without end", Seconds(*at))?,
        }
        for (index, (at, place)) in sleeps.iter().enumerate() {
            let before = if index == 0 { "; asleep until" } else { "," };
            write!(f, "{before} {} ({place})", Seconds(*at))?;
        }
        Ok(())
    }
}

impl core::error::Error for Hang {}

/// A time in a message.
struct Seconds(Instant);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
    }
}
