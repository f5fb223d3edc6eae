//! A recorder's app (Dart, Swift): its page has the other side.

pub mod after;
