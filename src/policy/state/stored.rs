//! The state of a policy in a checkpoint, field by field.

use crate::backoff::Backoff;
use crate::breaker::CircuitBreaker;
use crate::codec::{CheckpointError, FromName, Load, Named as HasName, Reader, Store, Writer, impossible};
use crate::heartbeat::Heartbeat;
use crate::time::Instant;

use super::super::codes::{put, put_cause, put_trigger, take, take_cause, take_trigger};
use super::super::event::Epoch;
use super::super::source::OptionalPart;
use super::super::stats::Counts;
use super::{Flag, Named, Progress, Stage, State, Streaks};

impl<B, H, T> Store for State<B, H, Named<T>>
where
    B: OptionalPart<CircuitBreaker>,
    H: OptionalPart<Heartbeat>,
    T: HasName,
{
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self {
            latest,
            epoch,
            progress,
            flags,
            stage,
            heartbeat,
            established_or_backoff_at,
            since,
            outage_since,
            backoff,
            floor_at,
            dialled_at,
            credential_at,
            breaker,
            attempt,
            holds,
            counts,
            last_cause,
            limited_by,
            replaced_secs,
            trigger,
            backoff_by,
            floor_by,
            limited,
            rate_limited,
            credential,
            rejections,
            endpoint,
            resume_failures,
            replaced,
            hops,
            streaks,
            redirect,
        } = self;
        to.instant(*latest)?;
        to.counter(epoch.map_or(0, Epoch::get))?;
        put(to, progress.mode())?;
        put(to, progress.reached())?;
        to.number(*flags)?;
        stage.store(to)?;
        store_part(to, heartbeat.get())?;
        if self.is(Flag::Established) {
            to.instant(*established_or_backoff_at)?;
        } else {
            to.gate(*established_or_backoff_at)?;
        }
        to.instant(*since)?;
        // The time that it is parked does not count.
        let parked = matches!(stage, Stage::Parked { .. }).then_some(*since);
        to.signed_instant_from(*outage_since, parked)?;
        backoff.store(to)?;
        to.gate(*floor_at)?;
        to.opt_instant(*dialled_at)?;
        to.opt_instant(*credential_at)?;
        store_part(to, breaker.get())?;
        to.number(*attempt)?;
        to.number(*holds)?;
        counts.store(to)?;
        put_cause(to, *last_cause)?;
        put_cause(to, *limited_by)?;
        to.seconds(*replaced_secs)?;
        put_trigger(to, *trigger)?;
        put(to, *backoff_by)?;
        put(to, *floor_by)?;
        put(to, *credential)?;
        put(to, *endpoint)?;
        let small =
            [*limited, *rate_limited, *rejections, *resume_failures, *replaced, *hops, streaks.to_bits()];
        to.bytes(&small)?;
        to.name(redirect.0.as_ref())
    }
}

impl<B, H, T> Load for State<B, H, Named<T>>
where
    B: OptionalPart<CircuitBreaker>,
    H: OptionalPart<Heartbeat>,
    T: FromName,
{
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let latest = from.instant()?;
        let epoch = Epoch::from_raw(from.number()?);
        let (mode, reached, flags) = (take(from)?, take(from)?, from.number()?);
        let stage = Stage::load(from)?;
        let heartbeat = load_part(from, "it has a heartbeat")?;
        let (established_or_backoff_at, since) = (from.instant()?, from.instant()?);
        let (outage_since, backoff) = (from.signed_instant()?, Backoff::load(from)?);
        let (floor_at, dialled_at, credential_at) =
            (from.instant()?, from.opt_instant()?, from.opt_instant()?);
        let breaker = load_part(from, "it has a breaker")?;
        let (attempt, holds) = (from.number()?, from.number()?);
        let counts = Counts::load(from)?;
        let (last_cause, limited_by) = (take_cause(from)?, take_cause(from)?);
        let (replaced_secs, trigger) = (from.number()?, take_trigger(from)?);
        let (backoff_by, floor_by) = (take(from)?, take(from)?);
        let (credential, endpoint) = (take(from)?, take(from)?);
        let [limited, rate_limited, rejections, resume_failures, replaced, hops, streaks] = from.array()?;
        let redirect = Named(from.name()?);
        let state = Self {
            latest,
            epoch,
            progress: Progress::before(mode, reached),
            flags,
            stage,
            heartbeat,
            established_or_backoff_at,
            since,
            outage_since,
            backoff,
            floor_at,
            dialled_at,
            credential_at,
            breaker,
            attempt,
            holds,
            counts,
            last_cause,
            limited_by,
            replaced_secs,
            trigger,
            backoff_by,
            floor_by,
            limited,
            rate_limited,
            credential,
            rejections,
            endpoint,
            resume_failures,
            replaced,
            hops,
            streaks: Streaks::from_bits(streaks),
            redirect,
        };
        state.check()?;
        Ok(state)
    }
}

