//! Session tokens, endpoints and subscription keys in what is written down: as they are, or so that only equal and unequal
//! can be told.

#[cfg(feature = "alloc")]
use alloc::string::{String, ToString};
use core::convert::Infallible;
use core::hash::{Hash, Hasher};

use super::{CheckpointError, NUMBER, TEXT, Writer};
use crate::words::words;

/// What a token, an endpoint or a key is called in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a recording has these two kinds")]
pub enum Name<'a> {
    /// By a text: a topic, a URL.
    Text(&'a str),
    /// By a number: an index, an enum.
    Number(u64),
}

/// A token, an endpoint or a key that can be written into a recording: equal values have equal names, unequal ones unequal
/// names.
///
/// Implemented for strings and unsigned integers, and for what there is nothing of. For a type of your own hand `take` a text
/// that lives as long as the call:
///
/// ```
/// use redial::record::{Name, Named};
///
/// struct Topic { tenant: u32, channel: u32 }
///
/// impl Named for Topic {
///     fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
///         take(Name::Number(u64::from(self.tenant) << 32 | u64::from(self.channel)))
///     }
/// }
/// ```
pub trait Named {
    /// Gives the name to `take`, and returns what that returns.
    fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R;
}

/// A token, an endpoint or a key that can be read from a recording.
pub trait FromName: Sized {
    /// The value with this name; `None`: there is none. A `String` takes a number too, as its decimal digits, so that a
    /// program with strings reads the recording of one with numbers.
    fn from_name(name: Name<'_>) -> Option<Self>;
}

/// How names are written into a checkpoint or the dump of a flight recorder.
///
/// ```
/// use redial::record::{Flight, FlightRecorder, Names};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_session_type::<String>();
/// let mut recorder = FlightRecorder::<_, 256>::new(&policy);
/// let epoch = redial::Epoch::from_raw(1).expect("not 0");
/// recorder.event(Instant::ZERO, &Event::Cursor { epoch, token: "secret".to_owned() });
///
/// let mut bytes = [0; 1_024];
/// let length = recorder.dump(Names::Hashed(0x5eed), &mut bytes)?; // what a user hands in
/// assert!(!bytes.windows(6).any(|window| window == b"secret"));
/// assert!(Flight::decode(&bytes[..length]).is_ok());
/// # Ok::<(), redial::record::CheckpointError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "they are, or they are not")]
pub enum Names {
    /// As they are: a session can be resumed with the token. Keep it like a password.
    Shown,
    /// As 64 bits of SipHash under this secret: equal stays equal and nothing more can be told, as long as the secret is one.
    /// Draw it from your generator and don't write it down. A replay takes the same decisions.
    Hashed(u64),
}

words!(['a] Name<'a> {
    Text => "text",
    Number => "number",
});

words!(Names {
    Shown => "shown",
    Hashed => "hashed",
});

pub(super) fn write(to: &mut Writer<'_>, name: Name<'_>) -> Result<(), CheckpointError> {
    #[cfg(feature = "record")]
    if let Some(table) = &mut to.table {
        let text = table.shown(name).ok_or(CheckpointError::Full)?;
        return write_plain(to, Name::Text(&text));
    }
    let shown = match to.names {
        Names::Shown => name,
        Names::Hashed(secret) => Name::Number(hashed(secret, name)),
    };
    write_plain(to, shown)
}

fn write_plain(to: &mut Writer<'_>, name: Name<'_>) -> Result<(), CheckpointError> {
    match name {
        Name::Text(text) => {
            to.bytes(&[TEXT])?;
            to.number(text.len() as u64)?;
            to.bytes(text.as_bytes())
        }
        Name::Number(number) => {
            to.bytes(&[NUMBER])?;
            to.number(number)
        }
    }
}

#[expect(deprecated, reason = "the only keyed hash without a heap that is the same everywhere")]
fn hashed(secret: u64, name: Name<'_>) -> u64 {
    let mut hasher = core::hash::SipHasher::new_with_keys(secret, 0);
    match name {
        Name::Text(text) => hasher.write(text.as_bytes()),
        Name::Number(number) => hasher.write(&number.to_le_bytes()),
    }
    hasher.finish()
}

impl<T: Named + ?Sized> Named for &T {
    fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
        (**self).with_name(take)
    }
}

impl Named for str {
    fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
        take(Name::Text(self))
    }
}

#[cfg(feature = "alloc")]
impl Named for String {
    fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
        take(Name::Text(self))
    }
}

#[cfg(feature = "alloc")]
impl FromName for String {
    fn from_name(name: Name<'_>) -> Option<Self> {
        Some(match name {
            Name::Text(text) => text.into(),
            Name::Number(number) => number.to_string(),
        })
    }
}

impl Named for () {
    fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
        take(Name::Number(0))
    }
}

impl FromName for () {
    fn from_name(name: Name<'_>) -> Option<Self> {
        if name == Name::Number(0) { Some(()) } else { None }
    }
}

