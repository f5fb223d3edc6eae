//! A connection that is replaced while it serves: what `Handover` decides, event by event.

mod hostile;
pub(crate) mod rig;
mod steps;
