//! `Arbitrary` of the crate `arbitrary`, for fuzz targets.

use core::time::Duration;

use ::arbitrary::{Arbitrary, Result, Unstructured};

use super::{Sample, Script};
use crate::backoff::{BackoffConfig, Jitter};
use crate::classify::{Cause, Class, Classifier, IoKind, TlsKind};
use crate::endpoints::EndpointsConfig;
use crate::heartbeat::HeartbeatConfig;
use crate::mode::Mode;
use crate::policy::{Config, CredentialConfig, Epoch, Event, HoldReason, RestoreConfig, ResumeConfig};
use crate::ratio::Ratio;
use crate::session::SessionState;
use crate::time::Instant;
use crate::{breaker, handover};

/// What a script reads, with as many bytes as it needs.
fn read<'a, T>(u: &mut Unstructured<'a>, read: impl FnOnce(&mut Script<'a>) -> T) -> Result<T> {
    let mut script = Script::from_bytes(u.peek_bytes(u.len()).unwrap_or_default());
    let value = read(&mut script);
    u.bytes(script.read())?;
    Ok(value)
}

/// As [`Script`] reads them.
macro_rules! read {
    ($($(#[$doc:meta])* $type:ty => $read:expr;)*) => {$(
        $(#[$doc])*
        #[cfg_attr(redial_docsrs, doc(cfg(feature = "arbitrary")))]
        impl<'a> Arbitrary<'a> for $type {
            fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                read(u, $read)
            }
        }
    )*};
}

read! {
    /// [`Script::config`]: every setting over its range, or a preset.
    Config => Script::config;
    /// [`Script::backoff`]: every curve, every jitter.
    BackoffConfig => Script::backoff;
    /// [`Script::breaker`].
    breaker::Config => Script::breaker;
    /// [`Script::handover`].
    handover::Config => Script::handover;
    /// Every setting over its range.
    Classifier => Script::classifier;
    /// Every setting over its range.
    EndpointsConfig => Script::endpoints;
    /// Every setting over its range.
    HeartbeatConfig => Script::heartbeat;
    /// Every setting over its range.
    ResumeConfig => Script::resume;
    /// Every setting over its range.
    RestoreConfig => Script::restore;
    /// Every setting over its range.
    CredentialConfig => Script::credential;
    /// Every jitter; not every one is valid with every curve.
    Jitter => Script::any_jitter;
    /// 0 to 5, and fractions of those.
    Ratio => Script::ratio;
    /// [`Script::cause`]: every kind, any number.
    Cause => Script::cause;
    /// Every kind.
    IoKind => Script::io_kind;
    /// Every kind.
    TlsKind => Script::tls_kind;
    /// Every class.
    Class => Script::class;
    /// Either.
    Mode => |script| if script.flag() { Mode::Resume } else { Mode::Fresh };
    /// [`Script::epoch`]: mostly 1 to 4.
    Epoch => Script::epoch;
    /// Each of the 32, mostly the first.
    HoldReason => Script::reason;
    /// [`Script::instant`]: from the beginning to the end of time.
    Instant => Script::instant;
}

/// [`Script::any_event`]: of every kind. Events for a policy that is there are better made by [`Script::event`].
#[cfg_attr(redial_docsrs, doc(cfg(feature = "arbitrary")))]
impl<'a, T: Sample, K: Sample> Arbitrary<'a> for Event<T, K> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        read(u, Script::any_event)
    }
}

/// [`Script::session`]: mostly empty.
#[cfg_attr(redial_docsrs, doc(cfg(feature = "arbitrary")))]
impl<'a, T: Sample> Arbitrary<'a> for SessionState<T> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        read(u, Script::session)
    }
}

/// The script of the rest of the bytes, where it is the last or only argument; within a struct, of some of them.
#[cfg_attr(redial_docsrs, doc(cfg(feature = "arbitrary")))]
impl<'a> Arbitrary<'a> for Script<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self::from_bytes(<&[u8]>::arbitrary(u)?))
    }

    fn arbitrary_take_rest(u: Unstructured<'a>) -> Result<Self> {
        Ok(Self::from_bytes(u.take_rest()))
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        <&[u8]>::size_hint(depth)
    }
}

/// A span, for a derived struct: `#[arbitrary(with = redial::testing::arbitrary_duration)] wait: Duration`. As
/// [`Script::duration`]: the usual ones, both ends, and any number.
///
/// ```
/// use core::time::Duration;
/// use arbitrary::{Arbitrary, Unstructured};
/// use redial::testing::arbitrary_duration;
///
/// struct Settings {
///     patience: Duration,
/// }
///
/// impl<'a> Arbitrary<'a> for Settings {
///     fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
///         Ok(Self { patience: arbitrary_duration(bytes)? })
///     }
/// }
/// # let settings = Settings::arbitrary(&mut Unstructured::new(&[1; 32])).unwrap();
/// # let _ = settings.patience;
/// ```
///
/// # Errors
/// None.
#[cfg_attr(redial_docsrs, doc(cfg(feature = "arbitrary")))]
pub fn arbitrary_duration(u: &mut Unstructured<'_>) -> Result<Duration> {
    read(u, Script::duration)
}
