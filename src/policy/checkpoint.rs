//! The whole of a policy as bytes, exactly: what a recording begins with.

use crate::codec::{
    CheckpointError, Fingerprint, FromName, Load, Named, Names, Reader, Store, Writer, impossible,
};

use super::Policy;
use super::source::{ConfigSource, OptionalPart};
use super::state::{State, load_part, store_part};

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
        self.store_whole(&mut writer)?;
        writer.sealed()
    }

    /// The config.
    #[cfg(feature = "record")]
    pub(crate) fn lent(&self) -> &super::Config {
        self.source.config()
    }

    /// The same without the checksum.
    pub(crate) fn store_whole(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { source, session, state, rng, subscriptions, endpoints } = self;
        to.bytes(&[MAGIC, VERSION])?;
        to.bytes(&Fingerprint::of(source.config()).to_le_bytes())?;
        rng.store(to)?;
        state.store(to)?;
        store_part(to, session.get())?;
        endpoints.store(to)?;
        subscriptions.store(to)
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
        let mut from = Reader::unsealed(bytes).ok_or(CheckpointError::Corrupt)?;
        let [_, _] = from.array()?;
        if u32::from_le_bytes(from.array()?) != Fingerprint::of(source.config()) {
            return Err(CheckpointError::OtherConfig);
        }
        let rng = R::load(&mut from)?;
        let state = State::load(&mut from)?;
        let session = load_part(&mut from, "it has a session")?;
        let (endpoints, subscriptions) = (E::load(&mut from)?, S::load(&mut from)?);
        if !from.rest().is_empty() {
            return Err(impossible("it goes on behind its end"));
        }
        Ok(Self { source, session, state, rng, subscriptions, endpoints })
    }
}
