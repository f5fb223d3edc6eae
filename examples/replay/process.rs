//! The end of a process, and what the next one finds.

use std::time::Duration;

use redial::Instant;
use redial::policy::{SNAPSHOT_BYTES, Snapshot, SnapshotError};

use super::fact::Corrupt;

/// The key of the snapshots: one log, one connection.
const KEY: u32 = 0;

/// A process that has ended, as the next one will see it.
#[derive(Clone)]
pub(super) struct Ended {
    /// When, in microseconds.
    at: u64,
    /// When the next one begins.
    pub(super) up_at: u64,
    /// What it wrote down, if there was anything to write, and what came of that. Or why it could not.
    bytes: Result<Vec<u8>, SnapshotError>,
    corrupt: Option<Corrupt>,
}

impl Ended {
    pub(super) fn new(
        at: u64,
        up_at: u64,
        snapshot: Option<Snapshot<String>>,
        corrupt: Option<Corrupt>,
    ) -> Self {
        let bytes = snapshot.map_or(Ok(Vec::new()), |snapshot| {
            // Beside the fixed part two texts, of at most 65,535 bytes each.
            let mut bytes = vec![0; SNAPSHOT_BYTES + 2 * usize::from(u16::MAX)];
            let length = snapshot.encode(KEY, &mut bytes)?;
            bytes.truncate(length);
            damage(&mut bytes, corrupt);
            Ok(bytes)
        });
        Self { at, up_at, bytes, corrupt }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.as_ref().map_or(0, Vec::len)
    }

    /// What the next process reads: nothing, a snapshot that has aged while it was down, or why it is none.
    pub(super) fn read(&self) -> Result<Option<Snapshot<String>>, String> {
        let bytes = self.bytes.as_ref().map_err(|error| error.to_string())?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let key = if matches!(self.corrupt, Some(Corrupt::WrongKey)) { !KEY } else { KEY };
        let snapshot = Snapshot::decode(bytes, key).map_err(|error| error.to_string())?;
        let snapshot = snapshot.try_map(|text| String::from_utf8(text.to_vec()));
        let snapshot = snapshot.map_err(|error| error.to_string())?;
        Ok(Some(snapshot.aged(Duration::from_micros(self.up_at - self.at))))
    }

    /// The instant at which the next process begins.
    pub(super) fn up(&self) -> Instant {
        Instant::from_micros(self.up_at)
    }
}

fn damage(bytes: &mut Vec<u8>, corrupt: Option<Corrupt>) {
    let middle = bytes.len() / 2;
    match corrupt {
        Some(Corrupt::Altered) => bytes[middle] ^= 1,
        Some(Corrupt::Cut) => bytes.truncate(middle),
        Some(Corrupt::Foreign) => bytes[0] = b'{',
        Some(Corrupt::Version) => bytes[1] = u8::MAX,
        Some(Corrupt::WrongKey) | None => {}
    }
}
