//! ezsockets, a WebSocket client that reconnects.

pub mod after;
pub mod before;
