//! WebSockets that stay connected, over tokio, with TLS by rustls.
//!
//! [`connect`] is for messages as they are:
//!
//! ```no_run
//! # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
//! use redial::websocket;
//!
//! let mut socket = websocket::connect("wss://feed.example")
//!     .on_connect(|connection| connection.send("SUB lobby"))
//!     .spawn()?;
//! socket.online().await?;
//! socket.send("hello").await?; // Err gives the message back: there was no connection to write it to.
//! while let Some(message) = socket.recv().await {
//!     println!("{message}");
//! }
//! println!("{}", socket.closed().await); // Stopped, or given up and why.
//! # Ok(())
//! # }
//! ```
//!
//! A [`Protocol`] says what messages mean, so that subscriptions and a session outlive the connection. It knows no sockets,
//! no epochs and no order of events. This one has a session, which it resumes with a token and the number of the newest
//! message:
//!
//! ```
//! use redial::Cause;
//! use redial::websocket::{self, Close, Connection, Decoded, Establish, Frame, Protocol};
//!
//! struct Chat;
//!
//! impl Protocol for Chat {
//!     type Key = String;
//!     type Outgoing = (String, String);
//!     type Incoming = String;
//!
//!     // Nothing else is sent before `decode` returns `Decoded::Ready` or `Decoded::Resumed`.
//!     const ESTABLISHED: Establish = Establish::OnReady;
//!
//!     fn identify(&self, connection: &mut Connection<'_>) {
//!         connection.send("HELLO");
//!     }
//!
//!     fn resume(&self, token: &str, sequence: Option<u64>, connection: &mut Connection<'_>) {
//!         connection.send(format!("HELLO {token} {}", sequence.unwrap_or(0)));
//!     }
//!
//!     fn subscribe(&self, channel: &String) -> Frame {
//!         format!("SUB {channel}").into()
//!     }
//!
//!     fn encode(&self, (channel, text): &(String, String)) -> Frame {
//!         format!("SAY {channel} {text}").into()
//!     }
//!
//!     fn decode(&self, frame: Frame) -> Decoded<String, String> {
//!         match *frame.to_string().splitn(3, ' ').collect::<Vec<_>>() {
//!             ["SESSION", token] => Decoded::ready(token.to_owned()),
//!             ["RESUMED"] => Decoded::Resumed { sequence: None },
//!             ["OK", channel] => Decoded::confirmed(channel.to_owned()),
//!             ["MSG", number, text] => Decoded::numbered(number, text.to_owned()),
//!             _ => Decoded::Ignored,
//!         }
//!     }
//!
//!     fn closed(&self, close: &Close) -> Cause {
//!         match close.code {
//!             4009 => Cause::SessionInvalid, // This server's "unknown session": the next dial identifies.
//!             code => Cause::CloseFrame(code),
//!         }
//!     }
//! }
//!
//! # let mut decoded = ["SESSION t", "RESUMED", "OK lobby", "MSG 7 two words"].map(|text| Chat.decode(text.into())).into_iter();
//! # assert_eq!(decoded.next(), Some(Decoded::ready("t".to_owned())));
//! # assert_eq!(decoded.next(), Some(Decoded::Resumed { sequence: None }));
//! # assert_eq!(decoded.next(), Some(Decoded::confirmed("lobby".to_owned())));
//! # assert_eq!(decoded.next(), Some(Decoded::Sequenced { sequence: 7, message: "two words".to_owned() }));
//! # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
//! let mut chat = websocket::connect("wss://chat.example").with_protocol(Chat).subscribe("lobby").spawn()?;
//! chat.online().await?;
//! chat.send(("lobby".to_owned(), "hello".to_owned())).await?;
//! while let Some(text) = chat.recv().await {
//!     println!("{text}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A protocol without a session leaves out `ESTABLISHED`, `resume` and `closed`, and returns [`Decoded::Message`].
//!
//! With a policy of your own, [`Connect::client`] is the [`driver::Protocol`](crate::driver::Protocol) for a
//! [`Driver`](crate::driver::Driver).
//!
//! # What a connection does
//!
//! - **Before the first dial** the URL, the headers, the subprotocols and the limits are checked; what is wrong is a
//!   [`SetupError`] with the way out.
//! - **A dial** is the name lookup, TCP, TLS and the upgrade, under one deadline: the policy's
//!   [connect timeout](crate::Config::connect_timeout). The next address of a name is tried after 250 ms or when one
//!   has failed. `wss` offers `http/1.1` by ALPN and nothing else, since there is no upgrade in HTTP/2. Redirects (301, 302,
//!   307, 308) are not followed, as in browsers: they are failed dials.
//! - **What fails** becomes a [`Cause`](crate::Cause): the name, the socket, the verdict on the certificate, the HTTP status
//!   with its `Retry-After` in seconds or as a date, the close code. The policy decides what follows. [`Protocol::report`]
//!   hears what the libraries say about it.
//! - **Some answers end the client**, because a retry would get the same answer: most HTTP statuses from 400 to 499, a refused
//!   certificate, the close codes 1009, 1010 and 3003, and a 401 or 3000 where [`Protocol::refresh_credential`] has no credential
//!   to offer. A 404 or a refused certificate may come from a deploy, so a client that was connected before ends only at the
//!   fifth in a row. [`tables::WEBSOCKET`](crate::classify::tables::WEBSOCKET) and
//!   [`tables::TRANSPORT`](crate::classify::tables::TRANSPORT), on which it builds, list what is final, what waits and what is
//!   retried; a code that they don't list is retried. A [`rule`](crate::builder::Builder::rule) of a
//!   [`Classifier`](crate::classify::Classifier) changes one answer, and [`Connect::config`] takes the config with that
//!   [`classifier`](crate::builder::Builder::classifier).
//! - **Messages** are text or binary. [`Limits`] bounds them both ways; fragments are put together, and what is too large or
//!   not UTF-8 ends the connection and its session, since a resume would bring it again.
//! - **Pings** of the server are answered. The policy's heartbeat is a ping frame that the matching pong acknowledges, unless
//!   [`Protocol::heartbeat`] has a message of its own.
//! - **A close** is a close frame with the policy's code: 1000 at a stop, 4000 by default where the session is to be resumed
//!   ([`Config::close_code`](crate::Config::close_code)). Then the connection is read until the server has
//!   closed it, so that the frame is not lost, for 1 s at most.
//! - **An endpoint that the server names**, for a session or a redirect, is dialled if it is trusted ([`Connect::trust`]).
//!   Otherwise it is left out and counted, and the dial goes to the client's own URL.
//!
//! Extensions (compression) are not spoken, and proxies are not used.

mod client;
mod connect;
mod decoded;
mod dial;
mod error;
mod failure;
mod frame;
mod head;
mod limits;
mod numbers;
mod protocol;
mod raw;
mod report;
mod request;
mod socket;
mod tls;
mod url;
mod wire;
mod words;

pub use client::{Client, Reader, Writer};
pub use connect::{Connect, connect};
pub use decoded::{Decoded, Ready};
pub use error::SetupError;
pub use failure::Failure;
pub use frame::{Close, Frame};
pub use limits::Limits;
pub use protocol::{Connection, Protocol};
pub use raw::Raw;
pub use report::Report;
pub use request::{Headers, Upgraded};
pub use socket::{SendError, Sender, Socket};
pub use url::{MAX_URL, Url, UrlError, UrlFault};

pub use crate::policy::Establish;

/// The TLS library, whose configuration [`Connect::tls`] takes.
pub use tokio_rustls::rustls;
