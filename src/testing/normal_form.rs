//! A policy's state without what no decision depends on.

use core::time::Duration;

use crate::codec::{Store, Writer};
use crate::policy::ConfigSource;
use crate::record::{CheckpointError, Named};
use crate::time::{Instant, Micros};
use crate::Policy;

/// Writes the state of a policy to the beginning of `out`, seen from `now`, and returns how many bytes that took: what a
/// search through all states of a policy takes for equal.
///
/// Two policies on one config whose forms are equal take the same decisions from here on, for the same events at the same
/// distances from `now`. A form is therefore without:
///
/// - the place of time: each instant is a distance from `now`, and one more than `horizon` in the past is `horizon` ago.
///   `horizon` must not be shorter than any span of the config, nor than a minute;
/// - the numbers by which late answers are told from newer ones (epochs, requests of a credential, sends of a subscription,
///   generations of the breaker), so that events with such a number must name the newest;
/// - the counters of [`Policy::stats`];
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
/// let (early, late) = (Instant::from_millis(1), Instant::from_millis(999_999));
/// let (mut one, mut other) = ([0; 300], [0; 300]);
/// let length = normal_form(&started(7, early), early, horizon, &mut one)?;
/// assert_eq!(normal_form(&started(8, late), late, horizon, &mut other), Ok(length));
/// assert_eq!(one[..length], other[..length]);
/// # Ok::<(), redial::record::CheckpointError>(())
/// ```
pub fn normal_form<R, T, S, C, E>(
    policy: &Policy<R, T, S, C, E>,
    now: Instant,
    horizon: Duration,
    out: &mut [u8],
) -> Result<usize, CheckpointError>
where
    R: Store,
    T: Named,
    S: Store,
    C: ConfigSource,
    E: Store,
{
    let mut writer = Writer::normal(out, now, Micros::from_duration(horizon));
    policy.store_without_rng(&mut writer)?;
    Ok(writer.length())
}
