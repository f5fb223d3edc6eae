//! The log of a run that is checked.

use alloc::format;
use alloc::string::String;

use crate::codec::{Named, Store};
use crate::handover::{Decider, EventOf};
use crate::record::{RecordError, Recorder};
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

/// How the line of a call is written. It is kept as a pointer, so that a policy whose names can't be written is checked, too.
type Line<D> = for<'r> fn(&'r mut Recorder, Instant, Option<&EventOf<D>>) -> Result<&'r str, RecordError>;

pub(super) struct Tape<D: Decider> {
    recorder: Recorder,
    lines: String,
    line: Line<D>,
    /// The recorder took no more names.
    full: bool,
}

impl<D: Decider> Tape<D> {
    /// Begins with the state of this policy.
    pub(super) fn of(policy: &D) -> Result<Self, RecordError>
    where
        D: Store,
        D::Token: Named,
        <D::Subscriptions as Subscriptions>::Key: Named,
    {
        let mut recorder = Recorder::new();
        let lines = String::from(recorder.set_up(policy)?);
        Ok(Self { recorder, lines, line: Recorder::step, full: false })
    }

    /// Writes the line of a call.
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

impl<D: Decider> Clone for Tape<D> {
    fn clone(&self) -> Self {
        let Self { recorder, lines, line, full } = self;
        Self { recorder: recorder.clone(), lines: lines.clone(), line: *line, full: *full }
    }
}
