//! What tests of your own client take from this crate.

#[cfg(feature = "driver")]
mod scripted_transport;
#[cfg(feature = "driver")]
mod virtual_clock;

#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use scripted_transport::{
    Answer, Closed, Connection, Dialled, Log, Say, ScriptedReader, ScriptedTransport, ScriptedWriter, Sent,
    Step, Writes,
};
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use virtual_clock::{Hang, VirtualClock, VirtualSleep, VirtualTask};
