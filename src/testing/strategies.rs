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
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::{Checked, strategies};
/// use redial::{Policy, SplitMix64, presets};
///
/// proptest!(ProptestConfig::with_cases(8), |(mut script in strategies::scripts(200))| {
///     let mut policy = Checked::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)));
///     while let Some(step) = script.next_step(&*policy, policy.now()) {
///         let _actions = step.apply(&mut policy);
///     }
/// });
/// ```
pub fn scripts(most: usize) -> impl Strategy<Value = Script<'static>> {
    vec(::proptest::arbitrary::any::<u8>(), 0..=most).prop_map(Script::from_vec)
}

/// The same with [sensible events](Script::with_sensible_events) and a [steady clock](Script::with_steady_clock): what a test of a
/// client takes that must get somewhere.
///
/// ```
/// use proptest::prelude::*;
/// use redial::Disposition;
/// use redial::testing::strategies;
/// use redial::{Instant, Policy, SplitMix64, presets};
///
/// proptest!(ProptestConfig::with_cases(8), |(mut script in strategies::sensible_scripts(200))| {
///     let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
///     let mut now = Instant::ZERO;
///     while let Some(step) = script.next_step(&policy, now) {
///         now = step.at;
///         prop_assert_ne!(step.apply(&mut policy).disposition(), Disposition::Stale);
///     }
/// });
/// ```
pub fn sensible_scripts(most: usize) -> impl Strategy<Value = Script<'static>> {
    scripts(most).prop_map(|script| script.with_sensible_events().with_steady_clock())
}

/// Configs: [`Script::config`].
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::strategies;
///
/// proptest!(ProptestConfig::with_cases(8), |(config in strategies::configs())| {
///     prop_assert!(!config.connect_timeout().is_zero());
/// });
/// ```
pub fn configs() -> impl Strategy<Value = Config> {
    read(400, Script::config)
}

/// Backoffs: [`Script::backoff`].
///
/// ```
/// use proptest::prelude::*;
/// use redial::SplitMix64;
/// use redial::testing::strategies;
///
/// // Every curve is total: it has a wait, or an end.
/// proptest!(ProptestConfig::with_cases(8), |(backoff in strategies::backoffs())| {
///     prop_assert!(backoff.delays(SplitMix64::new(7)).take(100).count() <= 100);
/// });
/// ```
pub fn backoffs() -> impl Strategy<Value = BackoffConfig> {
    read(40, Script::backoff)
}

/// Breakers that count failures in a row: [`Script::breaker`].
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::strategies;
/// use redial::{CircuitBreaker, Instant, SplitMix64};
///
/// // Closed at first, whatever its config.
/// proptest!(ProptestConfig::with_cases(8), |(config in strategies::breakers())| {
///     prop_assert!(CircuitBreaker::new().try_acquire(&config, Instant::ZERO, &mut SplitMix64::new(7)).is_ok());
/// });
/// ```
pub fn breakers() -> impl Strategy<Value = breaker::Config> {
    read(30, Script::breaker)
}

/// Configs of handovers: [`Script::handover`].
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::{Checked, Script, strategies};
/// use redial::{Policy, SplitMix64, presets};
///
/// proptest!(ProptestConfig::with_cases(8), |(config in strategies::handovers())| {
///     let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)).with_handover(config);
///     let (mut policy, mut script) = (Checked::new(policy), Script::seeded(7));
///     for _ in 0..100 {
///         let step = script.next_step(&*policy, policy.now()).expect("a seed has no end");
///         let _actions = step.apply(&mut policy);
///     }
/// });
/// ```
pub fn handovers() -> impl Strategy<Value = handover::Config> {
    read(20, Script::handover)
}

/// Causes: [`Script::cause`].
///
/// ```
/// use proptest::prelude::*;
/// use redial::presets;
/// use redial::testing::strategies;
///
/// // A message of yours for every cause there is.
/// proptest!(ProptestConfig::with_cases(8), |(cause in strategies::causes())| {
///     let verdict = presets::WEBSOCKET.classifier().classify(cause);
///     let message = format!("{cause}: {}", verdict.class);
///     prop_assert!(message.contains(cause.as_str()));
/// });
/// ```
pub fn causes() -> impl Strategy<Value = Cause> {
    read(4, Script::cause)
}

/// Spans: [`Script::duration`].
///
/// ```
/// use proptest::prelude::*;
/// use redial::Instant;
/// use redial::testing::strategies;
///
/// proptest!(ProptestConfig::with_cases(8), |(span in strategies::durations())| {
///     prop_assert!(Instant::ZERO.saturating_add(span) <= Instant::MAX);
/// });
/// ```
pub fn durations() -> impl Strategy<Value = Duration> {
    read(9, Script::duration)
}

/// 0 to `most` events of every kind, for a policy that may be in any phase: most do not make sense. Those that do depend on the
/// policy, and are a [`sensible_scripts`]'.
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::strategies;
/// use redial::{Instant, Policy, SplitMix64, presets};
///
/// proptest!(ProptestConfig::with_cases(8), |(events in strategies::events(50))| {
///     let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)).with_session_type::<u8>();
///     for event in events {
///         let _actions = policy.handle_event(Instant::ZERO, event);
///     }
/// });
/// ```
pub fn events<T, K>(most: usize) -> impl Strategy<Value = Vec<Event<T, K>>>
where
    T: Sample + Debug,
    K: Sample + Debug,
{
    vec(read(24, Script::any_event), 0..=most)
}

/// The times that a hostile clock shows, 1 to `most` of them: it stands still, jumps by years, runs backwards, and ends.
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::strategies;
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// proptest!(ProptestConfig::with_cases(8), |(clock in strategies::hostile_clocks(50))| {
///     let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
///     let _open = policy.handle_event(Instant::ZERO, Event::Start);
///     for now in clock {
///         let _actions = policy.handle_timeout(now); // it stands still, leaps, and runs back
///     }
/// });
/// ```
pub fn hostile_clocks(most: usize) -> impl Strategy<Value = Vec<Instant>> {
    clocks(most, |script, now| script.hostile_time(now, now))
}

/// The times that a steady clock shows, 1 to `most` of them, at most a day apart.
///
/// ```
/// use proptest::prelude::*;
/// use redial::testing::strategies;
///
/// proptest!(ProptestConfig::with_cases(8), |(clock in strategies::steady_clocks(50))| {
///     prop_assert!(clock.is_sorted());
/// });
/// ```
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
