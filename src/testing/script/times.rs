//! When the next step happens.

use core::time::Duration;

use crate::handover::Decider;
use crate::time::Instant;

use super::Script;

/// Where a policy's deadlines end to mean anything: there is no time after the end of time.
const FAR: Instant = Instant::END;

impl Script<'_> {
    /// When the next step happens, after one at `now`: mostly at once or at the policy's deadline, just before or just after it;
    /// with a hostile clock also a step back, a leap, or the end of time.
    pub fn time<D: Decider>(&mut self, policy: &D, now: Instant) -> Instant {
        let until = policy.poll_timeout().unwrap_or(now).max(now);
        if self.steady { self.steady_time(now, policy.poll_timeout()) } else { self.hostile_time(now, until) }
    }

    pub(in crate::testing) fn hostile_time(&mut self, now: Instant, until: Instant) -> Instant {
        match self.choices.below(24) {
            0..=7 => now,
            8..=13 => until,
            14 => just_before(until).max(now),
            15 => later(until, 1),
            16..=18 => now.saturating_add(self.duration()),
            19 => {
                let back = self.duration().as_micros();
                earlier(now, u64::try_from(back).unwrap_or(u64::MAX))
            }
            20 => earlier(now, self.choices.u16().into()),
            21 => later(now, self.choices.u32().into()),
            22 => Instant::from_micros(self.choices.u64()),
            _ => {
                let ends = [Instant::ZERO, Instant::MAX, Instant::from_micros(u64::MAX.wrapping_sub(1))];
                self.choices.pick(&ends, Instant::ZERO)
            }
        }
    }

    pub(in crate::testing) fn steady_time(&mut self, now: Instant, due: Option<Instant>) -> Instant {
        let (last, late) = match due.filter(|at| *at < FAR) {
            Some(until) => (until.max(now), Duration::from_secs(1)),
            None => (now, Duration::from_secs(86_400)),
        };
        let latest = last.saturating_add(late);
        match self.choices.below(16) {
            0..=5 => now,
            6..=10 => last,
            11 => just_before(last).max(now),
            12 => later(last, u64::from(self.choices.u16()).min(999_999)),
            13 => later(now, self.choices.u16().into()).min(latest),
            _ => now.saturating_add(self.duration()).min(latest),
        }
    }
}

const fn just_before(at: Instant) -> Instant {
    earlier(at, 1)
}

const fn earlier(at: Instant, micros: u64) -> Instant {
    Instant::from_micros(at.as_micros().saturating_sub(micros))
}

const fn later(at: Instant, micros: u64) -> Instant {
    Instant::from_micros(at.as_micros().saturating_add(micros))
}
