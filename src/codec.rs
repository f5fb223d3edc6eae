//! The byte form of state: a writer into a slice of the caller's, a total reader, and a checksum.
//!
//! Integers are little-endian base-128 varints in their shortest form, so that equal states have equal bytes.

#[cfg(feature = "testing")]
mod form;
mod names;

use core::fmt;

use crate::time::{Instant, OptInstant, SignedInstant};
use crate::words::words;

#[cfg(feature = "testing")]
use form::Form;

pub(crate) use names::Fingerprint;
#[cfg(feature = "record")]
pub(crate) use names::NameTable;
pub use names::{FromName, Name, Named, Names};

/// A part of a policy that can be written into a [checkpoint](crate::Policy::checkpoint).
///
/// The generators, endpoints and sets of subscriptions of this crate are; implement it, and [`Load`], for a generator of
/// your own.
pub trait Store {
    /// Writes all of it.
    ///
    /// # Errors
    /// [`CheckpointError::Full`], from the writer.
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError>;
}

/// A part of a policy that can be read from a checkpoint.
pub trait Load: Sized {
    /// Reads what [`Store::store`] wrote, and no more.
    ///
    /// # Errors
    /// The bytes end too early, or hold what no state of this part is.
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError>;
}

/// Why bytes are no checkpoint and no dump of a flight recorder, or were not written.
///
/// ```
/// use redial::record::{CheckpointError, Flight};
///
/// match Flight::decode(b"no dump") {
///     Ok(flight) => println!("{}", flight.set_up()),
///     Err(error) => assert_eq!(error, CheckpointError::NotAFlight),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes begin like something else than a checkpoint, or are too few.
    NotACheckpoint,
    /// The bytes begin like something else than the dump of a flight recorder, or are too few.
    NotAFlight,
    /// A version that this one does not read.
    Version(u8),
    /// Cut off or altered: the checksum is wrong.
    Corrupt,
    /// The checksum is right, and no policy can be in this state.
    Impossible(&'static str),
    /// It belongs to a policy with another config.
    OtherConfig,
    /// A policy was in this state, but not one of this type: it has another generator, more endpoints or subscriptions, or
    /// names that this one can't hold.
    Unfit(&'static str),
    /// The buffer is too small.
    Full,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotACheckpoint => "not a checkpoint of a policy",
            Self::NotAFlight => "not the dump of a flight recorder",
            Self::Version(version) => return write!(f, "bytes of the unknown version {version}"),
            Self::Corrupt => "the bytes are cut off or altered",
            Self::Impossible(what) => return write!(f, "no policy can be in this state: {what}"),
            Self::OtherConfig => "the checkpoint belongs to a policy with another config",
            Self::Unfit(what) => return write!(f, "the checkpoint is of another type of policy: {what}"),
            Self::Full => "the buffer is too small",
        })
    }
}

words!(as_str CheckpointError {
    NotACheckpoint => "not_a_checkpoint",
    NotAFlight => "not_a_flight",
    Version => "version",
    Corrupt => "corrupt",
    Impossible => "impossible",
    OtherConfig => "other_config",
    Unfit => "unfit",
    Full => "full",
});

impl core::error::Error for CheckpointError {}

/// What a field that can't be right is reported as.
pub(crate) const fn impossible(what: &'static str) -> CheckpointError {
    CheckpointError::Impossible(what)
}

