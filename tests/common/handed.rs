//! Bytes to a handover and what happens to it, as in `script.rs`.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]

use core::time::Duration;

use arbitrary::{Result, Unstructured};
use redial::classify::Class;
use redial::endpoints::FixedEndpoints;
use redial::handover::{self, Handover};
use redial::subscriptions::FixedSubscriptions;
use redial::{Cause, Config, Epoch, Event, Phase, SplitMix64};

use super::harness::{KEYS, Lent, TestEvent, small_policy};
use super::script;

pub type SmallHandover<'c> =
    Handover<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'c>, FixedEndpoints<3>>;

/// Over a policy with this config, a seed of its own and 1 to 3 endpoints.
pub fn handover<'c>(u: &mut Unstructured<'_>, config: &'c Config) -> Result<SmallHandover<'c>> {
    let policy = small_policy(config, u.arbitrary()?, u.int_in_range(1..=3)?);
    Ok(policy.with_handover(settings(u)?))
}

fn settings(u: &mut Unstructured<'_>) -> Result<Option<handover::Config>> {
    let timeout = *u.choose(&[10_000, 1, 250, 3_600_000])?;
    let drain = *u.choose(&[0, 5_000, 1, 3_600_000, u64::MAX])?;
    let config =
        handover::Config::new().timeout(Duration::from_millis(timeout)).drain(Duration::from_millis(drain));
    Ok(if u.ratio(1, 12)? { None } else { Some(config.build_const()) })
}

/// One of any of its transports, or of the user or the host: a connection is often replaced, and its successor often comes
/// through.
pub fn event(u: &mut Unstructured<'_>, handover: &SmallHandover<'_>) -> Result<Option<TestEvent<u8>>> {
    let (connection, successor) = (handover.epoch(), handover.successor());
    let phase = handover.phase();
    match (connection, successor, u.int_in_range(0..=11_u8)?) {
        (Some(epoch), None, 0 | 1) if phase == Phase::Online => Ok(Some(match u.int_in_range(0..=3_u8)? {
            0 | 1 => Event::Redial,
            2 => {
                let deadline = Some(Duration::from_millis(u.int_in_range(0..=20_000)?));
                Event::ReconnectRequested { epoch, retry_after: None, deadline }
            }
            _ => Event::Redirected { epoch, endpoint: 3, permanent: u.arbitrary()? },
        })),
        (Some(epoch), None, 0..=2) if phase == Phase::Connecting => Ok(Some(Event::Opened { epoch })),
        (Some(epoch), None, 0..=2) | (_, Some(epoch), 0..=2) => step_on(u, epoch),
        (_, Some(epoch), 3) if u.ratio(1, 4)? => {
            Ok(Some(Event::Closed { epoch, cause: Cause::Class(Class::Fatal) }))
        }
        (_, Some(epoch), 3 | 4) => script::event_of(u, epoch, Phase::Establishing),
        (Some(epoch), _, 5) => script::event_of(u, epoch, phase),
        (_, _, 6) => match handover.draining() {
            Some(epoch) if u.arbitrary()? => Ok(Some(Event::Drained { epoch })),
            Some(epoch) => script::event_of(u, epoch, Phase::Online),
            None => script::event(u, handover),
        },
        (None, _, 7) => Ok(Some(Event::Start)),
        _ => script::event(u, handover),
    }
}

/// What brings a dial further.
fn step_on(u: &mut Unstructured<'_>, epoch: Epoch) -> Result<Option<TestEvent<u8>>> {
    Ok(Some(match u.int_in_range(0..=7_u8)? {
        0..=2 => Event::Opened { epoch },
        3 => Event::Greeting { epoch, heartbeat: None },
        4 => Event::AuthOk { epoch },
        5 => Event::Resumed { epoch },
        _ => script::ready(u, epoch)?,
    }))
}
