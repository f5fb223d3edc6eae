//! Whole policies by their calls: wrong pointers, and every decision as the core takes it.

use core::mem::MaybeUninit;
use std::boxed::Box;
use std::ptr::{null, null_mut};
use std::vec::Vec;

use core_policy::endpoints::FixedEndpoints;
use core_policy::handover::{self, Handover};
use core_policy::subscriptions::{FixedSubscriptions, Subscriptions};
use core_policy::testing::Script;
use core_policy::{Action, Config, Instant, Policy, SplitMix64, presets};

use super::events::{filled, rounded};
use crate::action::{redial_action, redial_decision};
use crate::config::redial_config;
use crate::event::redial_event;
use crate::policy::{
    redial_batch, redial_deadline, redial_handle, redial_options, redial_policy, redial_policy_init,
    redial_seed,
};
use crate::slots::redial_slot;
use crate::status::redial_status;
use crate::time;

const SLOTS: usize = 6;

/// A policy with its slots, which stay where they are.
struct Made {
    policy: Box<MaybeUninit<redial_policy>>,
    _slots: Box<[MaybeUninit<redial_slot>; SLOTS]>,
}

const OPTIONS: redial_options = redial_options {
    seed: 7,
    slots: null_mut(),
    slot_count: 0,
    endpoints: 0,
    handover_timeout_ms: 0,
    handover_drain_ms: 0,
    phase: 0,
    has_phase: 0,
};

fn address(config: &'static Config) -> *const redial_config {
    core::ptr::from_ref(config).cast()
}

impl Made {
    fn new(config: &'static Config, options: redial_options) -> Result<Self, redial_status> {
        let mut slots = Box::new([const { MaybeUninit::uninit() }; SLOTS]);
        let mut policy = Box::new(MaybeUninit::uninit());
        let options =
            redial_options { slots: slots.as_mut_ptr().cast(), slot_count: SLOTS as u32, ..options };
        // SAFETY: memory for each, which lives as long as this.
        match unsafe { redial_policy_init(policy.as_mut_ptr(), address(config), &options) } {
            redial_status::REDIAL_OK => Ok(Self { policy, _slots: slots }),
            status => Err(status),
        }
    }

    fn handle(
        &mut self,
        now_ms: u64,
        event: Option<&redial_event>,
    ) -> Result<redial_decision, redial_status> {
        let mut decision = MaybeUninit::uninit();
        let event = event.map_or(null(), core::ptr::from_ref);
        // SAFETY: a policy, an event or null, and memory for a decision.
        match unsafe { redial_handle(self.policy.as_mut_ptr(), now_ms, event, decision.as_mut_ptr()) } {
            // SAFETY: it was written.
            redial_status::REDIAL_OK => Ok(unsafe { decision.assume_init() }),
            status => Err(status),
        }
    }

    fn batch(&self) -> Vec<u32> {
        let (mut keys, mut count) = ([0; SLOTS], 0);
        // SAFETY: a policy and memory for each.
        let status = unsafe { redial_batch(self.policy.as_ptr(), keys.as_mut_ptr(), SLOTS, &raw mut count) };
        assert_eq!(status, redial_status::REDIAL_OK);
        keys[..count].to_vec()
    }
}

type Reference =
    Handover<SplitMix64, u64, FixedSubscriptions<u32, SLOTS>, &'static Config, FixedEndpoints<3>>;

/// What an action of the core says, as far as it says it.
fn says(action: &redial_action, core: Action, policy: &Reference) {
    let epoch = match core {
        Action::Open { epoch, attempt, .. } => {
            assert_eq!(action.attempt, attempt);
            epoch.get()
        }
        Action::Close { epoch, code } => {
            assert_eq!(action.code, code.unwrap_or(0));
            epoch.get()
        }
        Action::Restore { epoch, send } => {
            assert_eq!((action.send, action.count as usize), (send, policy.subscriptions().batch().count()));
            epoch.get()
        }
        Action::Resume { epoch } => {
            assert_eq!(action.token, policy.session().token().copied().unwrap_or(0));
            assert_eq!((action.has_sequence == 1).then_some(action.sequence), policy.session().sequence());
            epoch.get()
        }
        Action::RefreshCredential { request } => {
            assert_eq!(action.request, request);
            0
        }
        Action::DropSession { .. } | Action::GaveUp { .. } => 0,
        Action::Promote { epoch }
        | Action::Identify { epoch }
        | Action::Heartbeat { epoch }
        | Action::Authenticate { epoch } => epoch.get(),
    };
    assert_eq!(action.epoch, epoch);
    // SAFETY: a string.
    let word = unsafe { core::ffi::CStr::from_ptr(crate::action::redial_action_kind_name(action.kind)) };
    assert_eq!(word.to_str(), Ok(core.as_str()));
}

