//! The policy of one connection, in the caller's memory.

use core_policy::backoff::WindowPhase;
use core_policy::endpoints::FixedEndpoints;
use core_policy::handover::{self, Handover};
use core_policy::policy::Snapshot;
use core_policy::subscriptions::{SubscriptionSet, Subscriptions};
use core_policy::{Config, Instant, Policy, SplitMix64};

use crate::action::redial_decision;
use crate::config::{config, redial_config};
use crate::event::redial_event;
use crate::memory::{checked, items, shared, write};
use crate::slots::{Slots, redial_slot};
use crate::status::redial_status;
use crate::time::{deadline, instant, span};

/// The most endpoints of a policy.
pub const REDIAL_MAX_ENDPOINTS: u32 = 16;

/// What decides. Without a handover it does so as its policy alone.
pub(crate) type Inner =
    Handover<SplitMix64, u64, SubscriptionSet<Slots>, &'static Config, FixedEndpoints<16>>;

const _: () = assert!(REDIAL_MAX_ENDPOINTS == 16);

/// The size of a policy, in numbers of 64 bits.
pub const REDIAL_POLICY_WORDS: usize = 96;

/// Memory for a policy: a variable of this type, which stays where it is from `redial_policy_init` on.
#[repr(C)]
pub struct redial_policy {
    /// Not to be read or written.
    opaque: [u64; REDIAL_POLICY_WORDS],
}

/// What the memory of a policy holds.
#[repr(C)]
pub(crate) struct Cell {
    /// Says that it was initialized.
    mark: u64,
    /// Where it was.
    address: usize,
    /// How many slots it has.
    slots: u32,
    pub(crate) policy: Inner,
}

impl Cell {
    /// Gives a policy that has not begun what an earlier process kept.
    pub(crate) fn restore(&mut self, now: Instant, snapshot: Snapshot<u64>) {
        let place = &raw mut self.policy;
        // SAFETY: the place is written again before anybody reads it: nothing in between returns early, and a panic ends the process.
        unsafe { place.write(place.read().with_snapshot(now, snapshot)) };
    }
}

const _: () = assert!(size_of::<Cell>() <= size_of::<redial_policy>(), "a policy has too few words");
const _: () = assert!(align_of::<Cell>() <= align_of::<redial_policy>());

/// Nothing that memory holds by chance.
const MARK: u64 = 0x7265_6469_616c_2e31;

/// What a policy is made with beside its config. Set it to zero, then the seed and what else is to be there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_options {
    /// The seed of the generator, the only source of randomness. Not 0, and another one for each client: from the operating system's
    /// entropy, or of a device's number by `redial_seed`. Equal seeds wait in step.
    pub seed: u64,
    /// An array of slots for subscriptions, whose keys are the indices below `slot_count`. Null with a count of 0 for none. It belongs to
    /// the policy from here on.
    pub slots: *mut redial_slot,
    /// How many slots there are, at most `REDIAL_MAX_SLOTS`.
    pub slot_count: u32,
    /// How many endpoints there are, at most `REDIAL_MAX_ENDPOINTS`; 0 means 1.
    pub endpoints: u32,
    /// With a handover: how long a successor may take from its dial until it is ready. 0 for no handover.
    pub handover_timeout_ms: u64,
    /// How long the replaced connection stays open for what is under way on it.
    pub handover_drain_ms: u64,
    /// Where in the windows of each outage the client dials, of 2^32, where `has_phase` is set. Otherwise it is drawn.
    pub phase: u32,
    /// Whether there is a phase.
    pub has_phase: u8,
}

/// Makes a policy in the caller's memory, which does nothing until `REDIAL_EVENT_START`. The policy, the config and the slots stay where
/// they are, and nobody else writes them, until the policy is not used any more. There is nothing to free.
///
/// # Safety
/// Each pointer is null or points to what its type says, which nobody else uses during the call; the slots are as many as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_policy_init(
    policy: *mut redial_policy,
    config: *const redial_config,
    options: *const redial_options,
) -> redial_status {
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { init(policy, config, options) })
}

/// # Safety
/// As of [`redial_policy_init`].
unsafe fn init(
    policy: *mut redial_policy,
    config: *const redial_config,
    options: *const redial_options,
) -> Result<(), redial_status> {
    checked(policy)?;
    // SAFETY: the caller stands for it.
    let config = unsafe { self::config(config) }?;
    // SAFETY: every pattern of bits is options, and for the rest the caller stands.
    let options = unsafe { shared(options) }?;
    if options.seed == 0 {
        return Err(redial_status::REDIAL_ERROR_SEED);
    }
    let count = u8::try_from(options.endpoints.max(1)).map_err(|_| redial_status::REDIAL_ERROR_ENDPOINTS)?;
    let endpoints = FixedEndpoints::new(count).map_err(|_| redial_status::REDIAL_ERROR_ENDPOINTS)?;
    // SAFETY: the caller stands for it.
    let slots = unsafe { Slots::new(options.slots, options.slot_count) }?;
    let count = slots.count();
    let handover = span(options.handover_timeout_ms).map(|timeout| {
        let drain = core::time::Duration::from_millis(options.handover_drain_ms);
        // A timeout above 0 is the only condition.
        handover::Config::new().timeout(timeout).drain(drain).build().unwrap_or(handover::Config::DEFAULT)
    });
    let mut made = Policy::new(config, SplitMix64::new(options.seed))
        .with_session_type::<u64>()
        .with_subscriptions(SubscriptionSet::with_storage(slots))
        .with_endpoints(endpoints)
        .with_handover(handover);
    if options.has_phase != 0 {
        made = made.with_window_phase(WindowPhase::from_bits(options.phase));
    }
    let cell = Cell { mark: MARK, address: policy.addr(), slots: count, policy: made };
    // SAFETY: the memory is at least as large and as aligned as what it holds, and for the rest the caller stands.
    unsafe { write(policy.cast::<Cell>(), cell) }
}

