//! The config of a handover, as it is read.

// The replay program reads it with this file too, over the values of its own format.

use std::format;
use std::string::String;

use super::object::Object;
use super::tree::handover::Config;

pub(crate) const HANDOVER: &[&str] = &["timeout_ms", "drain_ms"];

/// The keys laid over a config.
pub(crate) fn handover(base: Config, o: &Object<'_>) -> Result<Config, String> {
    let mut handover = base.to_builder();
    if let Some(timeout) = o.ms("timeout_ms")? {
        handover = handover.timeout(timeout);
        handover.build().map_err(|error| format!("\"{}\": {error}", o.name("timeout_ms")))?;
    }
    if let Some(drain) = o.ms("drain_ms")? {
        handover = handover.drain(drain);
    }
    handover.build().map_err(|error| format!("\"{}\": {error}", o.path()))
}
