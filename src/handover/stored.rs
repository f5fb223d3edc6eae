//! A handover as bytes: the policy's parts, and what stands beside them.

use crate::codec::{
    CheckpointError, Fingerprint, FromName, Load, Named, Names, Reader, Store, Writer, impossible,
};
use crate::policy::codes::{put, take};
use crate::policy::{ConfigSource, Epoch, OptionalPart, Policy, Side, ended, unsealed};
use crate::session::SessionState;
use crate::subscriptions::{Beside, Subscriptions};

use super::stats::Counts;
use super::{Config, Draining, Handover, Old};

/// Another one than that of a policy alone.
const MAGIC: u8 = 0xd4;
const VERSION: u8 = 1;

impl<R: Store, T: Named, S: Store, C: ConfigSource, E: Store> Handover<R, T, S, C, E> {
    /// Writes all of its state to the beginning of `out`: see [`Policy::checkpoint`]. A connection with its session beside a
    /// successor takes about 60 bytes more. It is no checkpoint of a policy; [`from_checkpoint`](Self::from_checkpoint) reads
    /// it.
    ///
    /// # Errors
    /// [`CheckpointError::Full`]; `out` is then partly written and holds no checkpoint.
    ///
    /// ```
    /// use redial::handover::{self, Handover};
    /// use redial::record::Names;
    /// use redial::{Event, Instant, Policy, SplitMix64, presets};
    ///
    /// let policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    /// let mut handover = policy.with_handover(handover::Config::DEFAULT);
    /// let _open = handover.handle_event(Instant::ZERO, Event::Start);
    /// let mut bytes = [0; 256];
    /// let length = handover.checkpoint(Names::Shown, &mut bytes)?;
    ///
    /// let copy =
    ///     Handover::from_checkpoint(&presets::RECOMMENDED, handover::Config::DEFAULT, &bytes[..length])?;
    /// assert!(handover == copy);
    /// # Ok::<(), redial::record::CheckpointError>(())
    /// ```
    pub fn checkpoint(&self, names: Names, out: &mut [u8]) -> Result<usize, CheckpointError> {
        let mut writer = Writer::new(out, names);
        self.store(&mut writer)?;
        writer.sealed()
    }
}

/// A [checkpoint](Handover::checkpoint) without its checksum: what a recording begins with.
impl<R: Store, T: Named, S: Store, C: ConfigSource, E: Store> Store for Handover<R, T, S, C, E> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        to.bytes(&[MAGIC, VERSION])?;
        to.bytes(&fingerprint(self.policy.lent(), self.config.as_ref()).to_le_bytes())?;
        self.policy.store_rng(to)?;
        self.store_without_rng(to)
    }
}

impl<R, T: Named, S: Store, C: ConfigSource, E: Store> Handover<R, T, S, C, E> {
    pub(crate) fn store_without_rng(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { policy, config: _, old, draining, newest, counts } = self;
        policy.store_without_rng(to)?;
        to.flag(old.is_some())?;
        if let Some(old) = old {
            old.store(to)?;
        }
        to.flag(draining.is_some())?;
        if let Some(Draining { epoch, until }) = draining {
            to.counter(epoch.get())?;
            to.instant(*until)?;
        }
        to.counter(newest.map_or(0, Epoch::get))?;
        counts.store(to)
    }
}

impl<R: Load, T, S, C, E: Load> Handover<R, T, S, C, E>
where
    T: FromName + PartialEq,
    S: Load + Subscriptions,
    C: ConfigSource,
{
    /// The handover that [`checkpoint`](Self::checkpoint) wrote, on the configs that it had then: see
    /// [`Policy::from_checkpoint`].
    ///
    /// # Errors
    /// Those of [`Policy::from_checkpoint`]. The checkpoint of a policy alone is [`CheckpointError::NotACheckpoint`] here; it
    /// becomes a handover by [`Policy::with_handover`].
    pub fn from_checkpoint(
        source: C,
        config: impl Into<Option<Config>>,
        bytes: &[u8],
    ) -> Result<Self, CheckpointError> {
        match bytes {
            [MAGIC, VERSION, ..] => {}
            [MAGIC, version, ..] => return Err(CheckpointError::Version(*version)),
            _ => return Err(CheckpointError::NotACheckpoint),
        }
        let config = config.into();
        let mut from = unsealed(bytes, fingerprint(source.config(), config.as_ref()))?;
        let mut policy: Policy<R, T, Beside<S>, C, E> = Policy::load_parts(source, &mut from)?;
        let old = if from.flag()? { Some(Old::load(&mut from)?) } else { None };
        policy.subscriptions_mut().withhold(old.is_some());
        let draining = if from.flag()? { Some(Draining::load(&mut from)?) } else { None };
        let (newest, counts) = (Epoch::from_raw(from.number()?), Counts::load(&mut from)?);
        ended(&from)?;
        let handover = Self { policy, config, old, draining, newest, counts };
        handover.check()?;
        Ok(handover)
    }
}

