//! What both sides did and saw: recorded for the judge, and shown to people and programs.

pub(crate) mod client_event;
#[cfg_attr(test, expect(clippy::duplicate_mod, reason = "the replay program of the tests has it too"))]
#[path = "../../shared/decisions.rs"]
#[expect(dead_code, reason = "a log in milliseconds is for the replay program")]
mod decisions;
pub(crate) mod gap;
pub(crate) mod quota;
pub(crate) mod recorder;
pub(crate) mod server_event;
pub(crate) mod table;
pub(crate) mod tape;
pub(crate) mod timeline;
pub(crate) mod view;