impl<B, H: OptionalPart<Heartbeat>, N> State<B, H, N> {
    /// What holds in every state that a policy can be in.
    fn check(&self) -> Result<(), CheckpointError> {
        let alive = self.stage.is_alive();
        let held = [
            (self.latest <= Instant::END, "its clock is at its end"),
            (
                self.epoch.is_some() == (self.counts.opens > 0),
                "it has dialled without a number, or has one without a dial",
            ),
            (self.epoch.is_some() || !alive, "a transport without a number"),
            (alive || !self.is_open(), "an open transport that is over"),
            (
                !matches!(self.stage, Stage::Connecting { .. }) || !self.is_open(),
                "an open transport that is being opened",
            ),
            (
                !matches!(self.stage, Stage::Live { .. }) || self.is(Flag::Established),
                "a live connection that is not established",
            ),
            (alive || !self.is(Flag::Established), "an established connection that is over"),
            (
                alive || !self.heartbeat.get().is_some_and(Heartbeat::is_running),
                "a heartbeat without a connection",
            ),
        ];
        held.iter().try_for_each(|(holds, what)| if *holds { Ok(()) } else { Err(impossible(what)) })
    }
}

const IDLE: u8 = 0;
const CONNECTING: u8 = 1;
const GREETING: u8 = 2;
const ESTABLISHING: u8 = 3;
const AUTHENTICATING: u8 = 4;
const RESTORING: u8 = 5;
const ONLINE: u8 = 6;
const WAITING: u8 = 7;
const PARKED: u8 = 8;
const STOPPED: u8 = 9;
const FAILED: u8 = 10;

impl Store for Stage {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        match *self {
            Self::Idle => to.bytes(&[IDLE]),
            Self::Connecting { deadline } => {
                to.bytes(&[CONNECTING])?;
                to.instant(deadline)
            }
            Self::Greeting { deadline } => {
                to.bytes(&[GREETING])?;
                to.instant(deadline)
            }
            Self::Establishing { deadline } => {
                to.bytes(&[ESTABLISHING])?;
                to.opt_instant(deadline)
            }
            Self::Authenticating { deadline } => {
                to.bytes(&[AUTHENTICATING])?;
                to.instant(deadline)
            }
            Self::Live { restored, replace_at, reason } => {
                to.bytes(&[if restored { ONLINE } else { RESTORING }])?;
                to.opt_instant(replace_at)?;
                put(to, reason)
            }
            Self::Waiting { until, reason } => {
                to.bytes(&[WAITING])?;
                to.instant(until)?;
                put(to, reason)
            }
            Self::Parked { on } => {
                to.bytes(&[PARKED])?;
                put(to, on)
            }
            Self::Stopped => to.bytes(&[STOPPED]),
            Self::Failed { reason } => {
                to.bytes(&[FAILED])?;
                put(to, reason)
            }
        }
    }
}

impl Load for Stage {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        Ok(match from.byte()? {
            IDLE => Self::Idle,
            CONNECTING => Self::Connecting { deadline: from.instant()? },
            GREETING => Self::Greeting { deadline: from.instant()? },
            ESTABLISHING => Self::Establishing { deadline: from.opt_instant()? },
            AUTHENTICATING => Self::Authenticating { deadline: from.instant()? },
            code @ (RESTORING | ONLINE) => {
                Self::Live { restored: code == ONLINE, replace_at: from.opt_instant()?, reason: take(from)? }
            }
            WAITING => Self::Waiting { until: from.instant()?, reason: take(from)? },
            PARKED => Self::Parked { on: take(from)? },
            STOPPED => Self::Stopped,
            FAILED => Self::Failed { reason: take(from)? },
            _ => return Err(impossible("a policy in no state")),
        })
    }
}

impl Store for Counts {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self {
            opens,
            established,
            failed,
            losses,
            resumed,
            fresh,
            stale,
            last_uptime_ms,
            zombies,
            heartbeats_missed,
            client_faults,
            retry_after_cut,
            clock_rewinds,
            request,
        } = self;
        for count in [opens, established, failed, losses, resumed, fresh, stale, last_uptime_ms] {
            to.counter(*count)?;
        }
        for count in [zombies, heartbeats_missed, client_faults, retry_after_cut, clock_rewinds, request] {
            to.counter(*count)?;
        }
        Ok(())
    }
}

impl Load for Counts {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        Ok(Self {
            opens: from.number()?,
            established: from.number()?,
            failed: from.number()?,
            losses: from.number()?,
            resumed: from.number()?,
            fresh: from.number()?,
            stale: from.number()?,
            last_uptime_ms: from.number()?,
            zombies: from.number()?,
            heartbeats_missed: from.number()?,
            client_faults: from.number()?,
            retry_after_cut: from.number()?,
            clock_rewinds: from.number()?,
            request: from.number()?,
        })
    }
}

/// Writes a part that may be left out.
pub(in super::super) fn store_part(
    to: &mut Writer<'_>,
    part: Option<&impl Store>,
) -> Result<(), CheckpointError> {
    to.flag(part.is_some())?;
    part.map_or(Ok(()), |part| part.store(to))
}