/// Sensible and hostile scripts over several configs, with and without a handover: every call decides as the core does, whose
/// subscriptions are in another storage.
#[test]
fn decisions_are_those_of_the_core() {
    let configs = [
        &presets::RECOMMENDED,
        &presets::WEBSOCKET,
        &presets::DISCORD_GATEWAY,
        &presets::SIGNALR,
        &presets::ABLY,
    ];
    let mut actions_seen = 0;
    for seed in 0..40_u64 {
        let config = configs[usize::try_from(seed).unwrap() % configs.len()];
        let handover = seed & 1 == 0;
        let options = redial_options {
            seed: seed + 1,
            endpoints: 3,
            handover_timeout_ms: if handover { 10_000 } else { 0 },
            handover_drain_ms: 500,
            ..OPTIONS
        };
        let mut made = Made::new(config, options).unwrap();
        let drain = core::time::Duration::from_millis(500);
        let mut reference: Reference = Policy::new(config, SplitMix64::new(seed + 1))
            .with_session_type::<u64>()
            .with_subscriptions(FixedSubscriptions::new())
            .with_endpoints(FixedEndpoints::new(3).unwrap())
            .with_handover(handover.then(|| handover::Config::new().drain(drain).build().unwrap()));
        let mut script = Script::seeded(seed);
        if seed & 2 == 0 {
            script = script.with_sensible_events().with_steady_clock();
        }
        let mut now = Instant::ZERO;
        for _ in 0..600 {
            let step = script.next_step(&reference, now).unwrap();
            now = step.at;
            let now_ms = time::millis_up(now).min(u64::MAX / 1_000);
            let at = time::instant(now_ms);
            let event = step.event.map(rounded);
            let decision = made.handle(now_ms, event.as_ref().map(filled).as_ref()).unwrap();
            let actions = match event {
                Some(event) => reference.handle_event(at, event),
                None => reference.handle_timeout(at),
            };
            assert_eq!(
                decision.disposition,
                crate::vocabulary::redial_disposition::of(actions.disposition())
            );
            assert_eq!(decision.phase, crate::vocabulary::redial_phase::of(reference.phase()));
            assert_eq!(decision.deadline_ms, time::deadline(reference.poll_timeout()));
            // SAFETY: a policy.
            assert_eq!(unsafe { redial_deadline(made.policy.as_ptr()) }, decision.deadline_ms);
            assert_eq!(decision.count as usize, actions.len());
            for (ours, core) in decision.actions.iter().zip(actions) {
                says(ours, core, &reference);
                actions_seen += 1;
            }
            assert_eq!(made.batch(), reference.subscriptions().batch().copied().collect::<Vec<_>>());
        }
    }
    assert!(actions_seen > 2_000, "{actions_seen}");
}

