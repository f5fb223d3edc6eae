//! Bytes to a config, a handover's config and a string of events, as `tests/common/script.rs` reads them for a policy. A run
//! of zeros is the simplest script with a handover: start, everything goes well, redial, and everything goes well again.

use arbitrary::{Result, Unstructured};
use redial::handover;
use redial::{Epoch, Event, SessionState};

use super::super::harness::small_policy;
use super::super::script::{config, duration, event_of, one_in, time};
use super::{PairEvent, Subject, is_live, over};

/// Reads a script and runs it; panics where an invariant breaks. With `REDIAL_STORY` in the environment it is printed on
/// standard error.
pub fn run(bytes: &[u8]) {
    // The only error of `arbitrary` here is the end of the bytes, which is the end of the script.
    let _ = story(&mut Unstructured::new(bytes));
}

fn story(u: &mut Unstructured<'_>) -> Result<()> {
    let mut moves = handover::Config::new().build_const();
    if u.arbitrary()? {
        let (timeout, drain) = (duration(u)?, duration(u)?);
        moves = moves.to_builder().drain(drain).build_const();
        moves = moves.to_builder().timeout(timeout).build().unwrap_or(moves);
    }
    let (config, limits) = config(u)?;
    let seed = u64::from(u.arbitrary::<u8>()?);
    let mut policy = small_policy(&config, seed, u.int_in_range(1..=3)?);
    if one_in(u, 8)? {
        let session = SessionState::resumable(1, u.arbitrary::<bool>()?.then_some(2), None);
        policy = policy.with_session(session);
    }
    let mut pair = over(policy, limits, Some(moves));
    let mut replay = Subject::clone(&pair);
    let mut log = Vec::new();
    let told = std::env::var_os("REDIAL_STORY").is_some();
    if told {
        eprintln!("{config:?} {moves:?}");
    }
    while !u.is_empty() && log.len() < 2_000 {
        let now = time(u, pair.now(), &*pair)?;
        let event = event(u, &pair)?;
        log.push((now, event.clone()));
        if told {
            eprintln!("{} {event:?}", now.as_micros());
        }
        let actions = pair.call(now, event);
        if told {
            let actions = (actions.disposition(), actions.iter().collect::<Vec<_>>());
            eprintln!("    {actions:?} {}", pair.explain());
        }
    }
    // S96: the same events, told to a new policy, end in the same state.
    for (now, event) in log {
        let _ = match event {
            Some(event) => replay.handle_event(now, event),
            None => replay.handle_timeout(now),
        };
    }
    assert_eq!(replay, *pair, "S96: the replay ends elsewhere");
    pair.assert_recovers();
    Ok(())
}

/// `None`: nothing but time.
fn event(u: &mut Unstructured<'_>, policy: &Subject<'_>) -> Result<Option<PairEvent>> {
    let newest = Epoch::from_raw(policy.stats().opens.max(1)).unwrap_or_else(|| unreachable!("above 0"));
    let kind = u.int_in_range(0..=31_u8)?;
    let epoch = match kind {
        0..=9 => newest,
        10..=17 => policy.epoch().unwrap_or(newest),
        18..=23 => policy.successor().unwrap_or(newest),
        24..=26 => policy.draining().unwrap_or(newest),
        27 => Epoch::from_raw(newest.get() + 1).unwrap_or(newest),
        28 => Epoch::from_raw(newest.get().saturating_sub(1)).unwrap_or(newest),
        29 => return Ok(Some(Event::Drained { epoch: policy.draining().unwrap_or(newest) })),
        // A reason to move, while there is something to move from.
        _ if is_live(policy) => return Ok(Some(Event::Redial)),
        _ => newest,
    };
    event_of(u, epoch, policy.phase())
}
