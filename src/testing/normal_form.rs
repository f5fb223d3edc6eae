//! A policy's state without what no decision depends on.

use core::time::Duration;

use crate::Policy;
use crate::codec::{Store, Writer};
use crate::handover::{Handover, Sealed};
use crate::mode::Mode;
use crate::policy::ConfigSource;
use crate::record::{CheckpointError, Named};
use crate::time::{Instant, Micros, OptInstant};

use super::checked::{Checkable, Checked};
use super::model::{Handovers, Model, Transport};

/// Writes the state of a policy to the beginning of `out`, seen from `now`, and returns how many bytes that took: what a
/// search through all states of a policy takes for equal.
///
/// Two policies on one config whose forms are equal take the same decisions from here on, for the same events at the same
/// distances from `now`. A form is therefore without:
///
/// - the place of time: each instant is a distance from `now`, and one more than `horizon` in the past is `horizon` ago.
///   `horizon` must be twice as long as any span of the config; and longer than the whole search where several endpoints have
///   failed, whose failures halve at multiples of a span, or where the host reports a sleep, which moves what is past;
/// - the numbers by which late answers are told from newer ones (epochs, requests of a credential, sends of a subscription,
///   generations of the breaker), so that events with such a number must name the newest;
/// - the counters of [`Policy::stats`];
/// - the part of a second, in which [`Class::Replaced`](crate::classify::Class::Replaced) is remembered;
/// - the generator. Where a config draws, set it before each step ([`Policy::with_rng`]).
///
/// # Errors
/// [`CheckpointError::Full`]: `out` is too small. 300 bytes are enough for a policy; its names, subscriptions and endpoints come
/// on top.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::normal_form;
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let started = |seed, at| {
///     let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(seed));
///     assert_eq!(policy.handle_event(at, Event::Start).len(), 1);
///     policy
/// };
/// let horizon = Duration::from_secs(3_600);
/// let (early, late) = (Instant::from_millis(4_000_000), Instant::from_millis(9_876_543));
/// let (mut one, mut other) = ([0; 300], [0; 300]);
/// let length = normal_form(&started(7, early), early, horizon, &mut one)?;
/// assert_eq!(normal_form(&started(8, late), late, horizon, &mut other), Ok(length));
/// assert_eq!(one[..length], other[..length]);
/// # Ok::<(), redial::record::CheckpointError>(())
/// ```
pub fn normal_form<D: Normal>(
    policy: &D,
    now: Instant,
    horizon: Duration,
    out: &mut [u8],
) -> Result<usize, CheckpointError> {
    let mut writer = Writer::normal(out, now, Micros::from_duration(horizon));
    policy.write_form(&mut writer)?;
    Ok(writer.length())
}

/// What has a [normal form](normal_form): a [`Policy`] or a [`Handover`] whose parts can be written into a checkpoint, and a
/// [`Checked`] around one, whose form also holds what it knows of the driver and the host.
///
/// This trait is sealed.
pub trait Normal: Sealed {
    #[doc(hidden)]
    fn write_form(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError>;
}

impl<R, T: Named, S: Store, C: ConfigSource, E: Store> Normal for Policy<R, T, S, C, E> {
    fn write_form(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        self.store_without_rng(to)
    }
}

impl<R, T: Named, S: Store, C: ConfigSource, E: Store> Normal for Handover<R, T, S, C, E> {
    fn write_form(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        self.store_without_rng(to)
    }
}

impl<D: Checkable + Normal> Normal for Checked<D> {
    fn write_form(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        (**self).write_form(to)?;
        self.model().write_form(to)
    }
}

impl Model {
    /// All of it, as a [normal form](super::normal_form) has it: without the numbers of transports and counters.
    fn write_form(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self {
            called_at,
            connection,
            successor,
            replaced,
            draining,
            last_epoch: _,
            dialled_at,
            credential_asked,
            credential_doubted,
            holds,
            network_down,
            hidden,
            gave_up,
            handovers: Handovers { steady, promoted: _, gap_since, gap_ms: _ },
        } = self;
        to.opt_instant(OptInstant::new(*called_at))?;
        let transport = |to: &mut Writer<'_>, transport: Option<&Transport>| {
            to.number(transport.map_or(0, Transport::bits))
        };
        transport(to, connection.as_ref())?;
        transport(to, successor.as_ref().map(|(successor, _)| successor))?;
        transport(to, replaced.as_ref())?;
        for at in [successor.as_ref().map(|it| it.1), draining.map(|it| it.1), *dialled_at, *gap_since] {
            to.opt_instant(OptInstant::new(at))?;
        }
        to.number(*holds)?;
        for flag in [*credential_asked, *credential_doubted, *network_down, *hidden, *steady] {
            to.flag(flag)?;
        }
        to.opt_number(gave_up.map(u32::from))
    }
}

impl Transport {
    /// All of it but its number, and not 0.
    fn bits(&self) -> u32 {
        let Self {
            epoch: _,
            mode,
            open,
            identified,
            established,
            heartbeats,
            authenticating,
            unanswered,
            renewed,
        } = *self;
        let flags = [
            true,
            mode == Mode::Resume,
            open,
            identified,
            established,
            heartbeats,
            authenticating,
            unanswered,
            renewed,
        ];
        flags.into_iter().fold(0, |bits, flag| bits << 1 | u32::from(flag))
    }
}