impl<R, T, S: Subscriptions, C: ConfigSource, E> Handover<R, T, S, C, E> {
    /// What holds in every state that a handover can be in.
    fn check(&self) -> Result<(), CheckpointError> {
        let Self { policy, config, old, draining, newest, counts } = self;
        let (alone, alive) = (old.is_none(), policy.is_alive());
        let dialling = alive && !policy.is_live();
        let (dial, drains) = (policy.epoch(), self.draining());
        let connection = old.as_ref().and_then(|old| old.side.epoch());
        let differ = |one: Option<Epoch>, other| one.is_none() || one != other;
        let nothing = alone && draining.is_none() && newest.is_none() && *counts == Counts::NEW;
        let held = [
            (config.is_some() || nothing, "a successor of a policy without a handover"),
            (alone || dialling || policy.is_between(), "a successor that is neither dialled nor waited for"),
            (
                old.as_ref().is_none_or(|old| old.until.is_some() == alive),
                "a successor without a limit, or a limit without one",
            ),
            (alone || newest.is_none(), "a successor with another number than the newest"),
            (newest.is_none() || policy.is_established(), "an older connection that is over"),
            (
                !policy.subscriptions().is_started() || !alone && dialling,
                "a new session of a successor that there is not",
            ),
            (
                draining.is_none() || policy.is_established() || policy.is_between(),
                "a dial beside a connection that drains",
            ),
            (
                draining.is_none() || config.as_ref().is_some_and(|config| !config.drain.is_zero()),
                "a connection that drains without a time for it",
            ),
            (
                differ(dial, connection) && differ(dial, drains) && differ(connection, drains),
                "two transports of one number",
            ),
            (
                !counts.gap_since.is_some() || alone && (dialling || policy.is_between()),
                "a gap while there is a connection, or none is wanted",
            ),
        ];
        held.iter().try_for_each(|(holds, what)| if *holds { Ok(()) } else { Err(impossible(what)) })
    }
}

/// Of both configs.
fn fingerprint(policy: &crate::policy::Config, handover: Option<&Config>) -> u32 {
    Fingerprint::of(&(policy, handover))
}

impl<H: OptionalPart<crate::heartbeat::Heartbeat>, X> Old<H, X> {
    fn store<T: Named>(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError>
    where
        X: OptionalPart<SessionState<T>>,
    {
        let Self { side, until, refused, renewed } = self;
        side.store(to)?;
        to.opt_instant(*until)?;
        to.flag(*renewed)?;
        to.flag(refused.is_some())?;
        refused.map_or(Ok(()), |reason| put(to, reason))
    }

    fn load<T: FromName + PartialEq>(from: &mut Reader<'_>) -> Result<Self, CheckpointError>
    where
        X: OptionalPart<SessionState<T>>,
    {
        let (side, until) = (Side::load(from)?, from.opt_instant()?);
        let renewed = from.flag()?;
        let refused = if from.flag()? { Some(take(from)?) } else { None };
        Ok(Self { side, until, refused, renewed })
    }
}

impl Load for Draining {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let epoch = Epoch::from_raw(from.number()?).ok_or(impossible("a connection without a number"))?;
        Ok(Self { epoch, until: from.instant()? })
    }
}

impl Store for Counts {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { handovers, failed, gap_ms, gap_since } = self;
        to.counter(*handovers)?;
        to.counter(*failed)?;
        to.counter(*gap_ms)?;
        to.opt_instant(*gap_since)
    }
}

