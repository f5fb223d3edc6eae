//! What both sides did and saw: recorded for the judge, and shown to people and programs.

pub(crate) mod client_event;
pub(crate) mod quota;
pub(crate) mod recorder;
pub(crate) mod server_event;
pub(crate) mod table;
pub(crate) mod timeline;
pub(crate) mod view;
