//! Any bytes as a checkpoint and as the dump of a flight recorder: read or refused, never a panic, and what is read lives on.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]

use redial::endpoints::FixedEndpoints;
use redial::handover::{self, Decider, Handover};
use redial::record::{CheckpointError, Flight, Names};
use redial::subscriptions::FixedSubscriptions;
use redial::testing::Script;
use redial::{Config, Instant, SplitMix64};

use crate::harness::{KEYS, Lent, SmallPolicy};

pub type SmallHandover<'c> =
    Handover<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'c>, FixedEndpoints<3>>;

/// With the checksum of these bytes behind them.
pub fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let shift = |crc: u32| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xedb8_8320 };
    let crc =
        !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)));
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Reads a checkpoint of `config`, writes it, reads it again, and lives on by `story`.
pub fn checkpoint(config: &Config, bytes: &[u8], story: &[u8]) -> Result<(), CheckpointError> {
    let mut read = SmallPolicy::from_checkpoint(Lent(config), bytes)?;
    let mut written = vec![0; 2_000];
    let length = read.checkpoint(Names::Shown, &mut written).expect("four short names");
    let again = SmallPolicy::from_checkpoint(Lent(config), &written[..length]).expect("its own");
    assert!(again == read);
    live_on(&mut read, story);
    Ok(())
}

/// The same of the checkpoint of a handover.
pub fn handover(
    config: &Config,
    settings: Option<handover::Config>,
    bytes: &[u8],
    story: &[u8],
) -> Result<(), CheckpointError> {
    let mut read = SmallHandover::from_checkpoint(Lent(config), settings, bytes)?;
    let mut written = vec![0; 2_000];
    let length = read.checkpoint(Names::Shown, &mut written).expect("four short names");
    let again = SmallHandover::from_checkpoint(Lent(config), settings, &written[..length]).expect("its own");
    assert!(again == read);
    live_on(&mut read, story);
    Ok(())
}

/// Goes through the events of a story.
fn live_on<D>(read: &mut D, story: &[u8])
where
    D: Decider<Token = u8, Subscriptions = FixedSubscriptions<u8, KEYS>>,
{
    let mut script = Script::from_bytes(story);
    let mut now = Instant::ZERO;
    while let Some(step) = script.next_step(read, now) {
        now = step.at;
        let _actions = step.apply(read);
        let explained = (read.explain().to_string(), read.poll_timeout());
        assert!(!explained.0.is_empty(), "{explained:?}");
    }
}

/// Reads the dump of a flight recorder, and its state as one of `config`, of a policy or of a handover.
pub fn flight(config: &Config, bytes: &[u8]) -> Result<(), CheckpointError> {
    let flight = Flight::decode(bytes)?;
    let after = flight.steps::<u8, u8>().skip_while(Result::is_ok).count();
    assert!(after <= 1, "an error is the last item");
    match checkpoint(config, flight.checkpoint(), &[]) {
        Err(CheckpointError::NotACheckpoint) => {
            handover(config, Some(handover::Config::DEFAULT), flight.checkpoint(), &[])
        }
        read => read,
    }
}
