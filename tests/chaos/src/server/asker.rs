//! Somebody beside a server, who asks it.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::BytesMut;

use super::ANSWER;

/// A connection of somebody beside the server, who waits for each answer.
pub(super) struct Asker {
    stream: TcpStream,
    input: BytesMut,
}

impl Asker {
    pub(super) fn connect(address: SocketAddr) -> Result<Self, String> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&address, ANSWER)?;
            stream.set_read_timeout(Some(ANSWER))?;
            stream.set_write_timeout(Some(ANSWER))?;
            Ok(stream)
        };
        let stream = connect().map_err(|error: io::Error| format!("{address}: {error}"))?;
        Ok(Self { stream, input: BytesMut::new() })
    }

    pub(super) fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| format!("write: {error}"))
    }

    /// Reads until `take` finds a whole answer.
    pub(super) fn hear<T>(
        &mut self,
        mut take: impl FnMut(&mut BytesMut) -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        let mut chunk = [0; 4_096];
        loop {
            if let Some(answer) = take(&mut self.input)? {
                return Ok(answer);
            }
            match self.stream.read(&mut chunk).map_err(|error| format!("read: {error}"))? {
                0 => return Err("the server has closed the connection".to_owned()),
                count => self.input.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Reads until the server closes.
    pub(super) fn rest(mut self) -> Result<String, String> {
        let mut bytes = self.input.to_vec();
        self.stream.read_to_end(&mut bytes).map_err(|error| format!("read: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Whether these are the same, each once; otherwise what is missing and what is too much.
pub(super) fn compare(keys: &BTreeSet<String>, found: &[String]) -> Result<(), String> {
    let missing: Vec<_> = keys.iter().filter(|key| !found.contains(key)).map(String::as_str).collect();
    let mut left: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let surplus: Vec<_> = found.iter().map(String::as_str).filter(|key| !left.remove(key)).collect();
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    Err(format!("subscriptions that are missing: {missing:?}, twice or not wanted: {surplus:?}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::compare;

    #[test]
    fn each_subscription_must_be_there_once() {
        let keys: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let found = |found: &[&str]| {
            let found: Vec<String> = found.iter().map(|key| (*key).to_owned()).collect();
            compare(&keys, &found).is_ok()
        };
        assert!(found(&["b", "a"]));
        assert!(!found(&["a"]));
        assert!(!found(&["a", "b", "b"]));
        assert!(!found(&["a", "b", "c"]));
    }
}
