//! The log of a run that is checked, if one is kept.

use crate::handover::{Decider, EventOf};
use crate::time::Instant;

#[cfg(feature = "record")]
pub(super) use kept::Kept;

/// Nothing until a recording is asked for, and without the feature `record` nothing at all.
pub(super) struct Tape<D: Decider> {
    #[cfg(feature = "record")]
    pub(super) kept: Option<alloc::boxed::Box<Kept<D>>>,
    #[cfg(not(feature = "record"))]
    none: core::marker::PhantomData<fn(&D)>,
}

#[cfg(feature = "record")]
impl<D: Decider> Tape<D> {
    pub(super) const NONE: Self = Self { kept: None };

    /// Writes the line of a call.
    pub(super) fn write(&mut self, now: Instant, event: Option<&EventOf<D>>) {
        if let Some(kept) = &mut self.kept {
            kept.write(now, event);
        }
    }

    pub(super) fn lines(&self) -> Option<&str> {
        self.kept.as_deref().map(Kept::lines)
    }
}

#[cfg(feature = "record")]
impl<D: Decider> Clone for Tape<D> {
    fn clone(&self) -> Self {
        Self { kept: self.kept.clone() }
    }
}

#[cfg(not(feature = "record"))]
impl<D: Decider> Tape<D> {
    pub(super) const NONE: Self = Self { none: core::marker::PhantomData };

    #[expect(
        clippy::needless_pass_by_ref_mut,
        clippy::unused_self,
        reason = "it is the same with a recording"
    )]
    pub(super) const fn write(&mut self, _: Instant, _: Option<&EventOf<D>>) {}

    #[expect(clippy::unused_self, reason = "it is the same with a recording")]
    pub(super) const fn lines(&self) -> Option<&str> {
        None
    }
}

#[cfg(not(feature = "record"))]
impl<D: Decider> Clone for Tape<D> {
    fn clone(&self) -> Self {
        Self::NONE
    }
}

#[cfg(feature = "record")]
mod kept {
    use alloc::format;
    use alloc::string::String;

    use crate::codec::{Named, Store};
    use crate::handover::{Decider, EventOf};
    use crate::record::{RecordError, Recorder};
    use crate::subscriptions::Subscriptions;
    use crate::time::Instant;

    /// How the line of a call is written. It is kept as a pointer, so that a policy whose names can't be written is checked, too.
    type Line<D> = for<'r> fn(&'r mut Recorder, Instant, Option<&EventOf<D>>) -> Result<&'r str, RecordError>;

    pub(in super::super) struct Kept<D: Decider> {
        recorder: Recorder,
        lines: String,
        line: Line<D>,
        /// The recorder took no more names.
        full: bool,
    }

    impl<D: Decider> Kept<D> {
        /// Begins with the state of this policy.
        pub(in super::super) fn of(policy: &D) -> Result<Self, RecordError>
        where
            D: Store,
            D::Token: Named,
            <D::Subscriptions as Subscriptions>::Key: Named,
        {
            let mut recorder = Recorder::new();
            let lines = String::from(recorder.set_up(policy)?);
            Ok(Self { recorder, lines, line: Recorder::step, full: false })
        }

        pub(super) fn write(&mut self, now: Instant, event: Option<&EventOf<D>>) {
            if self.full {
                return;
            }
            match (self.line)(&mut self.recorder, now, event) {
                Ok(line) => self.lines.push_str(line),
                Err(error) => {
                    self.full = true;
                    self.lines.push_str(&format!("the log ends here: {error}\n"));
                }
            }
        }

        pub(super) fn lines(&self) -> &str {
            &self.lines
        }
    }

    impl<D: Decider> Clone for Kept<D> {
        fn clone(&self) -> Self {
            let Self { recorder, lines, line, full } = self;
            Self { recorder: recorder.clone(), lines: lines.clone(), line: *line, full: *full }
        }
    }
}
