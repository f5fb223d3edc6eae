//! tokio-retry, around an operation that ends.

pub mod after;
pub mod before;
