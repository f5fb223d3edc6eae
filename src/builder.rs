//! Configs under construction: one call for each setting, and one check at the end.

use crate::error::ConfigError;

/// A config under construction. Every constructor of a config returns one, and `to_builder` makes one from a config that
/// is there, such as a preset.
///
/// The settings are methods that never fail and may come in any order; each says its default, and the method of the same
/// name on the config reads it back. [`build`](Self::build) checks all of them together, once. In a `const` or a `static`
/// that is [`build_const`](Self::build_const): a mistake there does not compile.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, Config, ConfigError, Jitter, Ratio, presets};
///
/// const SECOND: Duration = Duration::from_secs(1);
/// const MINUTE: Duration = Duration::from_secs(60);
///
/// const BACKOFF: BackoffConfig =
///     BackoffConfig::exponential(SECOND, Ratio::TWO, MINUTE).jitter(Jitter::Full).build_const();
/// static CONFIG: Config = Config::new(BACKOFF).connect_timeout(SECOND).build_const();
///
/// let three = presets::RECOMMENDED.to_builder().max_attempts(Some(3)).build()?;
/// assert_eq!((CONFIG.max_attempts(), three.max_attempts()), (None, Some(3)));
///
/// let wrong = CONFIG.to_builder().connect_timeout(Duration::ZERO).build();
/// assert_eq!(wrong, Err(ConfigError::TimeoutZero));
/// # Ok::<(), ConfigError>(())
/// ```
///
/// A constant that is wrong says what is wrong with it at compile time:
///
/// ```compile_fail,E0080
/// use core::time::Duration;
/// use redial::BackoffConfig;
///
/// const HOT_LOOP: BackoffConfig = BackoffConfig::constant(Duration::from_micros(1)).build_const();
/// # let _ = HOT_LOOP;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a config is there only after `build` or `build_const`"]
pub struct Builder<C> {
    pub(crate) config: C,
    /// The first mistake that a setting found, which the check of the whole can't find because the value could not be stored.
    pub(crate) error: Option<ConfigError>,
}

impl<C> Builder<C> {
    pub(crate) const fn of(config: C) -> Self {
        Self { config, error: None }
    }

    /// Records a mistake, unless there is one already.
    pub(crate) const fn refuse(&mut self, error: ConfigError) {
        if self.error.is_none() {
            self.error = Some(error);
        }
    }
}

/// The ways into a builder and out of it, for a config with a `const fn checked(self) -> Result<Self, ConfigError>`.
macro_rules! builds {
    ($config:ty $(, $parameter:ident: $bound:path)?) => {
        impl$(<$parameter: $bound>)? $config {
            /// A builder that starts from this config.
            pub const fn to_builder(&self) -> $crate::builder::Builder<Self> {
                $crate::builder::Builder::of(*self)
            }
        }

        impl$(<$parameter: $bound>)? $crate::builder::Builder<$config> {
            /// Checks the config and returns it.
            ///
            /// # Errors
            /// The first mistake. Each setting states its own.
            pub const fn build(self) -> Result<$config, $crate::error::ConfigError> {
                match self.error {
                    Some(error) => Err(error),
                    None => self.config.checked(),
                }
            }

            /// Checks the config and returns it, in a `const` or a `static`.
            ///
            /// # Panics
            /// If the config has a mistake; in a `const` that is a compile error. Use `build` at run time.
            #[must_use]
            #[track_caller]
            pub const fn build_const(self) -> $config {
                $crate::error::valid(self.build())
            }
        }
    };
}

pub(crate) use builds;
