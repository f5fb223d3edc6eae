//! A snapshot as bytes: version 1, little endian, with every field but the last three at a fixed offset.
//!
//! | bytes | field |
//! | --- | --- |
//! | 1, 1 | magic, version |
//! | 4 | key |
//! | 2 | flags: which optional fields are present, and the boolean ones |
//! | 8, 8, 4 | sequence; the rest of the time to live; the time to live, in milliseconds |
//! | 1, 1, 8 | failed resumes; failed dials of the session's endpoint; time since the first of them |
//! | 8 | time since the newest dial |
//! | 8, 4, 4, 8 | outage: its time; attempt; failures; the last draw |
//! | 1, 1, 1 | rejections; limited; rate limited |
//! | 1, 2 | the limited cause: its kind, its number |
//! | 1, 1, 4 | fatal verdicts in a row; losses to another client; seconds since the newest of them |
//! | 4 | the first wait that the server set, in milliseconds |
//! | 1, 8, 1, 8 | backoff and floor: reason, time left |
//! | 2 + n, 2 + n | token and endpoint: length, bytes |
//! | 4 | CRC-32 (that of zip and Ethernet) of everything before it |
//!
//! The last draw is zero for a jitter that does not depend on it. Times are microseconds except where milliseconds or seconds
//! are named. An absent field is zero.

use crate::codec::{CheckpointError, Names, Writer, crc32};
use crate::session::SessionState;
use crate::time::{Instant, Micros};

use super::super::codes::{cause_from_code, cause_to_code};
use super::{Outage, Snapshot, SnapshotError, Wait};

/// The length in bytes of an [encoded](Snapshot::encode) snapshot, without its token and its endpoint.
pub const SNAPSHOT_BYTES: usize = 112;

const MAGIC: u8 = 0xd1;
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

const TOKEN: u16 = 1;
const ENDPOINT: u16 = 1 << 1;
const SEQUENCE: u16 = 1 << 2;
const LIFE: u16 = 1 << 3;
const DIALLED: u16 = 1 << 4;
const OUTAGE: u16 = 1 << 5;
const EVER: u16 = 1 << 6;
const AT_ONCE: u16 = 1 << 7;
const UNAUTHENTICATED: u16 = 1 << 8;
const CREDENTIAL: u16 = 1 << 9;
const BASE: u16 = 1 << 10;
const KNOWN: u16 = (1 << 11) - 1;

/// The fields of an outage where there is none.
const NO_OUTAGE: Outage = {
    let none = Wait { left_us: 0, reason: Wait::REASONS[0] };
    Outage {
        lasted_us: 0,
        attempt: 0,
        failures: 0,
        trail_us: 0,
        rejections: 0,
        limited: 0,
        limited_by: None,
        rate_limited: 0,
        rows: 0,
        ever: false,
        at_once: false,
        backoff: none,
        floor: none,
    }
};