#[test]
fn wrong_policies_and_pointers_are_errors() {
    let mut made = Made::new(&presets::RECOMMENDED, OPTIONS).unwrap();
    let mut decision = MaybeUninit::<redial_decision>::uninit();
    let policy = made.policy.as_mut_ptr();
    // SAFETY: null, or memory of each type.
    unsafe {
        let out = decision.as_mut_ptr();
        assert_eq!(redial_handle(null_mut(), 0, null(), out), redial_status::REDIAL_ERROR_NULL);
        assert_eq!(redial_handle(policy, 0, null(), null_mut()), redial_status::REDIAL_ERROR_NULL);
        let odd = policy.cast::<u8>().add(4).cast();
        assert_eq!(redial_handle(odd, 0, null(), out), redial_status::REDIAL_ERROR_ALIGNMENT);
        let odd = out.cast::<u8>().add(4).cast();
        assert_eq!(redial_handle(policy, 0, null(), odd), redial_status::REDIAL_ERROR_ALIGNMENT);
        let mut zero = MaybeUninit::<redial_policy>::zeroed();
        assert_eq!(
            redial_handle(zero.as_mut_ptr(), 0, null(), out),
            redial_status::REDIAL_ERROR_UNINITIALIZED
        );
        let mut moved = MaybeUninit::<redial_policy>::uninit();
        moved.as_mut_ptr().copy_from(policy, 1);
        assert_eq!(redial_handle(moved.as_mut_ptr(), 0, null(), out), redial_status::REDIAL_ERROR_MOVED);
        assert_eq!(redial_deadline(null()), 0);
        let mut count = 0;
        assert_eq!(redial_batch(null(), null_mut(), 0, &raw mut count), redial_status::REDIAL_ERROR_NULL);
        assert_eq!(redial_batch(policy, null_mut(), 0, null_mut()), redial_status::REDIAL_ERROR_NULL);
        let init = redial_policy_init;
        assert_eq!(init(null_mut(), address(&presets::FEW), &OPTIONS), redial_status::REDIAL_ERROR_NULL);
        assert_eq!(init(policy, null(), &OPTIONS), redial_status::REDIAL_ERROR_NULL);
        assert_eq!(init(policy, address(&presets::FEW), null()), redial_status::REDIAL_ERROR_NULL);
    }
}

#[test]
fn wrong_options_are_errors() {
    let error = |options| Made::new(&presets::RECOMMENDED, options).err();
    assert_eq!(error(redial_options { seed: 0, ..OPTIONS }), Some(redial_status::REDIAL_ERROR_SEED));
    for endpoints in [17, 256, u32::MAX] {
        assert_eq!(
            error(redial_options { endpoints, ..OPTIONS }),
            Some(redial_status::REDIAL_ERROR_ENDPOINTS)
        );
    }
    assert_eq!(error(redial_options { endpoints: 16, ..OPTIONS }), None);
    let mut policy = MaybeUninit::uninit();
    // SAFETY: memory for a policy, and no slots.
    let mut init = |slot_count| unsafe {
        redial_policy_init(
            policy.as_mut_ptr(),
            address(&presets::FEW),
            &redial_options { slot_count, ..OPTIONS },
        )
    };
    assert_eq!(init(1), redial_status::REDIAL_ERROR_NULL);
    assert_eq!(init(65_536), redial_status::REDIAL_ERROR_SLOTS);
    assert_eq!(init(0), redial_status::REDIAL_OK);
}

/// A set that is full, and a batch that does not fit.
#[test]
fn a_batch_that_does_not_fit_is_an_error() {
    let mut made = Made::new(&presets::RECOMMENDED, OPTIONS).unwrap();
    let event = |kind, key| redial_event { kind, epoch: 1, key, ..redial_event::default() };
    for key in 0..SLOTS as u32 {
        made.handle(0, Some(&event(37, key))).unwrap();
    }
    made.handle(0, Some(&event(1, 0))).unwrap();
    made.handle(0, Some(&event(14, 0))).unwrap();
    let decision = made.handle(0, Some(&event(20, 0))).unwrap();
    assert_eq!((decision.count, decision.actions[0].kind, decision.actions[0].count), (1, 9, 6));
    let (mut keys, mut count) = ([9; 4], 0);
    // SAFETY: a policy, and memory for each.
    let status = unsafe { redial_batch(made.policy.as_ptr(), keys.as_mut_ptr(), 4, &raw mut count) };
    assert_eq!((status, count, keys), (redial_status::REDIAL_ERROR_FULL, 4, [0, 1, 2, 3]));
    assert_eq!(made.batch(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn seeds_of_devices_in_a_row_differ_in_half_of_their_bits() {
    // SAFETY: bytes of this length.
    let seed = |id: u32| unsafe { redial_seed(id.to_le_bytes().as_ptr(), 4) };
    let differing: u32 = (0..1_000).map(|id| (seed(id) ^ seed(id + 1)).count_ones()).sum();
    assert!((28_000..36_000).contains(&differing), "{differing}");
    // SAFETY: null without a length.
    assert_ne!(unsafe { redial_seed(null(), 0) }, 0);
}
