//! How a connection is to start.

/// Whether a dial starts a new session or goes on with the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both, and there is no third way to start")]
pub enum Mode {
    /// Identify: a new session, at the base endpoint. Subscriptions are restored after it.
    Fresh,
    /// Resume the session that is kept, at its own endpoint where it has one.
    Resume,
}

impl Mode {
    /// `"fresh"` or `"resume"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Resume => "resume",
        }
    }
}
