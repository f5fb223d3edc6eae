//! How far a transport has come, and what that means for the events of which a connection has the most.

use crate::heartbeat::Liveness;
use crate::mode::Mode;

use super::super::config::Config;
use super::State;

/// How far a transport has come. Each step includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::policy) enum Reached {
    /// There is none, or it is not open yet.
    Nothing,
    /// It is open.
    Opened,
    /// Identify or resume has been sent.
    Identified,
    /// The server has answered with a session.
    Settled,
}

/// The bits of [`Reached`].
const REACHED: u8 = 0b11;
/// The transport is to resume the session.
const RESUMES: u8 = 1 << 2;
/// It is open, and whatever is received on it is a sign of life for the heartbeat.
const HEARS: u8 = 1 << 3;
/// It is open, and its sequence numbers are those of the session.
const COUNTS: u8 = 1 << 4;

/// The mode of a transport, how far it has come, and what follows from both and from the config for the frequent events, so
/// that such an event reads one byte and not the config. It is derived whenever the transport moves, and only here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::policy) struct Progress(u8);

impl Progress {
    pub(in crate::policy) const NONE: Self = Self::before(Mode::Fresh, Reached::Nothing);

    /// The same before the config is known.
    pub(super) const fn before(mode: Mode, reached: Reached) -> Self {
        let resumes = match mode {
            Mode::Fresh => 0,
            Mode::Resume => RESUMES,
        };
        Self(reached as u8 | resumes)
    }

    const fn of(mode: Mode, reached: Reached, config: &Config) -> Self {
        let Self(mut bits) = Self::before(mode, reached);
        if bits & REACHED != 0 {
            if matches!(config.heartbeat.liveness, Liveness::AnyTraffic) {
                bits |= HEARS;
            }
            // Before a resume is answered, a number may be that of a new session.
            if config.resume.enabled && matches!((mode, reached), (Mode::Fresh, _) | (_, Reached::Settled)) {
                bits |= COUNTS;
            }
        }
        Self(bits)
    }

    pub(in crate::policy) const fn mode(self) -> Mode {
        if self.0 & RESUMES == 0 { Mode::Fresh } else { Mode::Resume }
    }

    pub(in crate::policy) const fn reached(self) -> Reached {
        match self.0 & REACHED {
            0 => Reached::Nothing,
            1 => Reached::Opened,
            2 => Reached::Identified,
            _ => Reached::Settled,
        }
    }

    /// Whether the transport is open.
    #[inline]
    pub(in crate::policy) const fn is_open(self) -> bool {
        self.0 & REACHED != 0
    }

    /// Whether it is open, and what is received on it is a sign of life for the heartbeat.
    #[inline]
    pub(in crate::policy) const fn hears(self) -> bool {
        self.0 & HEARS != 0
    }

    /// Whether it is open, and its sequence numbers are those of the session.
    #[inline]
    pub(in crate::policy) const fn counts(self) -> bool {
        self.0 & COUNTS != 0
    }
}

impl core::fmt::Debug for Progress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self(bits) = self;
        write!(f, "({:?}, {:?}, {bits:#b})", self.mode(), self.reached())
    }
}

impl<B, H, N> State<B, H, N> {
    /// What the present transport does, or did.
    pub(in crate::policy) const fn mode(&self) -> Mode {
        self.progress.mode()
    }

    pub(in crate::policy) const fn reached(&self) -> Reached {
        self.progress.reached()
    }

    /// Whether the transport is open.
    #[inline]
    pub(in crate::policy) const fn is_open(&self) -> bool {
        self.progress.is_open()
    }

    /// Sets both and returns what they were.
    pub(in crate::policy) const fn set_progress(
        &mut self,
        mode: Mode,
        reached: Reached,
        config: &Config,
    ) -> (Mode, Reached) {
        let before = (self.mode(), self.reached());
        self.progress = Progress::of(mode, reached, config);
        before
    }

    pub(in crate::policy) const fn set_mode(&mut self, mode: Mode, config: &Config) {
        self.progress = Progress::of(mode, self.reached(), config);
    }

    pub(in crate::policy) const fn set_reached(&mut self, reached: Reached, config: &Config) {
        self.progress = Progress::of(self.mode(), reached, config);
    }

    /// There is no transport any more.
    pub(in crate::policy) const fn end_progress(&mut self) {
        self.progress = Progress::before(self.mode(), Reached::Nothing);
    }

    /// Derives what follows from the config, which a state from a checkpoint does not know yet.
    pub(in crate::policy) const fn derive_progress(&mut self, config: &Config) {
        self.progress = self.derived_progress(config);
    }

    /// What the progress is derived from says that it is.
    pub(in crate::policy) const fn derived_progress(&self, config: &Config) -> Progress {
        Progress::of(self.mode(), self.reached(), config)
    }
}
