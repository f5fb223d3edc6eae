//! What happened, written down so that it can be played again.

pub use crate::codec::{CheckpointError, FromName, Load, Name, Named, Names, Reader, Store, Writer};