impl Load for Counts {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        Ok(Self {
            handovers: from.number()?,
            failed: from.number()?,
            gap_ms: from.number()?,
            gap_since: from.opt_instant()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use core::time::Duration;

    use crate::backoff::BackoffConfig;
    use crate::policy::{Establish, Event};
    use crate::rng::SplitMix64;
    use crate::time::{Instant, OptInstant};

    type Whole = Handover<SplitMix64>;

    static CONFIG: crate::policy::Config =
        crate::policy::Config::new(BackoffConfig::constant(Duration::from_secs(1)).build_const())
            .establish(Establish::OnOpen)
            .build_const();

    fn epoch(number: u32) -> Epoch {
        Epoch::from_raw(number).unwrap()
    }

    fn idle() -> Whole {
        let drains = Config::new().drain(Duration::from_secs(9)).build_const();
        Policy::new(&CONFIG, SplitMix64::new(7)).with_handover(drains)
    }

    fn told(mut it: Whole, events: &[Event<(), Infallible>]) -> Whole {
        for (number, event) in (1..).zip(events) {
            let _actions = it.handle_event(Instant::from_millis(number * 100_000), event.clone());
            assert_eq!(it.check(), Ok(()), "{it:?}");
        }
        it
    }

    /// Online, with a connection that drains.
    fn draining() -> Whole {
        let opened = |number| Event::Opened { epoch: epoch(number) };
        let it = told(idle(), &[Event::Start, opened(1), Event::Redial, opened(2)]);
        assert_eq!((it.policy.epoch(), it.draining()), (Some(epoch(2)), Some(epoch(1))));
        it
    }

    fn refused(mut it: Whole, what: &'static str, change: impl FnOnce(&mut Whole)) {
        assert_eq!(it.check(), Ok(()));
        change(&mut it);
        assert_eq!(it.check(), Err(impossible(what)), "{it:?}");
    }

    /// R100, S92: what no handover can be in is not read.
    #[test]
    fn a_handover_that_can_not_be_is_refused() {
        let drain = Some(Draining { epoch: epoch(9), until: Instant::MAX });
        let gap = OptInstant::at(Instant::ZERO);
        let dialling = || told(idle(), &[Event::Start]);
        let successor = || {
            let opened = Event::Opened { epoch: epoch(1) };
            let it = told(idle(), &[Event::Start, opened, Event::Redial]);
            assert!(it.old.is_some());
            it
        };

        let why = "a gap while there is a connection, or none is wanted";
        refused(idle(), why, |it| it.counts.gap_since = gap);
        refused(draining(), why, |it| it.counts.gap_since = gap);
        let mut gaping = dialling();
        gaping.counts.gap_since = gap;
        assert_eq!(gaping.check(), Ok(()));
        refused(idle(), "an older connection that is over", |it| it.newest = Some(epoch(3)));
        refused(successor(), "a successor with another number than the newest", |it| {
            it.newest = Some(epoch(3))
        });
        let why = "a dial beside a connection that drains";
        refused(idle(), why, |it| it.draining.clone_from(&drain));
        refused(dialling(), why, |it| it.draining.clone_from(&drain));
        let why = "a connection that drains without a time for it";
        refused(draining(), why, |it| it.config = Some(Config::DEFAULT));
        let why = "two transports of one number";
        refused(draining(), why, |it| it.draining.as_mut().unwrap().epoch = epoch(2));
        let why = "a successor without a limit, or a limit without one";
        refused(successor(), why, |it| it.old.as_mut().unwrap().until = OptInstant::NONE);
        let why = "a successor of a policy without a handover";
        refused(draining(), why, |it| it.config = None);
        refused(successor(), why, |it| it.config = None);
        for change in [
            &(|it: &mut Whole| it.newest = Some(epoch(3))) as &dyn Fn(&mut Whole),
            &|it| it.counts.handovers = 1,
            &|it| it.draining = Some(Draining { epoch: epoch(9), until: Instant::MAX }),
        ] {
            refused(idle(), why, |it| {
                it.config = None;
                change(it);
            });
        }
        let mut without = idle();
        without.config = None;
        assert_eq!(without.check(), Ok(()));
    }

    /// F75: a session that is new is a successor's, while that is there.
    #[test]
    fn a_new_session_is_that_of_a_successor() {
        let why = "a new session of a successor that there is not";
        let started = |it: &mut Whole| {
            it.policy.subscriptions_mut().withhold(true);
            it.policy.subscriptions_mut().session_started();
        };
        refused(idle(), why, started);
        refused(told(idle(), &[Event::Start]), why, started);
        refused(draining(), why, started);
    }
}
