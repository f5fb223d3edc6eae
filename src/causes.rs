//! From the errors that a program has in hand to a [`Cause`](crate::Cause), and to what the server asked to wait for.
//!
//! A conversion translates and does not judge: what a status, a kind or a code means is decided by the policy's
//! [classifier](crate::classify::Classifier), which a config can change. Where an error says something for which a cause has no word,
//! it becomes [`Cause::Class`](crate::Cause::Class), and the table beside the conversion says why.
//!
//! | you have | write | feature |
//! | --- | --- | --- |
//! | any error with its sources | [`of(&error)`](fn@of) | `std` |
//! | [`std::io::Error`] | `Cause::from(&error)`, [`IoKind`](crate::IoKind)`::from(&error)` | `std` |
//! | the error of a name lookup | [`lookup(&error)`](fn@lookup) | `std` |
//! | the status of an HTTP answer | `Cause::from(status)` | `http` |
//! | its headers | [`retry_after(status, &headers, now)`](fn@retry_after) | `http` |
//! | an error of [tungstenite](https://docs.rs/tungstenite/0.30) 0.30 | `Cause::from(&error)`, [`retry_after_of(&error, now)`](fn@retry_after_of) | `tungstenite` |
//! | an error of [rustls](https://docs.rs/rustls/0.23) 0.23 | `Cause::from(&error)`, [`TlsKind`](crate::classify::TlsKind)`::from(&error)` | `rustls` |
//! | an error of [redis](https://docs.rs/redis/1) 1 | `Cause::from(&error)` | `redis` |
//! | an error that a Redis server wrote, from any client | [`redis_error(text)`](redis_error) | none |
//! | a code of MQTT | [`mqtt5(reason)`](mqtt5), [`mqtt3(return_code)`](mqtt3) | none |
//! | a status code of gRPC | [`grpc(code)`](grpc) | none |
//!
//! `websocket` brings `http`, `tungstenite` and `rustls`. A closure of [`driver::supervise`](crate::driver::supervise) needs none of
//! these functions for an error: `?` reads it with whatever features are on.
//!
//! A kind or code that a later version of a crate, of a protocol or of the operating system adds is
//! [`Cause::Unknown`](crate::Cause::Unknown) or an `Other` until it stands in these tables; a row may change in a minor version where
//! its source does.

#[cfg(feature = "std")]
mod chain;
mod grpc;
#[cfg(feature = "http")]
mod headers;
#[cfg(feature = "std")]
mod io;
mod mqtt;
mod redis;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "tungstenite")]
mod tungstenite;

#[cfg(feature = "driver")]
pub(crate) use chain::asked_now;
#[cfg(feature = "std")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
pub use chain::of;
#[cfg(feature = "tungstenite")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "tungstenite")))]
pub use chain::retry_after_of;
pub use grpc::grpc;
#[cfg(feature = "http")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "http")))]
pub use headers::retry_after;
#[cfg(feature = "std")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
pub use io::lookup;
pub use mqtt::{mqtt3, mqtt5};
pub use redis::redis_error;