/// Writes to the beginning of a slice. Given to [`Store::store`].
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
    names: Names,
    /// In place of `names`.
    #[cfg(feature = "record")]
    table: Option<&'a mut NameTable>,
    #[cfg(feature = "testing")]
    form: Option<Form>,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(out: &'a mut [u8], names: Names) -> Self {
        Self {
            out,
            length: 0,
            names,
            #[cfg(feature = "record")]
            table: None,
            #[cfg(feature = "testing")]
            form: None,
        }
    }

    #[cfg(feature = "record")]
    pub(crate) const fn numbering(out: &'a mut [u8], table: &'a mut NameTable) -> Self {
        let mut writer = Self::new(out, Names::Shown);
        writer.table = Some(table);
        writer
    }

    /// How many bytes were written.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// What was written.
    pub(crate) fn written(&self) -> &[u8] {
        self.out.get(..self.length).unwrap_or_default()
    }

    /// Writes these bytes as they are.
    ///
    /// # Errors
    /// [`CheckpointError::Full`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        let end = self.length.saturating_add(bytes.len());
        let room = self.out.get_mut(self.length..end).ok_or(CheckpointError::Full)?;
        // `copy_from_slice` would bring its panic along, although the lengths are equal.
        room.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        self.length = end;
        Ok(())
    }

    /// Writes an integer: one byte for each seven bits of it.
    ///
    /// # Errors
    /// [`CheckpointError::Full`].
    pub fn number(&mut self, number: impl Into<u64>) -> Result<(), CheckpointError> {
        let mut rest: u64 = number.into();
        while rest > 0x7f {
            self.bytes(&[rest as u8 | 0x80])?;
            rest >>= 7;
        }
        self.bytes(&[rest as u8])
    }

    pub(crate) fn flag(&mut self, on: bool) -> Result<(), CheckpointError> {
        self.bytes(&[on.into()])
    }

    pub(crate) fn signed(&mut self, number: i64) -> Result<(), CheckpointError> {
        self.number(((number << 1) ^ (number >> 63)) as u64)
    }

    pub(crate) fn instant(&mut self, at: Instant) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if let Some(form) = self.form {
            return self.signed(form.relative(at.as_micros().into()));
        }
        self.number(at.as_micros())
    }

    /// An instant before which something does not happen. It may be computed from an older one, so that it is forgotten earlier.
    pub(crate) fn gate(&mut self, at: Instant) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if let Some(form) = self.form {
            return self.signed(form.gate(at));
        }
        self.number(at.as_micros())
    }

    /// None is 0, and the end of time is none.
    pub(crate) fn opt_instant(&mut self, at: OptInstant) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if let (Some(form), Some(at)) = (self.form, at.get()) {
            self.flag(true)?;
            return self.signed(form.relative(at.as_micros().into()));
        }
        self.number(at.get().map_or(0, |at| at.as_micros().saturating_add(1)))
    }

    pub(crate) fn signed_instant(&mut self, at: SignedInstant) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if let Some(form) = self.form {
            return self.signed(form.relative((at.to_bits() as i64).into()));
        }
        self.signed(at.to_bits() as i64)
    }

    /// An instant of which only the distance to `from` makes a difference, unless that is none.
    pub(crate) fn signed_instant_from(
        &mut self,
        at: SignedInstant,
        from: Option<Instant>,
    ) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if let (Some(form), Some(now)) = (self.form, from) {
            return self.signed(form.seen_from(now).relative((at.to_bits() as i64).into()));
        }
        let _without_a_form = from;
        self.signed_instant(at)
    }

    /// The bits of a [`SignedInstant`], as they are.
    pub(crate) fn instant_bits(&mut self, bits: u64) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if self.form.is_some() {
            return self.signed_instant(SignedInstant::from_bits(bits));
        }
        self.number(bits)
    }

    /// Seconds of the clock, rounded up.
    pub(crate) fn seconds(&mut self, at: u32) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if let Some(form) = self.form {
            return self.signed(form.relative(i128::from(at).saturating_mul(1_000_000)));
        }
        self.number(at)
    }

    /// A number that is compared with nothing but itself, and by which nothing is decided: a counter for people, or one by
    /// which late answers are told from newer ones. A normal form is without it.
    pub(crate) fn counter(&mut self, number: impl Into<u64>) -> Result<(), CheckpointError> {
        #[cfg(feature = "testing")]
        if self.form.is_some() {
            return Ok(());
        }
        self.number(number)
    }

    pub(crate) fn opt_number(&mut self, number: Option<u32>) -> Result<(), CheckpointError> {
        self.number(number.map_or(0, |number| u64::from(number).saturating_add(1)))
    }

    /// Writes over what was written at this place.
    pub(crate) fn replace(&mut self, place: usize, bytes: &[u8]) {
        let written = self.out.get_mut(..self.length).unwrap_or_default();
        written.iter_mut().skip(place).zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    }

    /// A name, or that there is none, as the writer shows names.
    pub(crate) fn name(&mut self, name: Option<&impl Named>) -> Result<(), CheckpointError> {
        match name {
            None => self.bytes(&[NO_NAME]),
            Some(name) => name.with_name(|name| names::write(self, name)),
        }
    }

    /// Ends what was written with its checksum, and returns the length.
    pub(crate) fn sealed(mut self) -> Result<usize, CheckpointError> {
        let checksum = crc32(self.written());
        self.bytes(&checksum.to_le_bytes())?;
        Ok(self.length)
    }
}

const NO_NAME: u8 = 0;
const TEXT: u8 = 1;
const NUMBER: u8 = 2;