/// Checks that a policy was made here.
///
/// # Safety
/// The pointer is null, or points to a `redial_policy` that nobody else writes during the call.
unsafe fn initialized(policy: *const redial_policy) -> Result<*const Cell, redial_status> {
    checked(policy)?;
    let cell = policy.cast::<Cell>();
    // SAFETY: the memory is as large as a cell, and any bits are a number.
    let (mark, address) = unsafe { ((&raw const (*cell).mark).read(), (&raw const (*cell).address).read()) };
    match (mark == MARK, address == policy.addr()) {
        (true, true) => Ok(cell),
        (true, false) => Err(redial_status::REDIAL_ERROR_MOVED),
        (false, _) => Err(redial_status::REDIAL_ERROR_UNINITIALIZED),
    }
}

/// The policy of the caller's.
///
/// # Safety
/// The pointer is null, or points to a `redial_policy` that nobody else writes for `'a`.
pub(crate) unsafe fn seen<'a>(policy: *const redial_policy) -> Result<&'a Inner, redial_status> {
    // SAFETY: the caller stands for it.
    let cell = unsafe { initialized(policy) }?;
    // SAFETY: `redial_policy_init` has written it there, and for the rest the caller stands.
    Ok(&unsafe { &*cell }.policy)
}

/// The same to be changed.
///
/// # Safety
/// The pointer is null, or points to a `redial_policy` that nobody else uses for `'a`.
pub(crate) unsafe fn changed<'a>(policy: *mut redial_policy) -> Result<&'a mut Cell, redial_status> {
    // SAFETY: the caller stands for it.
    unsafe { initialized(policy) }?;
    // SAFETY: `redial_policy_init` has written it there, and for the rest the caller stands.
    Ok(unsafe { &mut *policy.cast::<Cell>() })
}

/// The one call: takes an event that happened at `now_ms`, or with null the time alone, and writes what to do. Execute every action in
/// order before the next call, return the epoch of each transport with its events, and never sleep past the deadline. Give it the events
/// that are ready before the time alone. The clock is any that counts milliseconds.
///
/// An event that is stale or does not apply is no error: `disposition` says so. Where the status is an error, nothing was decided, and
/// `decision` is not written.
///
/// # Safety
/// Each pointer is null or points to what its type says, which nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_handle(
    policy: *mut redial_policy,
    now_ms: u64,
    event: *const redial_event,
    decision: *mut redial_decision,
) -> redial_status {
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { handle(policy, now_ms, event, decision) })
}

/// # Safety
/// As of [`redial_handle`].
unsafe fn handle(
    policy: *mut redial_policy,
    now_ms: u64,
    event: *const redial_event,
    decision: *mut redial_decision,
) -> Result<(), redial_status> {
    checked(decision)?;
    // SAFETY: the caller stands for it.
    let cell = unsafe { changed(policy) }?;
    let now = instant(now_ms);
    let actions = if event.is_null() {
        cell.policy.handle_timeout(now)
    } else {
        // SAFETY: every pattern of bits is an event, and for the rest the caller stands.
        let event = unsafe { shared(event) }?.read(cell.slots)?;
        cell.policy.handle_event(now, event)
    };
    // SAFETY: the caller stands for it.
    unsafe { write(decision, redial_decision::of(&cell.policy, actions)) }
}

/// The deadline of the last decision: when to call `redial_handle` again at the latest, or `REDIAL_NEVER`; 0 for a policy that is none.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_deadline(policy: *const redial_policy) -> u64 {
    // SAFETY: the caller stands for it.
    unsafe { seen(policy) }.map_or(0, |policy| deadline(policy.poll_timeout()))
}

/// The keys of the newest batch, in the order in which to send them: writes at most `capacity` of them to `keys` and their number to
/// `count`. `REDIAL_ERROR_FULL` where there are more.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call, `keys` to as many numbers, `count` to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_batch(
    policy: *const redial_policy,
    keys: *mut u32,
    capacity: usize,
    count: *mut usize,
) -> redial_status {
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { batch(policy, keys, capacity, count) })
}

/// # Safety
/// As of [`redial_batch`].
unsafe fn batch(
    policy: *const redial_policy,
    keys: *mut u32,
    capacity: usize,
    count: *mut usize,
) -> Result<(), redial_status> {
    // SAFETY: the caller stands for it.
    let policy = unsafe { seen(policy) }?;
    let mut written = 0_usize;
    let mut fits = Ok(());
    for key in policy.subscriptions().batch() {
        if written >= capacity {
            fits = Err(redial_status::REDIAL_ERROR_FULL);
            break;
        }
        checked(keys)?;
        // SAFETY: below the capacity, so inside of the caller's array.
        unsafe { keys.add(written).write(*key) };
        written = written.saturating_add(1);
    }
    // SAFETY: the caller stands for it.
    unsafe { write(count, written) }?;
    fits
}

/// A seed of any bytes that no two devices share, such as a serial number or a MAC address. It is never 0. The same bytes give the same
/// seed.
///
/// # Safety
/// `id` is null with a length of 0, or points to as many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_seed(id: *const u8, length: usize) -> u64 {
    // SAFETY: the caller stands for it.
    let bytes = unsafe { items(id, length) }.unwrap_or_default();
    seed(bytes)
}

/// FNV-1a of 64 bits, mixed, since devices in a row differ in their last bits.
pub(crate) fn seed(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).max(1)
}
