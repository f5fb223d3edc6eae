//! A live connection beside its successor, in a checkpoint.

use crate::codec::{CheckpointError, FromName, Load, Named, Reader, Store, Writer, impossible};
use crate::heartbeat::Heartbeat;
use crate::session::SessionState;

use super::super::codes::{put, put_trigger, take, take_trigger};
use super::super::event::Epoch;
use super::super::side::{OF_TRANSPORT, Side};
use super::super::source::OptionalPart;
use super::super::state::{Flag, Reached, Stage, load_part, store_part};

impl<H: OptionalPart<Heartbeat>, X> Side<H, X> {
    pub(crate) fn store<T: Named>(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError>
    where
        X: OptionalPart<SessionState<T>>,
    {
        let Self {
            epoch,
            mode,
            reached,
            resume_failures,
            flags,
            stage,
            heartbeat,
            established_or_backoff_at,
            backoff_by,
            since,
            trigger,
            endpoint,
            session,
        } = self;
        to.counter(epoch.map_or(0, Epoch::get))?;
        put(to, *mode)?;
        put(to, *reached)?;
        to.bytes(&[*resume_failures])?;
        to.number(*flags)?;
        stage.store(to)?;
        store_part(to, heartbeat.get())?;
        to.instant(*established_or_backoff_at)?;
        put(to, *backoff_by)?;
        to.instant(*since)?;
        put_trigger(to, *trigger)?;
        put(to, *endpoint)?;
        store_part(to, session.get())
    }

    pub(crate) fn load<T: FromName + PartialEq>(from: &mut Reader<'_>) -> Result<Self, CheckpointError>
    where
        X: OptionalPart<SessionState<T>>,
    {
        let side = Self {
            epoch: Epoch::from_raw(from.number()?),
            mode: take(from)?,
            reached: take(from)?,
            resume_failures: from.byte()?,
            flags: from.number()?,
            stage: Stage::load(from)?,
            heartbeat: load_part(from, "it has a heartbeat")?,
            established_or_backoff_at: from.instant()?,
            backoff_by: take(from)?,
            since: from.instant()?,
            trigger: take_trigger(from)?,
            endpoint: take(from)?,
            session: load_part(from, "it has a session")?,
        };
        side.check()?;
        Ok(side)
    }

    /// What holds of every connection that has a successor.
    fn check(&self) -> Result<(), CheckpointError> {
        let held = [
            (self.epoch.is_some(), "a connection without a number"),
            (
                matches!(self.stage, Stage::Live { .. } | Stage::Authenticating { .. }),
                "a connection with a successor that is not live",
            ),
            (self.flags & Flag::Established as u16 != 0, "a live connection that is not established"),
            (self.flags & !OF_TRANSPORT == 0, "a connection with conditions of its policy"),
            (self.reached >= Reached::Opened, "a live connection that is not open"),
        ];
        held.iter().try_for_each(|(holds, what)| if *holds { Ok(()) } else { Err(impossible(what)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;
    use crate::policy::{Endpoint, Trigger, WaitReason};
    use crate::time::{Instant, OptInstant};

    type Whole = Side<Heartbeat, SessionState<u8>>;

    fn live() -> Whole {
        Side {
            epoch: Epoch::from_raw(1),
            mode: Mode::Fresh,
            reached: Reached::Opened,
            resume_failures: 0,
            flags: Flag::Established as u16,
            stage: Stage::Live { restored: true, replace_at: OptInstant::NONE, reason: WaitReason::Backoff },
            heartbeat: Heartbeat::new(),
            established_or_backoff_at: Instant::ZERO,
            backoff_by: WaitReason::Backoff,
            since: Instant::ZERO,
            trigger: Trigger::New,
            endpoint: Endpoint::Base,
            session: SessionState::new(),
        }
    }

    /// S92: what no connection with a successor can be in is not read.
    #[test]
    fn a_connection_that_can_have_no_successor_is_refused() {
        let refused = |what: &'static str, change: &dyn Fn(&mut Whole)| {
            let mut side = live();
            assert_eq!(side.check(), Ok(()));
            change(&mut side);
            assert_eq!(side.check(), Err(impossible(what)));
        };
        refused("a connection without a number", &|side| side.epoch = None);
        refused("a connection with a successor that is not live", &|side| side.stage = Stage::Idle);
        refused("a live connection that is not established", &|side| side.flags = 0);
        refused("a live connection that is not established", &|side| side.flags = Flag::Outage as u16);
        refused("a connection with conditions of its policy", &|side| side.flags |= Flag::Hidden as u16);
        refused("a live connection that is not open", &|side| side.reached = Reached::Nothing);
        let mut sends = live();
        sends.stage = Stage::Authenticating { deadline: Instant::ZERO };
        sends.reached = Reached::Settled;
        assert_eq!(sends.check(), Ok(()));
    }
}
