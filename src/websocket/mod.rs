//! WebSockets.
#![allow(dead_code, unused_imports)]

mod dial;
mod error;
mod failure;
mod frame;
mod head;
mod limits;
mod request;
mod tls;
mod url;
mod wire;

pub use error::SetupError;
pub use failure::Failure;
pub use frame::{Close, Frame};
pub use limits::Limits;
pub use request::{Headers, Upgraded};
pub use url::{MAX_URL, Url, UrlError, UrlFault};
