//! stubborn-io, a stream that reconnects below a reader of lines.

use std::io;
use std::pin::Pin;

use stubborn_io::tokio::UnderlyingIo;

use crate::net::TcpStream;

pub mod after;
pub mod before;

/// As stubborn-io has it for tokio's own.
impl UnderlyingIo<String> for TcpStream {
    fn establish(address: String) -> Pin<Box<dyn Future<Output = io::Result<Self>> + Send>> {
        Box::pin(Self::connect(address))
    }
}
