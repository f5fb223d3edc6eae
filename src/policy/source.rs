//! The source of a policy's config, and the optional parts of a policy.

use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;

use crate::breaker::CircuitBreaker;
use crate::error::{ConfigError, valid};
use crate::heartbeat::Heartbeat;
use crate::session::SessionState;

use super::config::Config;

/// The source of a [`Policy`](crate::Policy)'s config, which also determines the parts that the policy has.
///
/// Everything that implements `Borrow<Config>` (`&'static Config`, `Arc<Config>`, a `Config` by value) is a source for a policy
/// with all parts, because such a config may use any of them. [`Lean`] leaves parts out. There are no other implementations: a
/// source without a part that its config uses would make the policy ignore that setting.
pub trait ConfigSource: sealed::ConfigSource {
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
    note = "write the part itself (`CircuitBreaker`, `Heartbeat`) where a `Lean` keeps it, and `()` where it leaves it out"
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

/// A borrowed config for smaller policies, which leave out the breaker (`B`), the heartbeat (`H`) or the session (`D`) if the
/// config does not use them. Each parameter is `()`, the default, or the part: [`CircuitBreaker`], [`Heartbeat`],
/// [`SessionState`], which stands for a [`SessionState<T>`] of the policy's `T`.
///
/// A policy behaves as with the config itself, except for events of a part that is left out: without a heartbeat
/// [`Event::Greeting`](crate::Event::Greeting) and [`Event::HeartbeatAcked`](crate::Event::HeartbeatAcked) are inapplicable (a beat
/// that the server asks for is answered all the same), and without a session a token, a sequence number and the session of
/// a snapshot are dropped.
///
/// ```
/// use core::time::Duration;
/// use redial::CircuitBreaker;
/// use redial::breaker;
/// use redial::policy::{Lean, ResumeConfig};
/// use redial::{BackoffConfig, Config, ConfigError, Policy, Ratio, SplitMix64};
///
/// const BACKOFF: BackoffConfig =
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
/// static CONFIG: Config = Config::new(BACKOFF).resume(ResumeConfig::DISABLED).build_const();
/// // With a breaker, a heartbeat or sessions in the config this line would not compile.
/// static LEAN: Lean<'static> = Lean::new_const(&CONFIG);
///
/// let _policy = Policy::new(LEAN, SplitMix64::new(7));
///
/// // Read at run time, it is an error.
/// let config = CONFIG
///     .to_builder()
///     .breaker(Some(breaker::Config::new(5, Duration::from_secs(60)).build()?))
///     .build()?;
/// assert_eq!(<Lean<'_>>::new(&config), Err(ConfigError::BreakerLeftOut));
/// assert!(<Lean<'_, CircuitBreaker>>::new(&config).is_ok());
/// # Ok::<(), ConfigError>(())
/// ```
pub struct Lean<'a, B = (), H = (), D = ()> {
    config: &'a Config,
    parts: Parts<B, H, D>,
}

/// `Send` and `Sync` whatever the parts are, since it does not contain them.
type Parts<B, H, D> = PhantomData<fn() -> (B, H, D)>;

impl<'a, B, H, D> Lean<'a, B, H, D> {
    /// The source with this config, if it uses no part that is left out. Where the compiler can't infer the parts, write
    /// `<Lean<'_>>::new(&config)`.
    ///
    /// # Errors
    /// [`ConfigError::BreakerLeftOut`]: it has a breaker. [`ConfigError::HeartbeatLeftOut`]: it has an interval, or expects
    /// a greeting, which may bring one. [`ConfigError::SessionLeftOut`]: it resumes sessions, as every config does without
    /// [`ResumeConfig::DISABLED`](crate::policy::ResumeConfig::DISABLED).
    pub const fn new(config: &'a Config) -> Result<Self, ConfigError>
    where
        B: OptionalPart<CircuitBreaker>,
        H: OptionalPart<Heartbeat>,
        D: SessionPart,
    {
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

    /// The same for a constant.
    ///
    /// # Panics
    /// Where [`new`](Self::new) is an error: at compile time in a `static`.
    #[must_use]
    #[track_caller]
    pub const fn new_const(config: &'a Config) -> Self
    where
        B: OptionalPart<CircuitBreaker>,
        H: OptionalPart<Heartbeat>,
        D: SessionPart,
    {
        valid(Self::new(config))
    }
}

/// A part that is not left out has a size.
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
    fn config(&self) -> &Config {
        self.config
    }
}

/// Whether a [`Lean`] has sessions: [`SessionState`] or `()`. There are no other implementations.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether a `Lean` has sessions",
    note = "write `SessionState` where there are sessions, whatever their token is, and `()` where there are none"
)]
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