impl Named for Infallible {
    fn with_name<R>(&self, _: impl FnOnce(Name<'_>) -> R) -> R {
        match *self {}
    }
}

impl FromName for Infallible {
    fn from_name(_: Name<'_>) -> Option<Self> {
        None
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Named for $number {
            fn with_name<R>(&self, take: impl FnOnce(Name<'_>) -> R) -> R {
                take(Name::Number(u64::from(*self)))
            }
        }

        impl FromName for $number {
            fn from_name(name: Name<'_>) -> Option<Self> {
                match name {
                    Name::Number(number) => Self::try_from(number).ok(),
                    Name::Text(_) => None,
                }
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 }

/// The names of a recording in the order in which they came, to be written as `#1`, `#2` ….
#[cfg(feature = "record")]
#[derive(Clone, Debug, Default)]
pub(crate) struct NameTable {
    texts: alloc::collections::BTreeMap<String, u32>,
    numbers: alloc::collections::BTreeMap<u64, u32>,
    bytes: usize,
}

#[cfg(feature = "record")]
impl NameTable {
    /// How many different names it keeps, and how many bytes of them.
    const MOST: usize = 65_536;
    const MOST_BYTES: usize = 16 << 20;

    /// Whether there is no place for another name.
    pub(crate) fn is_full(&self) -> bool {
        self.texts.len().saturating_add(self.numbers.len()) >= Self::MOST || self.bytes > Self::MOST_BYTES
    }

    /// What is written in place of this name; `None` once there are too many.
    pub(crate) fn shown(&mut self, name: Name<'_>) -> Option<String> {
        let known = match name {
            Name::Text(text) => self.texts.get(text),
            Name::Number(number) => self.numbers.get(&number),
        };
        let number = match known {
            Some(number) => *number,
            None => self.add(name)?,
        };
        Some(alloc::format!("#{number}"))
    }

    fn add(&mut self, name: Name<'_>) -> Option<u32> {
        let len = self.texts.len().saturating_add(self.numbers.len());
        let number = u32::try_from(len).ok()?.saturating_add(1);
        if len >= Self::MOST {
            return None;
        }
        match name {
            Name::Text(text) => {
                self.bytes = self.bytes.saturating_add(text.len());
                if self.bytes > Self::MOST_BYTES {
                    return None;
                }
                self.texts.insert(text.into(), number);
            }
            Name::Number(key) => {
                self.numbers.insert(key, number);
            }
        }
        Some(number)
    }
}

/// A hash that does not depend on the machine: integers of every width count as eight bytes.
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// FNV-1a.
    pub(crate) fn of(it: &impl Hash) -> u32 {
        let mut hasher = Self(0xcbf2_9ce4_8422_2325);
        it.hash(&mut hasher);
        (hasher.0 ^ (hasher.0 >> 32)) as u32
    }
}

macro_rules! widened {
    ($($method:ident: $number:ty),*) => {$(
        fn $method(&mut self, number: $number) {
            self.write(&(number as u64).to_le_bytes());
        }
    )*};
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    widened! {
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_usize: usize,
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_isize: isize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "record")]
    #[test]
    fn a_table_keeps_65536_names() {
        let mut table = NameTable::default();
        for number in 0..65_536_u64 {
            assert!(!table.is_full());
            assert_eq!(table.shown(Name::Number(number)), Some(alloc::format!("#{}", number + 1)));
        }
        assert!(table.is_full());
        assert_eq!(table.shown(Name::Number(65_536)), None);
        assert_eq!(table.shown(Name::Text("65536")), None);
        assert_eq!(table.shown(Name::Number(7)).as_deref(), Some("#8"));
    }

    #[cfg(feature = "record")]
    #[test]
    fn a_table_keeps_16_mebibytes_of_names() {
        let mut table = NameTable::default();
        assert_eq!(table.shown(Name::Text(&"a".repeat(NameTable::MOST_BYTES))).as_deref(), Some("#1"));
        assert!(!table.is_full());
        assert_eq!(table.shown(Name::Text("b")), None);
        assert!(table.is_full());
        assert_eq!(table.shown(Name::Text(&"a".repeat(NameTable::MOST_BYTES))).as_deref(), Some("#1"));
    }

    #[test]
    fn a_hash_depends_on_name_and_secret() {
        let hashes = [
            hashed(1, Name::Text("a")),
            hashed(1, Name::Text("b")),
            hashed(2, Name::Text("a")),
            hashed(1, Name::Number(7)),
            hashed(1, Name::Number(8)),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(hashes.iter().skip(at + 1).all(|other| other != hash), "{hashes:?}");
        }
        assert_eq!(hashed(1, Name::Text("a")), hashes[0]);
    }

    #[test]
    fn no_name_is_the_number_0() {
        assert_eq!(().with_name(<()>::from_name), Some(()));
        assert_eq!(<()>::from_name(Name::Number(1)), None);
        assert_eq!(<()>::from_name(Name::Text("0")), None);
    }

    /// FNV-1a of eight bytes, whatever the width of the integer, and its halves laid over one another.
    #[test]
    fn a_fingerprint_is_the_one_of_the_published_hash() {
        assert_eq!(Fingerprint::of(&5_u8), 0xfc8f_d224);
        assert_eq!(Fingerprint::of(&5_i64), 0xfc8f_d224);
        let mut hasher = Fingerprint(0xcbf2_9ce4_8422_2325);
        hasher.write_u16(5);
        assert_eq!(hasher.finish(), 0x0de2_1504_f16d_c720);
    }
}