impl<T: AsRef<[u8]>> Snapshot<T> {
    /// Writes the snapshot to the beginning of `out` and returns its length: [`SNAPSHOT_BYTES`], plus the bytes of token and
    /// endpoint. The caller chooses `key`, such as a hash of tenant and shard; [`decode`](Snapshot::decode) needs the same.
    ///
    /// The checksum finds accidental damage. It is not a signature: keep the bytes where nobody else can write.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Full`]. Then `out` holds no snapshot.
    pub fn encode(&self, key: u32, out: &mut [u8]) -> Result<usize, SnapshotError> {
        let session = &self.session;
        let life = session.life(Instant::ZERO);
        let outage = self.outage.as_ref().unwrap_or(&NO_OUTAGE);
        let flags = [
            (TOKEN, session.token().is_some()),
            (ENDPOINT, session.endpoint().is_some()),
            (SEQUENCE, session.sequence().is_some()),
            (LIFE, life.is_some()),
            (DIALLED, self.dialled_us.is_some()),
            (OUTAGE, self.outage.is_some()),
            (EVER, outage.ever),
            (AT_ONCE, outage.at_once),
            (UNAUTHENTICATED, self.unauthenticated),
            (CREDENTIAL, self.credential_needed),
            (BASE, self.base_ms.is_some()),
        ];
        let flags = flags.iter().fold(0, |all, (flag, on)| if *on { all | flag } else { all });
        let (left, ttl_ms) = life.unwrap_or_default();

        let mut writer = Writer::new(out, Names::Shown);
        writer.bytes(&[MAGIC, VERSION])?;
        writer.bytes(&key.to_le_bytes())?;
        writer.bytes(&u16::to_le_bytes(flags))?;
        writer.bytes(&session.sequence().unwrap_or_default().to_le_bytes())?;
        writer.bytes(&left.to_le_bytes())?;
        writer.bytes(&ttl_ms.to_le_bytes())?;
        let (unreachable, failing) = session.unreachable(Instant::ZERO);
        writer.bytes(&[self.resume_failures, unreachable])?;
        for micros in [failing.0, self.dialled_us.unwrap_or_default(), outage.lasted_us] {
            writer.bytes(&micros.to_le_bytes())?;
        }
        writer.bytes(&outage.attempt.to_le_bytes())?;
        writer.bytes(&outage.failures.to_le_bytes())?;
        writer.bytes(&outage.trail_us.to_le_bytes())?;
        writer.bytes(&[outage.rejections, outage.limited, outage.rate_limited])?;
        let (kind, number) = cause_to_code(outage.limited_by);
        writer.bytes(&[kind])?;
        writer.bytes(&number.to_le_bytes())?;
        let (replaced, ago) = self.replaced;
        writer.bytes(&[outage.rows, replaced])?;
        writer.bytes(&ago.to_le_bytes())?;
        writer.bytes(&self.base_ms.unwrap_or_default().to_le_bytes())?;
        for wait in [outage.backoff, outage.floor] {
            let place = Wait::REASONS.iter().position(|reason| *reason == wait.reason);
            writer.bytes(&[place.and_then(|place| u8::try_from(place).ok()).unwrap_or_default()])?;
            writer.bytes(&wait.left_us.to_le_bytes())?;
        }
        for text in [session.token(), session.endpoint()] {
            let text = text.map_or(&[][..], AsRef::as_ref);
            let length = u16::try_from(text.len()).map_err(|_| SnapshotError::Full)?;
            writer.bytes(&length.to_le_bytes())?;
            writer.bytes(text)?;
        }
        Ok(writer.sealed()?)
    }
}

