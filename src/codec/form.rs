//! How a [normal form](crate::testing::normal_form) is written: with instants seen from now, and without counters.

use crate::time::{Instant, Micros};

use super::{Names, Writer};

/// Instants are written from here, and none is more than this in the past.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    now: Instant,
    horizon: Micros,
}

impl Form {
    /// An instant of the clock, or one before its beginning, seen from now. Past the horizon all are alike.
    pub(super) fn relative(self, micros: i128) -> i64 {
        let horizon = i128::from(self.horizon.0).saturating_neg();
        let from_now = micros.saturating_sub(self.now.as_micros().into());
        i64::try_from(from_now.max(horizon)).unwrap_or(i64::MAX)
    }

    pub(super) const fn seen_from(self, now: Instant) -> Self {
        Self { now, ..self }
    }

    /// The same for a gate, with half of the horizon: it may be computed from an instant that is older by a wait.
    pub(super) fn gate(self, at: Instant) -> i64 {
        Self { horizon: self.horizon.divided_up(2), ..self }.relative(at.as_micros().into())
    }
}

impl<'a> Writer<'a> {
    /// Of a normal form.
    pub(crate) const fn normal(out: &'a mut [u8], now: Instant, horizon: Micros) -> Self {
        let mut writer = Self::new(out, Names::Shown);
        writer.form = Some(Form { now, horizon });
        writer
    }
}
