//! twilight-gateway. What it becomes is [`discord`](crate::discord).

pub mod before;
