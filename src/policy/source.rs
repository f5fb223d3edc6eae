//! The source of a policy's config, and the optional parts of a policy.

use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;

use crate::breaker::CircuitBreaker;
use crate::heartbeat::Heartbeat;
use crate::session::SessionState;

use super::config::Config;

/// The source of a [`Policy`](crate::Policy)'s config, which also determines the parts that the policy has.
///
/// Everything that implements `Borrow<Config>` (`&'static Config`, `Arc<Config>`, a `Config` by value) is a source for a policy
/// with all parts, because such a config may use any of them. A type made by [`fixed_config!`](crate::fixed_config) leaves out
/// those that its config does not use. There are no other implementations: a source without a part that its config uses would
/// make the policy ignore that setting.
///
/// ```
/// use std::sync::Arc;
/// use redial::{Config, Policy, SplitMix64, fixed_config, presets};
///
/// // A constant, for any number of policies.
/// let _shared = Policy::new(&presets::RECOMMENDED, SplitMix64::new(1));
///
/// // One that was read at run time.
/// let read: Arc<Config> = Arc::new(presets::RECOMMENDED.to_builder().max_attempts(Some(7)).build()?);
/// let _counted = Policy::new(read.clone(), SplitMix64::new(2));
///
/// // One that the compiler knows, so that what it does not use is not in the policy.
/// fixed_config!(struct Link = presets::GRPC);
/// let _fixed = Policy::new(Link, SplitMix64::new(3));
/// # Ok::<(), redial::ConfigError>(())
/// ```
pub trait ConfigSource: fixed::Sealed {
    /// The breaker over the policy's attempts: [`CircuitBreaker`], or `()` for none.
    type Breaker: OptionalPart<CircuitBreaker> + Clone + Eq + Hash;
    /// The heartbeat: [`Heartbeat`], or `()` for none.
    type Heartbeat: OptionalPart<Heartbeat> + Clone + Eq + Hash;
    /// The session to resume: [`SessionState<T>`], or `()` where nothing is resumed. `T` is the caller's storage of a session's
    /// token and endpoint. It is `Clone`, `Eq` and `Hash` if `T` is: generic code has the bound `C::Session<T>: Clone`.
    type Session<T>: OptionalPart<SessionState<T>>;

    /// The config.
    fn config(&self) -> &Config;
}

impl<C: Borrow<Config>> fixed::Sealed for C {}

impl<C: Borrow<Config>> ConfigSource for C {
    type Breaker = CircuitBreaker;
    type Heartbeat = Heartbeat;
    type Session<T> = SessionState<T>;

    #[inline]
    fn config(&self) -> &Config {
        self.borrow()
    }
}

/// A part of a policy that may be left out: `X`, or `()`, which takes no bytes and no code.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no part of a policy",
    note = "it is the part itself (`CircuitBreaker`, `Heartbeat`, `SessionState`), or `()` where it is left out"
)]
pub trait OptionalPart<X>: sealed::OptionalPart + fmt::Debug {
    /// The part of a new policy.
    const NEW: Self;

    /// The part with this value, or nothing if it is left out.
    fn of(value: X) -> Self;

    /// The part, unless it is left out.
    fn get(&self) -> Option<&X>;

    /// The part, mutably.
    fn get_mut(&mut self) -> Option<&mut X>;
}

impl<X> OptionalPart<X> for () {
    const NEW: Self = ();

    #[inline]
    fn of(_: X) -> Self {}

    #[inline]
    fn get(&self) -> Option<&X> {
        None
    }

    #[inline]
    fn get_mut(&mut self) -> Option<&mut X> {
        None
    }
}

/// The type itself is the part that is not left out.
macro_rules! part {
    ($($part:ty $(, $storage:ident)?;)*) => {$(
        impl$(<$storage>)? sealed::OptionalPart for $part {}

        impl$(<$storage>)? OptionalPart<$part> for $part {
            const NEW: Self = <$part>::new();

            #[inline]
            fn of(value: Self) -> Self {
                value
            }

            #[inline]
            fn get(&self) -> Option<&Self> {
                Some(self)
            }

            #[inline]
            fn get_mut(&mut self) -> Option<&mut Self> {
                Some(self)
            }
        }
    )*};
}

part! {
    CircuitBreaker;
    Heartbeat;
    SessionState<T>, T;
}

