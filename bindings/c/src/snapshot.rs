//! What the next process continues with, as bytes.

use core::ffi::c_void;
use core::time::Duration;

use core_policy::policy::{SNAPSHOT_BYTES, Snapshot, SnapshotError};

use crate::memory::{checked, items, room, write};
use crate::policy::{changed, redial_policy};
use crate::status::redial_status;
use crate::time::instant;

/// The length of a snapshot in bytes, without the texts of its token and its endpoint.
pub const REDIAL_SNAPSHOT_BYTES: usize = 112;

const _: () = assert!(REDIAL_SNAPSHOT_BYTES == SNAPSHOT_BYTES);

/// Bytes of the program's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_bytes {
    /// The first; may be null where there are none.
    pub bytes: *const u8,
    /// How many, at most 65535.
    pub length: usize,
}

/// Gives the text of a token or of an endpoint, which is copied.
pub type redial_text_of = Option<unsafe extern "C" fn(context: *mut c_void, number: u64) -> redial_bytes>;

/// Takes the text of a token or of an endpoint, and returns the number by which the program knows it from here on; 0: it can't keep it, and
/// the snapshot is refused.
pub type redial_keep_text =
    Option<unsafe extern "C" fn(context: *mut c_void, bytes: *const u8, length: usize) -> u64>;

/// A text in a snapshot that is being written.
struct Text<'a>(&'a [u8]);

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

/// Writes what the next process needs to go on where this one is, the session and the outage, to `bytes`, and its length to `length`; 0:
/// there is nothing to keep. `key` is the program's: a snapshot with another key is refused. Keep it as secret as the token.
///
/// # Safety
/// Each pointer is null or points to what its type says, which nobody else uses during the call; `bytes` points to `capacity` bytes; what
/// `text_of` returns lives until this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_snapshot(
    policy: *mut redial_policy,
    now_ms: u64,
    key: u32,
    text_of: redial_text_of,
    context: *mut c_void,
    bytes: *mut u8,
    capacity: usize,
    length: *mut usize,
) -> redial_status {
    let taken = || {
        checked(length)?;
        // SAFETY: the caller stands for it.
        let cell = unsafe { changed(policy) }?;
        let text_of = text_of.ok_or(redial_status::REDIAL_ERROR_NULL)?;
        let snapshot = cell.policy.snapshot(instant(now_ms));
        let Some(snapshot) = snapshot else { return Ok(0) };
        let named = snapshot.try_map(|number| {
            // SAFETY: a function of the program's for this very call.
            let text = unsafe { text_of(context, number) };
            // SAFETY: the caller stands for what it returns.
            unsafe { items(text.bytes, text.length) }.map(Text)
        })?;
        // SAFETY: the caller stands for it.
        let out = unsafe { room(bytes, capacity) }?;
        named.encode(key, out).map_err(status)
    };
    // SAFETY: the caller stands for it.
    redial_status::of(taken().and_then(|taken| unsafe { write(length, taken) }))
}

/// Gives a new policy what an earlier process kept, before its first event. `age_ms` is how long ago that was, by a clock that both
/// processes share.
///
/// # Safety
/// Each pointer is null or points to what its type says, which nobody else uses during the call; `bytes` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_restore_snapshot(
    policy: *mut redial_policy,
    now_ms: u64,
    age_ms: u64,
    key: u32,
    keep_text: redial_keep_text,
    context: *mut c_void,
    bytes: *const u8,
    length: usize,
) -> redial_status {
    let restore = || {
        // SAFETY: the caller stands for it.
        let cell = unsafe { changed(policy) }?;
        let keep_text = keep_text.ok_or(redial_status::REDIAL_ERROR_NULL)?;
        if cell.policy.phase() != core_policy::Phase::Idle {
            return Err(redial_status::REDIAL_ERROR_STARTED);
        }
        // SAFETY: the caller stands for it.
        let bytes = unsafe { items(bytes, length) }?;
        let snapshot = Snapshot::decode(bytes, key).map_err(status)?;
        let numbered = snapshot.try_map(|text| {
            // SAFETY: a function of the program's for this very call.
            match unsafe { keep_text(context, text.as_ptr(), text.len()) } {
                0 => Err(redial_status::REDIAL_ERROR_TOKEN),
                number => Ok(number),
            }
        })?;
        cell.restore(instant(now_ms), numbered.aged(Duration::from_millis(age_ms)));
        Ok(())
    };
    redial_status::of(restore())
}

const fn status(error: SnapshotError) -> redial_status {
    match error {
        SnapshotError::Full => redial_status::REDIAL_ERROR_FULL,
        SnapshotError::WrongKey => redial_status::REDIAL_ERROR_SNAPSHOT_KEY,
        _ => redial_status::REDIAL_ERROR_SNAPSHOT,
    }
}
