//! websockex (Elixir): its page has the other side.

pub mod after;
