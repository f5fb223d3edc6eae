//! Strategies of proptest for [`Script`]s, events, configs, causes and clocks (feature `proptest`).
//!
//! Each makes its values of bytes, as a [`Script`] reads them, so that a failing case shrinks toward the simplest: fewer bytes and
//! smaller ones. The types implement proptest's `Arbitrary` with these strategies, so that an argument needs its type only.
//!
//! ```
//! use proptest::prelude::*;
//! use redial::testing::{Script, strategies};
//! use redial::{Cause, Config, Event, Instant, Policy, SplitMix64};
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig::with_cases(16))]
//!     # /*
//!     #[test]
//!     # */
//!     fn a_policy_never_has_two_transports(mut script in strategies::scripts(400)) {
//!         let mut policy = Policy::new(script.config(), SplitMix64::new(script.seed()));
//!         let mut now = Instant::ZERO;
//!         while let Some(step) = script.next_step(&policy, now) {
//!             now = step.at;
//!             let dialled = step.apply(&mut policy).iter().filter(|action| action.as_str() == "open").count();
//!             prop_assert!(dialled <= 1);
//!         }
//!     }
//!
//!     # /*
//!     #[test]
//!     # */
//!     fn every_config_has_a_verdict_for_every_cause(config: Config, cause: Cause) {
//!         let _verdict = config.classifier().classify(cause);
//!     }
//! }
//! # a_policy_never_has_two_transports();
//! # every_config_has_a_verdict_for_every_cause();
//! ```

use alloc::vec::Vec;
use core::fmt::Debug;
use core::time::Duration;

use ::proptest::arbitrary::Arbitrary;
use ::proptest::collection::vec;
use ::proptest::strategy::{BoxedStrategy, Strategy};

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

/// What a script reads of at most so many bytes.
fn read<T: Debug>(most: usize, read: impl Fn(&mut Script<'static>) -> T) -> impl Strategy<Value = T> {
    vec(::proptest::arbitrary::any::<u8>(), 0..=most)
        .prop_map(move |bytes| read(&mut Script::from_vec(bytes)))
}

/// Scripts of 0 to `most` bytes, in which anything may happen. A step takes 5 bytes on average, and a config up to 200.
pub fn scripts(most: usize) -> impl Strategy<Value = Script<'static>> {
    vec(::proptest::arbitrary::any::<u8>(), 0..=most).prop_map(Script::from_vec)
}

/// The same with [sensible events](Script::with_sensible_events) and a [steady clock](Script::with_steady_clock): what a test of a
/// client takes that must get somewhere.
pub fn sensible_scripts(most: usize) -> impl Strategy<Value = Script<'static>> {
    scripts(most).prop_map(|script| script.with_sensible_events().with_steady_clock())
}

/// Configs: [`Script::config`].
pub fn configs() -> impl Strategy<Value = Config> {
    read(400, Script::config)
}

/// Backoffs: [`Script::backoff`].
pub fn backoffs() -> impl Strategy<Value = BackoffConfig> {
    read(40, Script::backoff)
}

/// Breakers that count failures in a row: [`Script::breaker`].
pub fn breakers() -> impl Strategy<Value = breaker::Config> {
    read(30, Script::breaker)
}

/// Configs of handovers: [`Script::handover`].
pub fn handovers() -> impl Strategy<Value = handover::Config> {
    read(20, Script::handover)
}

/// Causes: [`Script::cause`].
pub fn causes() -> impl Strategy<Value = Cause> {
    read(4, Script::cause)
}

/// Spans: [`Script::duration`].
pub fn durations() -> impl Strategy<Value = Duration> {
    read(9, Script::duration)
}

/// 0 to `most` events of every kind, for a policy that may be in any phase: most do not make sense. Those that do depend on the
/// policy, and are a [`sensible_scripts`]'.
pub fn events<T, K>(most: usize) -> impl Strategy<Value = Vec<Event<T, K>>>
where
    T: Sample + Debug,
    K: Sample + Debug,
{
    vec(read(24, Script::any_event), 0..=most)
}

/// The times that a hostile clock shows, 1 to `most` of them: it stands still, jumps by years, runs backwards, and ends.
pub fn hostile_clocks(most: usize) -> impl Strategy<Value = Vec<Instant>> {
    clocks(most, |script, now| script.hostile_time(now, now))
}

/// The times that a steady clock shows, 1 to `most` of them, at most a day apart.
pub fn steady_clocks(most: usize) -> impl Strategy<Value = Vec<Instant>> {
    clocks(most, |script, now| script.steady_time(now, None))
}

fn clocks(
    most: usize,
    next: impl Fn(&mut Script<'static>, Instant) -> Instant,
) -> impl Strategy<Value = Vec<Instant>> {
    vec(vec(::proptest::arbitrary::any::<u8>(), 10), 1..=most.max(1)).prop_map(move |reads| {
        let mut now = Instant::ZERO;
        let mut read = |bytes: Vec<u8>| {
            now = next(&mut Script::from_vec(bytes), now);
            now
        };
        reads.into_iter().map(&mut read).collect()
    })
}

/// `Arbitrary` by what a script reads of so many bytes.
macro_rules! arbitrary {
    ($($type:ty: $most:literal => $read:expr;)*) => {$(
        #[cfg_attr(redial_docsrs, doc(cfg(feature = "proptest")))]
        impl Arbitrary for $type {
            type Parameters = ();
            type Strategy = BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> BoxedStrategy<Self> {
                read($most, $read).boxed()
            }
        }
    )*};
}

arbitrary! {
    Config: 400 => Script::config;
    BackoffConfig: 40 => Script::backoff;
    breaker::Config: 30 => Script::breaker;
    handover::Config: 20 => Script::handover;
    Classifier: 60 => Script::classifier;
    EndpointsConfig: 40 => Script::endpoints;
    HeartbeatConfig: 30 => Script::heartbeat;
    ResumeConfig: 40 => Script::resume;
    RestoreConfig: 30 => Script::restore;
    CredentialConfig: 40 => Script::credential;
    Jitter: 24 => Script::any_jitter;
    Ratio: 2 => Script::ratio;
    Cause: 4 => Script::cause;
    IoKind: 1 => Script::io_kind;
    TlsKind: 1 => Script::tls_kind;
    Class: 1 => Script::class;
    Mode: 1 => |script| if script.flag() { Mode::Resume } else { Mode::Fresh };
    Epoch: 5 => Script::epoch;
    HoldReason: 2 => Script::reason;
    Instant: 10 => Script::instant;
}

/// One event of any kind.
#[cfg_attr(redial_docsrs, doc(cfg(feature = "proptest")))]
impl<T: Sample + Debug + 'static, K: Sample + Debug + 'static> Arbitrary for Event<T, K> {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> BoxedStrategy<Self> {
        read(24, Script::any_event).boxed()
    }
}

/// Mostly none.
#[cfg_attr(redial_docsrs, doc(cfg(feature = "proptest")))]
impl<T: Sample + Debug + 'static> Arbitrary for SessionState<T> {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> BoxedStrategy<Self> {
        read(12, Script::session).boxed()
    }
}

/// [`scripts`] of at most 1,200 bytes.
#[cfg_attr(redial_docsrs, doc(cfg(feature = "proptest")))]
impl Arbitrary for Script<'static> {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> BoxedStrategy<Self> {
        scripts(1_200).boxed()
    }
}
