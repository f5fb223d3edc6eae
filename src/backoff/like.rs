//! A config of run time of a kind that is known when the program is compiled.

use super::BackoffConfig;
use super::config::{Curve, Rare};
use super::jitter::Jitter;
use crate::builder::Builder;
use crate::error::ConfigError;

impl Builder<BackoffConfig> {
    /// [`build`](Self::build) with the code of another backoff, a constant: for a program that reads its settings at run time and is
    /// to be small.
    ///
    /// [`Jitter::Plus`] with [`Jitter::PlusFixed`], [`Jitter::DecorrelatedV2`] and [windows](BackoffConfig::windows) each have code of
    /// their own, everything else shares one. A program that calls `build` with settings that the compiler does not know links all of
    /// it. One that calls this alone links the code of the constants that it names.
    ///
    /// ```
    /// use core::time::Duration;
    /// use redial::{BackoffConfig, ConfigError, Jitter, Ratio};
    ///
    /// const USUAL: BackoffConfig = BackoffConfig::constant(Duration::from_secs(1)).build_const();
    ///
    /// let read = BackoffConfig::exponential(Duration::from_millis(250), Ratio::TWO, Duration::from_secs(9)).jitter(Jitter::Full);
    /// assert_eq!(read.build_like(&USUAL), read.build());
    ///
    /// assert_eq!(read.jitter(Jitter::Plus(Ratio::ONE)).build_like(&USUAL), Err(ConfigError::BackoffKind));
    /// ```
    ///
    /// # Errors
    /// Those of `build`, and [`ConfigError::BackoffKind`] where `like` has other code than this needs.
    pub const fn build_like(self, like: &BackoffConfig) -> Result<BackoffConfig, ConfigError> {
        let Self { config, error } = self;
        match (error, config.check()) {
            (Some(error), _) | (None, Err(error)) => Err(error),
            (None, Ok(())) if !config.is_served_by(&like.rare) => Err(ConfigError::BackoffKind),
            (None, Ok(())) => Ok(config.with_rare(like.rare).with_short_way()),
        }
    }
}

impl BackoffConfig {
    const fn is_served_by(&self, code: &Rare) -> bool {
        let windows = matches!(self.curve, Curve::Windows(_));
        match code {
            Rare::OnTop(_) => matches!(self.jitter, Jitter::Plus(_) | Jitter::PlusFixed(..)),
            Rare::Polly { .. } => matches!(self.jitter, Jitter::DecorrelatedV2),
            Rare::Windows(_) => windows,
            Rare::No => {
                let rare =
                    matches!(self.jitter, Jitter::Plus(_) | Jitter::PlusFixed(..) | Jitter::DecorrelatedV2);
                !windows && !rare
            }
        }
    }
}
