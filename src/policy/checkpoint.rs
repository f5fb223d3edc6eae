//! The whole of a policy as bytes, exactly: what a recording begins with.

mod side;

use crate::codec::{
    CheckpointError, Fingerprint, FromName, Load, Named, Names, Reader, Store, Writer, impossible,
};

use super::Policy;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Flag, State, load_part, store_part};

/// Where the generator is: behind magic, version and fingerprint.
#[cfg(feature = "record")]
const GENERATOR_AT: usize = 6;

/// What the generator in a checkpoint is called, if it is one of this crate's.
#[cfg(feature = "record")]
pub(crate) fn generator_of(bytes: &[u8]) -> Option<&'static str> {
    crate::rng::name_of(*bytes.get(GENERATOR_AT)?)
}

const MAGIC: u8 = 0xd2;
const VERSION: u8 = 1;

impl<R, T, S, C: ConfigSource, E> Policy<R, T, S, C, E> {
    /// The config, of any policy.
    pub(crate) fn lent(&self) -> &super::Config {
        self.source.config()
    }

    /// Whether there is an established connection.
    pub(crate) const fn is_established(&self) -> bool {
        self.state.is(Flag::Established)
    }
}

impl<R: Store, T: Named, S: Store, C: ConfigSource, E: Store> Policy<R, T, S, C, E> {
    /// Writes all of its state to the beginning of `out`, the generator included, and returns how many bytes that took: 100
    /// to 300, and those of the names, the subscriptions and the endpoints. What [`from_checkpoint`](Self::from_checkpoint)
    /// makes of them takes the same decisions from here on.
    ///
    /// A [`Snapshot`](crate::policy::Snapshot) is what another process goes on with, on a clock and a transport of its own;
    /// a checkpoint is for a replay of this one. The config is not in it, but a fingerprint of it is. With
    /// [`Names::Shown`] it holds the session's token: keep it like a password.
    ///
    /// # Errors
    /// [`CheckpointError::Full`]; `out` is then partly written and holds no checkpoint.
    ///
    /// ```
    /// use redial::record::Names;
    /// use redial::{Event, Instant, Policy, SplitMix64, presets};
    ///
    /// let mut policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    /// let _open = policy.handle_event(Instant::ZERO, Event::Start);
    /// let mut bytes = [0; 256];
    /// let length = policy.checkpoint(Names::Shown, &mut bytes)?;
    ///
    /// let copy = Policy::from_checkpoint(&presets::RECOMMENDED, &bytes[..length])?;
    /// assert!(policy == copy);
    /// # Ok::<(), redial::record::CheckpointError>(())
    /// ```
    pub fn checkpoint(&self, names: Names, out: &mut [u8]) -> Result<usize, CheckpointError> {
        let mut writer = Writer::new(out, names);
        self.store(&mut writer)?;
        writer.sealed()
    }

    pub(crate) fn store_rng(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        self.rng.store(to)
    }
}

impl<R, T: Named, S: Store, C: ConfigSource, E: Store> Policy<R, T, S, C, E> {
    /// All of it but the config and the generator.
    pub(crate) fn store_without_rng(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { source: _, session, state, rng: _, subscriptions, endpoints } = self;
        state.store(to)?;
        store_part(to, session.get())?;
        endpoints.store(to)?;
        subscriptions.store(to)
    }
}

/// A [checkpoint](Policy::checkpoint) without its checksum: what a recording begins with.
impl<R: Store, T: Named, S: Store, C: ConfigSource, E: Store> Store for Policy<R, T, S, C, E> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        to.bytes(&[MAGIC, VERSION])?;
        to.bytes(&Fingerprint::of(self.source.config()).to_le_bytes())?;
        self.store_rng(to)?;
        self.store_without_rng(to)
    }
}

impl<R: Load, T: FromName + PartialEq, S: Load, C: ConfigSource, E: Load> Policy<R, T, S, C, E> {
    /// The policy that [`checkpoint`](Self::checkpoint) wrote, on the config that it had then.
    ///
    /// The parts may be of other types than they were there, where these hold as much: the checkpoint of a policy with eight
    /// subscriptions in place is read by one with a list of them.
    ///
    /// # Errors
    /// In this order: [`CheckpointError::NotACheckpoint`], [`CheckpointError::Version`], [`CheckpointError::Corrupt`],
    /// [`CheckpointError::OtherConfig`]; then [`CheckpointError::Impossible`] and [`CheckpointError::Unfit`].
    pub fn from_checkpoint(source: C, bytes: &[u8]) -> Result<Self, CheckpointError> {
        match bytes {
            [MAGIC, VERSION, ..] => {}
            [MAGIC, version, ..] => return Err(CheckpointError::Version(*version)),
            _ => return Err(CheckpointError::NotACheckpoint),
        }
        let mut from = unsealed(bytes, Fingerprint::of(source.config()))?;
        let policy = Self::load_parts(source, &mut from)?;
        ended(&from)?;
        Ok(policy)
    }

    /// All of it but the config.
    pub(crate) fn load_parts(source: C, from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let rng = R::load(from)?;
        let mut state = State::load(from)?;
        state.derive_progress(source.config());
        let session = load_part(from, "it has a session")?;
        let (endpoints, subscriptions) = (E::load(from)?, S::load(from)?);
        Ok(Self { source, session, state, rng, subscriptions, endpoints })
    }
}

/// What follows magic, version and the fingerprint of the config, which must be this one.
pub(crate) fn unsealed(bytes: &[u8], fingerprint: u32) -> Result<Reader<'_>, CheckpointError> {
    let mut from = Reader::unsealed(bytes).ok_or(CheckpointError::Corrupt)?;
    let [_, _] = from.array()?;
    if u32::from_le_bytes(from.array()?) == fingerprint {
        Ok(from)
    } else {
        Err(CheckpointError::OtherConfig)
    }
}

/// Nothing is left to read.
pub(crate) const fn ended(from: &Reader<'_>) -> Result<(), CheckpointError> {
    if from.rest().is_empty() { Ok(()) } else { Err(impossible("it goes on behind its end")) }
}
