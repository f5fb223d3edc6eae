//! Functions that take a closure, or a value of an anonymous type, called with one. Each is called like the function, with its
//! type in front unless it is a trait's.

use core::hint::black_box;

use redial::handover::{self, Handover};
use redial::policy::{ConfigSource, Snapshot};
use redial::record::{CheckpointError, FromName, Load, Name, Named, Writer};
use redial::subscriptions::Subscriptions;
use redial::{Instant, Policy};

#[inline(never)]
pub fn with_name<T: Named + ?Sized>(of: &T) -> u64 {
    of.with_name(|name| match name {
        Name::Text(text) => text.len() as u64,
        Name::Number(number) => number,
    })
}

#[inline(never)]
pub fn fail_unanswered<S: Subscriptions>(
    of: &mut S,
    max: usize,
    sent_by: Instant,
    retry_at: Option<Instant>,
) -> usize {
    of.fail_unanswered(max, sent_by, |failures| black_box(failures).checked_sub(3).and(retry_at))
}

#[inline(never)]
pub fn policy_with_handover<R, T, S: Subscriptions, C: ConfigSource, E>(
    of: Policy<R, T, S, C, E>,
    config: Option<handover::Config>,
) -> Handover<R, T, S, C, E> {
    of.with_handover(config)
}

#[inline(never)]
pub fn handover_from_checkpoint<
    R: Load,
    T: FromName + PartialEq,
    S: Load + Subscriptions,
    C: ConfigSource,
    E: Load,
>(
    source: C,
    config: Option<handover::Config>,
    bytes: &[u8],
) -> Result<Handover<R, T, S, C, E>, CheckpointError> {
    Handover::from_checkpoint(source, config, bytes)
}

#[inline(never)]
pub fn writer_number(of: &mut Writer<'_>, number: u64) -> Result<(), CheckpointError> {
    of.number(number)
}

#[inline(never)]
pub fn snapshot_try_map<T>(of: Snapshot<T>, convert: fn(T) -> Result<u64, u8>) -> Result<Snapshot<u64>, u8> {
    of.try_map(convert)
}
