//! Budgets that several connections share. The caller owns them and passes them to each call; nothing is global.

mod retry;
mod start;
mod throttle;

pub use crate::denied::Denied;
pub use retry::{RetryBudget, RetryBudgetConfig};
pub use start::{Grant, StartBudget, StartBudgetConfig};
pub use throttle::{AdaptiveThrottle, AdaptiveThrottleConfig, Throttle, ThrottleConfig};
