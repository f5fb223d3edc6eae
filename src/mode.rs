//! How a connection starts.

use crate::words::words;

/// Whether a dial starts a new session or resumes the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both, and there is no third way to start")]
pub enum Mode {
    /// Identify: a new session, at the base endpoint. Afterwards the subscriptions are restored.
    Fresh,
    /// Resume the session, at its own endpoint if it has one.
    Resume,
}

words!(Mode {
    Fresh => "fresh",
    Resume => "resume",
});