/// Reads from the beginning of a slice. Given to [`Load::load`].
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is before the checksum, if that is right.
    pub(crate) fn unsealed(bytes: &'a [u8]) -> Option<Self> {
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32(body) == u32::from_le_bytes(*checksum) { Some(Self::new(body)) } else { None }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads so many bytes.
    ///
    /// # Errors
    /// [`CheckpointError::Impossible`] where there are not so many.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], CheckpointError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, CheckpointError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, CheckpointError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(impossible("a yes or no that is neither")),
        }
    }

    /// Reads an integer of any width.
    ///
    /// # Errors
    /// [`CheckpointError::Impossible`]: the bytes end too early, or hold an integer that is too large or not in its
    /// shortest form.
    pub fn number<N: TryFrom<u64>>(&mut self) -> Result<N, CheckpointError> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits.wrapping_shl(shift);
            if shift > 63 || shifted.wrapping_shr(shift) != bits || (byte == 0 && shift > 0) {
                return Err(impossible("an integer that is too large, or not in its shortest form"));
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return N::try_from(number).map_err(|_| impossible("an integer that is too large"));
            }
            shift = shift.saturating_add(7);
        }
    }

    pub(crate) fn signed(&mut self) -> Result<i64, CheckpointError> {
        let number: u64 = self.number()?;
        Ok((number >> 1) as i64 ^ ((number & 1) as i64).wrapping_neg())
    }

    pub(crate) fn instant(&mut self) -> Result<Instant, CheckpointError> {
        self.number().map(Instant::from_micros)
    }

    pub(crate) fn opt_instant(&mut self) -> Result<OptInstant, CheckpointError> {
        let number: u64 = self.number()?;
        Ok(number.checked_sub(1).map_or(OptInstant::NONE, |at| OptInstant::at(Instant::from_micros(at))))
    }

    pub(crate) fn signed_instant(&mut self) -> Result<SignedInstant, CheckpointError> {
        Ok(SignedInstant::from_bits(self.signed()? as u64))
    }

    pub(crate) fn opt_number(&mut self) -> Result<Option<u32>, CheckpointError> {
        match self.number::<u64>()?.checked_sub(1) {
            None => Ok(None),
            Some(number) => {
                u32::try_from(number).map(Some).map_err(|_| impossible("an integer that is too large"))
            }
        }
    }

    pub(crate) fn name<T: FromName>(&mut self) -> Result<Option<T>, CheckpointError> {
        let name = match self.byte()? {
            NO_NAME => return Ok(None),
            TEXT => {
                let length = self.number()?;
                let text = core::str::from_utf8(self.bytes(length)?);
                Name::Text(text.map_err(|_| impossible("a name that is not UTF-8"))?)
            }
            NUMBER => Name::Number(self.number()?),
            _ => return Err(impossible("a name that is neither text nor a number")),
        };
        T::from_name(name).map(Some).ok_or(CheckpointError::Unfit("a name that it can't hold"))
    }

    /// A name that must be there.
    pub(crate) fn some_name<T: FromName>(&mut self) -> Result<T, CheckpointError> {
        self.name()?.ok_or(impossible("a name is missing"))
    }
}

const ENDS_EARLY: CheckpointError = impossible("it ends in the middle of a field");

/// CRC-32/ISO-HDLC (that of zip and Ethernet), a bit at a time: what is checked is small and seldom written.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xedb8_8320 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

/// What is read of what was written of it.
#[cfg(test)]
pub(crate) fn read_back<T: Store + Load>(it: &T) -> Result<T, CheckpointError> {
    let mut bytes = [0; 400];
    let mut writer = Writer::new(&mut bytes, Names::Shown);
    it.store(&mut writer)?;
    let length = writer.length();
    let mut reader = Reader::new(&bytes[..length]);
    let read = T::load(&mut reader);
    assert!(reader.rest().is_empty() || read.is_err());
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the catalogue of CRCs.
    #[test]
    fn the_checksum_is_the_one_it_says() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn every_integer_is_read_as_it_was_written() {
        let edges = (0..64).flat_map(|bits| [1_u64 << bits, (1 << bits) - 1]).chain([u64::MAX]);
        for number in edges {
            let mut bytes = [0; 24];
            let mut writer = Writer::new(&mut bytes, Names::Shown);
            writer.number(number).unwrap();
            writer.signed(number as i64).unwrap();
            let length = writer.length();
            let mut reader = Reader::new(&bytes[..length]);
            assert_eq!(reader.number(), Ok(number));
            assert_eq!(reader.signed(), Ok(number as i64));
            assert!(reader.rest().is_empty());
            assert!(Reader::new(&bytes[..length]).number::<u8>().is_ok() == (number < 256));
        }
    }

    #[test]
    fn an_integer_has_one_form() {
        for long in [
            &[0x80, 0][..],
            &[0xff, 0x80, 0],
            &[0xff; 10],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
        ] {
            assert!(Reader::new(long).number::<u64>().is_err(), "{long:?}");
        }
        assert_eq!(Reader::new(&[0x80]).number::<u64>(), Err(ENDS_EARLY));
    }
}