impl<'a> Snapshot<&'a [u8]> {
    /// Reads the bytes that [`encode`](Self::encode) wrote with the same `key`, no more and no fewer. Token and endpoint are
    /// borrowed; [`try_map`](Self::try_map) converts them.
    ///
    /// # Errors
    ///
    /// In this order: [`SnapshotError::TooSmall`], [`SnapshotError::NotASnapshot`], [`SnapshotError::Version`],
    /// [`SnapshotError::Corrupt`], [`SnapshotError::WrongKey`].
    pub fn decode(bytes: &'a [u8], key: u32) -> Result<Self, SnapshotError> {
        let parts = bytes.split_last_chunk::<CHECKSUM_BYTES>().filter(|_| bytes.len() >= SNAPSHOT_BYTES);
        let (body, checksum) = parts.ok_or(SnapshotError::TooSmall)?;
        let mut reader = Fields { rest: body, missing: false };
        if reader.byte() != MAGIC {
            return Err(SnapshotError::NotASnapshot);
        }
        let version = reader.byte();
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        if crc32(body) != u32::from_le_bytes(*checksum) {
            return Err(SnapshotError::Corrupt);
        }
        if reader.u32() != key {
            return Err(SnapshotError::WrongKey);
        }
        let flags = reader.u16();
        if flags & !KNOWN != 0 {
            return Err(SnapshotError::Corrupt);
        }
        let on = |flag: u16| flags & flag != 0;
        let sequence = Some(reader.u64()).filter(|_| on(SEQUENCE));
        let life = Some((reader.u64(), reader.u32())).filter(|_| on(LIFE));
        let (resume_failures, unreachable) = (reader.byte(), reader.byte());
        let failing = Micros(reader.u64());
        let dialled_us = Some(reader.u64()).filter(|_| on(DIALLED));
        let (lasted_us, attempt, failures) = (reader.u64(), reader.u32(), reader.u32());
        let (trail_us, rejections) = (reader.u64(), reader.byte());
        let (limited, rate_limited) = (reader.byte(), reader.byte());
        let limited_by = cause_from_code(reader.byte(), reader.u16()).ok_or(SnapshotError::Corrupt)?;
        let (rows, replaced) = (reader.byte(), (reader.byte(), reader.u32()));
        let base_ms = Some(reader.u32()).filter(|_| on(BASE));
        let outage = Outage {
            lasted_us,
            attempt,
            failures,
            trail_us,
            rejections,
            limited,
            limited_by,
            rate_limited,
            rows,
            ever: on(EVER),
            at_once: on(AT_ONCE),
            backoff: reader.wait()?,
            floor: reader.wait()?,
        };
        let (token, endpoint) = (reader.text(), reader.text());
        if reader.missing || !reader.rest.is_empty() || on(ENDPOINT) && !on(TOKEN) {
            return Err(SnapshotError::Corrupt);
        }
        let session = if on(TOKEN) {
            let endpoint = Some(endpoint).filter(|_| on(ENDPOINT));
            SessionState::resumable(token, endpoint, sequence)
                .with_life(Instant::ZERO, life)
                .with_unreachable(Instant::ZERO, unreachable, failing)
        } else {
            SessionState::new()
        };
        Ok(Self {
            session,
            resume_failures,
            unauthenticated: on(UNAUTHENTICATED),
            credential_needed: on(CREDENTIAL),
            dialled_us,
            base_ms,
            replaced,
            outage: Some(outage).filter(|_| on(OUTAGE)),
        })
    }
}

impl From<CheckpointError> for SnapshotError {
    fn from(error: CheckpointError) -> Self {
        if error == CheckpointError::Full { Self::Full } else { Self::Corrupt }
    }
}

/// The fields of a snapshot. Those that are missing are zeros.
struct Fields<'a> {
    rest: &'a [u8],
    missing: bool,
}

impl<'a> Fields<'a> {
    const fn array<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.rest.split_first_chunk() else {
            self.missing = true;
            return [0; N];
        };
        self.rest = rest;
        *field
    }

    const fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    const fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    const fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    const fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn wait(&mut self) -> Result<Wait, SnapshotError> {
        let reason = Wait::REASONS.get(usize::from(self.byte())).copied();
        Ok(Wait { reason: reason.ok_or(SnapshotError::Corrupt)?, left_us: self.u64() })
    }

    fn text(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16());
        let Some((text, rest)) = self.rest.split_at_checked(length) else {
            self.missing = true;
            return &[];
        };
        self.rest = rest;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_snapshot_has_the_documented_size() {
        let snapshot: Snapshot<&[u8]> = Snapshot {
            session: SessionState::new(),
            resume_failures: 0,
            unauthenticated: false,
            credential_needed: false,
            dialled_us: None,
            base_ms: None,
            replaced: (0, 0),
            outage: None,
        };
        let mut bytes = [0; SNAPSHOT_BYTES];
        assert_eq!(snapshot.encode(0, &mut bytes), Ok(SNAPSHOT_BYTES));
        assert_eq!(snapshot.encode(0, &mut [0; SNAPSHOT_BYTES - 1]), Err(SnapshotError::Full));
        assert_eq!(Snapshot::decode(&bytes, 0), Ok(snapshot));
    }
}