/// Reads a part that may be left out, here or where it was written.
pub(in super::super) fn load_part<X: OptionalPart<X> + Load + PartialEq, P: OptionalPart<X>>(
    from: &mut Reader<'_>,
    what: &'static str,
) -> Result<P, CheckpointError> {
    let mut part = P::NEW;
    if from.flag()? {
        let read = X::load(from)?;
        match part.get_mut() {
            Some(part) => *part = read,
            None if read == X::NEW => {}
            None => return Err(CheckpointError::Unfit(what)),
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read_back;
    use crate::mode::Mode;
    use crate::policy::{GiveUp, WaitReason};
    use crate::time::OptInstant;

    use super::super::Reached;

    type Whole = State<CircuitBreaker, Heartbeat, Named<u8>>;

    /// S92, S93: what no policy can be in is not read.
    #[test]
    fn a_state_that_no_policy_can_be_in_is_refused() {
        let refused = |what: &'static str, change: &dyn Fn(&mut Whole)| {
            let mut state = Whole::NEW;
            assert_eq!(state.check(), Ok(()));
            change(&mut state);
            assert_eq!(state.check(), Err(impossible(what)));
        };
        let connecting = |state: &mut Whole| {
            state.stage = Stage::Connecting { deadline: Instant::ZERO };
            state.epoch = Epoch::from_raw(1);
            state.counts.opens = 1;
        };
        let opened = Progress::before(Mode::Fresh, Reached::Opened);
        refused("its clock is at its end", &|state| state.latest = Instant::MAX);
        let number = "it has dialled without a number, or has one without a dial";
        refused(number, &|state| state.epoch = Epoch::from_raw(1));
        refused(number, &|state| state.counts.opens = 1);
        refused("a transport without a number", &|state| {
            state.stage = Stage::Connecting { deadline: Instant::ZERO };
        });
        refused("an open transport that is over", &|state| state.progress = opened);
        refused("an open transport that is being opened", &|state| {
            connecting(state);
            state.progress = opened;
        });
        refused("a live connection that is not established", &|state| {
            connecting(state);
            state.stage =
                Stage::Live { restored: true, replace_at: OptInstant::NONE, reason: WaitReason::Backoff };
        });
        refused("an established connection that is over", &|state| state.set(Flag::Established, true));
        refused("a heartbeat without a connection", &|state| {
            assert!(state.heartbeat.keep_alive(Instant::ZERO, core::time::Duration::from_secs(1)));
        });
        let mut dials = Whole::NEW;
        connecting(&mut dials);
        assert_eq!(dials.check(), Ok(()));
    }

    #[test]
    fn every_stage_is_read_as_it_was_written() {
        let (deadline, reason) = (Instant::from_millis(7), WaitReason::Backoff);
        for stage in [
            Stage::Idle,
            Stage::Connecting { deadline },
            Stage::Greeting { deadline },
            Stage::Establishing { deadline: OptInstant::at(deadline) },
            Stage::Establishing { deadline: OptInstant::NONE },
            Stage::Authenticating { deadline },
            Stage::Live { restored: false, replace_at: OptInstant::NONE, reason },
            Stage::Live { restored: true, replace_at: OptInstant::at(deadline), reason },
            Stage::Waiting { until: deadline, reason },
            Stage::Parked { on: reason },
            Stage::Stopped,
            Stage::Failed { reason: GiveUp::Fatal },
        ] {
            assert_eq!(read_back(&stage), Ok(stage));
        }
        assert!(Stage::load(&mut Reader::new(&[FAILED + 1, 0, 0])).is_err());
    }

    /// A part that is left out is one that was not used.
    #[test]
    fn a_part_that_was_used_is_not_left_out() {
        let mut bytes = [0; 60];
        let mut read = |heartbeat: &Heartbeat| {
            let mut writer = Writer::new(&mut bytes, crate::codec::Names::Shown);
            store_part(&mut writer, Some(heartbeat)).unwrap();
            let part: Result<(), _> =
                load_part::<Heartbeat, ()>(&mut Reader::new(writer.written()), "it beats");
            part
        };
        let mut heartbeat = Heartbeat::new();
        assert_eq!(read(&heartbeat), Ok(()));
        assert!(heartbeat.keep_alive(Instant::ZERO, core::time::Duration::from_secs(1)));
        assert_eq!(read(&heartbeat), Err(CheckpointError::Unfit("it beats")));
    }

    /// S86: two counts in one byte, of which neither runs into the other, and which are stored as they are.
    #[test]
    fn two_counts_in_one_byte_stay_apart() {
        let mut streaks = Streaks::NONE;
        for number in 1..40 {
            assert_eq!((streaks.refused(), streaks.deferred()), (number.min(15), number.min(15)));
            assert_eq!(Streaks::from_bits(streaks.to_bits()), streaks);
        }
        let mut alone = Streaks::NONE;
        assert_eq!([(); 17].map(|()| alone.deferred())[16], 15);
        assert_eq!(alone.refused(), 1);
    }
}
