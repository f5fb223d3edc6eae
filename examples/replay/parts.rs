//! A policy with its handover, whose parts are chosen at run time: what a recording was made with.

use std::collections::BTreeMap;
use std::convert::Infallible;

use redial::endpoints::{Endpoints, EndpointsConfig, FixedEndpoints, SingleEndpoint};
use redial::handover::Handover;
use redial::rand_core::{Rng, SeedableRng, TryRng};
use redial::record::{CheckpointError, Load, Reader};
use redial::subscriptions::{SubscriptionSet, SubscriptionSlot, SubscriptionStorage};
use redial::{ChaCha8Rng, Config, Instant, Policy, SplitMix64};

use super::set_up::{GeneratorName, MAX_ENDPOINTS, SetUp};

/// What decides. Where the config has no handover, it does so as its policy alone.
pub(super) type Process = Handover<Generator, String, SubscriptionSet<Wishes>, Config, Walk>;

/// One as the n-th restart makes it: nothing is known but the set-up, and the seed is another one each time.
pub(super) fn process(set_up: &SetUp, walk: Walk, restarts: u64) -> Process {
    let seed = set_up.seed.unwrap_or(0).wrapping_add(restarts);
    let wishes = SubscriptionSet::with_storage(Wishes::default());
    let policy = Policy::new(set_up.config, Generator::new(set_up.generator, seed))
        .with_session_type::<String>()
        .with_subscriptions(wishes)
        .with_endpoints(walk)
        .with_handover(set_up.handover);
    match set_up.phase {
        Some(phase) => policy.with_window_phase(phase),
        None => policy,
    }
}

/// One in the state of a checkpoint, which may be that of a policy alone.
pub(super) fn restored(set_up: &SetUp, bytes: &[u8]) -> Result<Process, CheckpointError> {
    match Process::from_checkpoint(set_up.config, set_up.handover, bytes) {
        Err(CheckpointError::NotACheckpoint) => {
            Policy::from_checkpoint(set_up.config, bytes).map(|policy| policy.with_handover(set_up.handover))
        }
        read => read,
    }
}

/// The generator of the jitter.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Generator {
    ChaCha8(Box<ChaCha8Rng>),
    SplitMix64(SplitMix64),
}

impl Generator {
    pub(super) fn new(name: GeneratorName, seed: u64) -> Self {
        match name {
            GeneratorName::ChaCha8 => Self::ChaCha8(Box::new(ChaCha8Rng::seed_from_u64(seed))),
            GeneratorName::SplitMix64 => Self::SplitMix64(SplitMix64::new(seed)),
        }
    }
}

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(match self {
            Self::ChaCha8(rng) => rng.next_u32(),
            Self::SplitMix64(rng) => rng.next_u32(),
        })
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(match self {
            Self::ChaCha8(rng) => rng.next_u64(),
            Self::SplitMix64(rng) => rng.next_u64(),
        })
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match self {
            Self::ChaCha8(rng) => rng.fill_bytes(bytes),
            Self::SplitMix64(rng) => rng.fill_bytes(bytes),
        }
        Ok(())
    }
}

impl Load for Generator {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let mut ahead = from.clone();
        if let Ok(rng) = SplitMix64::load(&mut ahead) {
            *from = ahead;
            return Ok(Self::SplitMix64(rng));
        }
        ChaCha8Rng::load(from).map(|rng| Self::ChaCha8(Box::new(rng)))
    }
}

/// What is known of the endpoints.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Walk {
    /// A policy that keeps nothing of its only one.
    Single(SingleEndpoint),
    Several(FixedEndpoints<MAX_ENDPOINTS>),
}

impl Walk {
    /// As many endpoints, of which nothing is known.
    pub(super) fn new_one(&self) -> Self {
        match self {
            Self::Single(_) => Self::Single(SingleEndpoint),
            Self::Several(endpoints) => {
                FixedEndpoints::new(endpoints.count()).map_or(Self::Single(SingleEndpoint), Self::Several)
            }
        }
    }

    pub(super) const fn count(&self) -> usize {
        match self {
            Self::Single(_) => 1,
            Self::Several(endpoints) => endpoints.count() as usize,
        }
    }
}

/// The same call of whichever it is.
macro_rules! each {
    ($walk:expr, $endpoints:ident => $call:expr) => {
        match $walk {
            Walk::Single($endpoints) => $call,
            Walk::Several($endpoints) => $call,
        }
    };
}

impl Endpoints for Walk {
    fn begin_round<R: Rng + ?Sized>(&mut self, config: &EndpointsConfig, now: Instant, rng: &mut R) -> u8 {
        each!(self, endpoints => endpoints.begin_round(config, now, rng))
    }

    fn current(&self) -> u8 {
        each!(self, endpoints => endpoints.current())
    }

    fn failed<R: Rng + ?Sized>(&mut self, config: &EndpointsConfig, now: Instant, rng: &mut R) -> Option<u8> {
        each!(self, endpoints => endpoints.failed(config, now, rng))
    }

    fn end_round(&mut self) {
        each!(self, endpoints => endpoints.end_round());
    }

    fn leave(&mut self, config: &EndpointsConfig, now: Instant) {
        each!(self, endpoints => endpoints.leave(config, now));
    }

    fn several(&self) -> bool {
        each!(self, endpoints => endpoints.several())
    }

    fn succeeded(&mut self, config: &EndpointsConfig, now: Instant) {
        each!(self, endpoints => endpoints.succeeded(config, now));
    }

    fn forget(&mut self) -> bool {
        each!(self, endpoints => endpoints.forget())
    }
}

impl Load for Walk {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let mut ahead = from.clone();
        if let Ok(single) = SingleEndpoint::load(&mut ahead) {
            *from = ahead;
            return Ok(Self::Single(single));
        }
        FixedEndpoints::load(from).map(Self::Several)
    }
}

/// Where the user's subscriptions are kept. (`redial::subscriptions::SubscriptionList` is the same behind feature `alloc`; this
/// program needs none.)
#[derive(Clone, Default)]
pub(super) struct Wishes {
    room: Option<usize>,
    slots: Vec<SubscriptionSlot<String>>,
    by_key: BTreeMap<String, usize>,
}

impl SubscriptionStorage for Wishes {
    type Key = String;

    fn slot(&self, at: usize) -> Option<&SubscriptionSlot<String>> {
        self.slots.get(at)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut SubscriptionSlot<String>> {
        self.slots.get_mut(at)
    }

    fn grow(&mut self) -> bool {
        let grows = self.room.is_none_or(|room| self.slots.len() < room);
        if grows {
            self.slots.push(SubscriptionSlot::EMPTY);
        }
        grows
    }

    fn capacity(&self) -> Option<usize> {
        self.room
    }

    fn limit(&mut self, room: usize) {
        self.room = Some(room);
    }

    fn position(&self, key: &String) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    fn index(&mut self, key: &String, at: usize) {
        self.by_key.insert(key.clone(), at);
    }

    fn unindex(&mut self, key: &String) {
        self.by_key.remove(key);
    }
}
