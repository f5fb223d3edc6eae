//! How a policy gets at its config, and which of its parts it needs for it.

use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;

use crate::breaker::CircuitBreaker;
use crate::error::ConfigError;
use crate::heartbeat::Heartbeat;
use crate::session::SessionState;

use super::config::Config;

/// Lends a [`Policy`](crate::Policy) its config, and says which parts the policy has for it.
///
/// Whatever implements `Borrow<Config>` (`&'static Config`, `Arc<Config>`, a `Config` by value) lends a config of which
/// anything may be switched on, so every part is there. [`Lean`] leaves parts out. There are no other implementations: a
/// lender that left out what its config asks for would make the policy ignore it.
pub trait ConfigSource: sealed::ConfigSource {
    /// The breaker over the policy's attempts: [`CircuitBreaker`], or `()` for none.
    type Breaker: OptionalPart<CircuitBreaker> + Clone + Eq + Hash;
    /// The heartbeat: [`Heartbeat`], or `()` for none.
    type Heartbeat: OptionalPart<Heartbeat> + Clone + Eq + Hash;
    /// The session to resume: [`SessionState<T>`], or `()` where nothing is resumed. `T` is the caller's storage of session
    /// token and endpoint. It is `Clone`, `Eq` and `Hash` as `T` is: generic code says `C::Session<T>: Clone`.
    type Session<T>: OptionalPart<SessionState<T>>;

    /// The config.
    fn lend(&self) -> &Config;
}

impl<C: Borrow<Config>> ConfigSource for C {
    type Breaker = CircuitBreaker;
    type Heartbeat = Heartbeat;
    type Session<T> = SessionState<T>;

    #[inline]
    fn lend(&self) -> &Config {
        self.borrow()
    }
}

/// A part of a policy that may be left out: `X`, or `()`, which takes no byte and no code.
pub trait OptionalPart<X>: sealed::OptionalPart + fmt::Debug {
    /// As it is in a new policy.
    const NEW: Self;

    /// This value of it, or nothing where it is left out.
    fn of(value: X) -> Self;

    /// The part, if it is there.
    fn get(&self) -> Option<&X>;

    /// The same, to change it.
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

/// The type itself, as the part that is there.
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

/// A borrowed config that needs no breaker (`B`), no heartbeat (`H`) or no session (`D`), for policies without them: what
/// is not configured is not there. Each is `()`, the default, or the part: [`CircuitBreaker`], [`Heartbeat`],
/// [`SessionState`], which stands for a [`SessionState<T>`] of the policy's `T`.
///
/// A policy behaves as with the config itself, but for facts about what is left out: without a heartbeat
/// [`Event::Greeting`](crate::Event::Greeting) and [`Event::HeartbeatAcked`](crate::Event::HeartbeatAcked) are inapplicable (a beat
/// that the server asks for is answered all the same), and without a session a token, a sequence number and the session of
/// a snapshot are dropped.
///
/// ```
/// use core::time::Duration;
/// use redial::policy::{Lean, ResumeConfig};
/// use redial::{BackoffConfig, Config, ConfigError, Policy, Ratio, SplitMix64, valid};
/// use redial::breaker;
/// use redial::CircuitBreaker;
///
/// const LADDER: BackoffConfig =
///     valid(BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)));
/// static CONFIG: Config = Config::new(LADDER).with_resume(ResumeConfig::disabled());
/// // With a breaker, a heartbeat or sessions in the config this line would not compile.
/// static LEAN: Lean<'static> = valid(Lean::new(&CONFIG));
///
/// let _policy = Policy::new(LEAN, SplitMix64::new(7));
///
/// // Read at run time, it is an error.
/// let config = CONFIG.with_breaker(Some(valid(breaker::Config::new(5, Duration::from_secs(60)))));
/// assert_eq!(<Lean<'_>>::new(&config), Err(ConfigError::BreakerLeftOut));
/// assert!(<Lean<'_, CircuitBreaker>>::new(&config).is_ok());
/// ```
pub struct Lean<'a, B = (), H = (), D = ()> {
    config: &'a Config,
    parts: Parts<B, H, D>,
}

/// Sent and shared whatever the parts are: they are elsewhere.
type Parts<B, H, D> = PhantomData<fn() -> (B, H, D)>;

impl<'a, B: OptionalPart<CircuitBreaker>, H: OptionalPart<Heartbeat>, D: SessionPart> Lean<'a, B, H, D> {
    /// This config, if it asks for nothing that is left out. Where the compiler can't know which parts are meant, write
    /// `<Lean<'_>>::new(&config)`.
    ///
    /// # Errors
    /// [`ConfigError::BreakerLeftOut`]: it has a breaker. [`ConfigError::HeartbeatLeftOut`]: it has an interval, or expects
    /// a greeting, which may bring one. [`ConfigError::SessionLeftOut`]: it resumes sessions, as every config does without
    /// [`ResumeConfig::disabled`](crate::policy::ResumeConfig::disabled).
    pub const fn new(config: &'a Config) -> Result<Self, ConfigError> {
        let heartbeat = &config.heartbeat;
        if config.breaker.is_some() && is_out::<B>() {
            return Err(ConfigError::BreakerLeftOut);
        }
        if (config.greeting || heartbeat.interval.is_some() || heartbeat.required) && is_out::<H>() {
            return Err(ConfigError::HeartbeatLeftOut);
        }
        if config.resume.enabled && is_out::<D>() {
            return Err(ConfigError::SessionLeftOut);
        }
        Ok(Self { config, parts: PhantomData })
    }
}

/// No part that is there is without a size.
const fn is_out<P>() -> bool {
    size_of::<P>() == 0
}

impl<B, H, D> ConfigSource for Lean<'_, B, H, D>
where
    B: OptionalPart<CircuitBreaker> + Clone + Eq + Hash,
    H: OptionalPart<Heartbeat> + Clone + Eq + Hash,
    D: SessionPart,
{
    type Breaker = B;
    type Heartbeat = H;
    type Session<T> = D::Session<T>;

    #[inline]
    fn lend(&self) -> &Config {
        self.config
    }
}

/// How a [`Lean`] says whether there are sessions: [`SessionState`] or `()`. There are no other implementations.
pub trait SessionPart: sealed::OptionalPart {
    /// The part with this storage of token and endpoint.
    type Session<T>: OptionalPart<SessionState<T>>;
}

impl SessionPart for () {
    type Session<T> = ();
}

impl SessionPart for SessionState {
    type Session<T> = SessionState<T>;
}

impl<B, H, D> Clone for Lean<'_, B, H, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B, H, D> Copy for Lean<'_, B, H, D> {}

impl<B, H, D> PartialEq for Lean<'_, B, H, D> {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

impl<B, H, D> Eq for Lean<'_, B, H, D> {}

impl<B, H, D> Hash for Lean<'_, B, H, D> {
    fn hash<S: core::hash::Hasher>(&self, state: &mut S) {
        self.config.hash(state);
    }
}

impl<B, H, D> fmt::Debug for Lean<'_, B, H, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lean").field(self.config).finish()
    }
}

mod sealed {
    use core::borrow::Borrow;

    use super::{Config, Lean};

    pub trait ConfigSource {}
    impl<C: Borrow<Config>> ConfigSource for C {}
    impl<B, H, D> ConfigSource for Lean<'_, B, H, D> {}

    pub trait OptionalPart {}
    impl OptionalPart for () {}
}