/// A config that the compiler knows, as a type: every [`Policy`](crate::Policy) on it is compiled for this one config. What the
/// config does not use is not in the program, and a breaker, a heartbeat or a session that it does not use takes no byte of
/// the policy.
///
/// It is for programs with one config, or few: firmware, a fleet of a million equal clients. Each such type makes a policy of its own,
/// so that a program with many configs is smaller with a `&'static Config`. Any constant [`Config`] will do, a
/// [preset](crate::presets) too.
///
/// A policy decides as with the config itself, except for events of a part that is left out: without a heartbeat
/// [`Event::Greeting`](crate::Event::Greeting), [`Event::KeepAlive`](crate::Event::KeepAlive) and
/// [`Event::HeartbeatAcked`](crate::Event::HeartbeatAcked) are inapplicable (a heartbeat that the server asks for is answered all
/// the same), and without a session a token, a sequence number and the session of a snapshot are dropped. A heartbeat is left
/// out if the config has no interval, expects no greeting and [requires](crate::heartbeat::HeartbeatConfig::required) none; a
/// session with [`ResumeConfig::DISABLED`](crate::policy::ResumeConfig::DISABLED).
///
/// ```
/// use core::time::Duration;
/// use redial::policy::ResumeConfig;
/// use redial::{BackoffConfig, Config, Policy, Ratio, SplitMix64, fixed_config, presets};
///
/// const BACKOFF: BackoffConfig =
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
///
/// fixed_config! {
///     /// The link to the base station.
///     struct Link = Config::new(BACKOFF).resume(ResumeConfig::DISABLED).build_const();
/// }
/// fixed_config!(struct Gateway = presets::DISCORD_GATEWAY);
///
/// let link = Policy::new(Link, SplitMix64::new(7));
/// let gateway = Policy::new(Gateway, SplitMix64::new(7));
/// assert!(size_of_val(&link) < size_of_val(&gateway));
/// ```
#[macro_export]
macro_rules! fixed_config {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident = $config:expr $(;)?) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        $visibility struct $name;

        const _: () = {
            const REDIAL_FIXED_CONFIG: $crate::Config = $config;

            impl $crate::policy::fixed::Sealed for $name {}

            impl $crate::policy::ConfigSource for $name {
                type Breaker = <$crate::policy::fixed::Used<
                    { $crate::policy::fixed::has_breaker(&REDIAL_FIXED_CONFIG) },
                > as $crate::policy::fixed::Choose<$crate::CircuitBreaker>>::Part;
                type Heartbeat = <$crate::policy::fixed::Used<
                    { $crate::policy::fixed::has_heartbeat(&REDIAL_FIXED_CONFIG) },
                > as $crate::policy::fixed::Choose<$crate::heartbeat::Heartbeat>>::Part;
                type Session<T> = <$crate::policy::fixed::Used<
                    { $crate::policy::fixed::has_session(&REDIAL_FIXED_CONFIG) },
                > as $crate::policy::fixed::Choose<$crate::SessionState<T>>>::Part;

                #[inline(always)]
                fn config(&self) -> &$crate::Config {
                    const CONFIG: &$crate::Config = &REDIAL_FIXED_CONFIG;
                    CONFIG
                }
            }
        };
    };
}

/// What the expansion of [`fixed_config!`] needs. It is no part of the public interface.
#[doc(hidden)]
pub mod fixed {
    use super::Config;

    /// The seal of [`ConfigSource`](super::ConfigSource).
    pub trait Sealed {}

    /// Whether a config uses a part.
    #[derive(Debug)]
    #[non_exhaustive]
    pub struct Used<const USED: bool>;

    /// The part if it is used, and `()` otherwise.
    pub trait Choose<X> {
        /// Which of them.
        type Part;
    }

    impl<X> Choose<X> for Used<true> {
        type Part = X;
    }

    impl<X> Choose<X> for Used<false> {
        type Part = ();
    }

    #[must_use]
    pub const fn has_breaker(config: &Config) -> bool {
        config.breaker.is_some()
    }

    /// An interval, or a greeting that may bring one.
    #[must_use]
    pub const fn has_heartbeat(config: &Config) -> bool {
        config.greeting || config.heartbeat.interval.is_some() || config.heartbeat.required
    }

    #[must_use]
    pub const fn has_session(config: &Config) -> bool {
        config.resume.enabled
    }
}

mod sealed {
    pub trait OptionalPart {}
    impl OptionalPart for () {}
}
