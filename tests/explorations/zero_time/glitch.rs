//! A clock that is far ahead for one call.

use core::time::Duration;

use redial::Instant;

use super::{Move, Play, SECOND, all, draws, hour::Allowed};
use crate::harness::deeper;

/// What a call brings; none: it only lets time pass.
fn call(play: &mut Play<'_>, step: Option<Move>) {
    match step {
        Some(step) => _ = play.make(step),
        None => play.tick(),
    }
}

/// A call that is so far ahead, and one at the right time; the server refuses what is dialled. `before`: what forbids dials
/// until `step`. Whether the far call dialled what a call at the right time would not have dialled.
fn glitch(play: &mut Play<'_>, ahead: Duration, before: Option<Move>, step: Option<Move>) -> bool {
    if let Some(before) = before {
        play.make(before);
    }
    let (back, dials) = (play.now, play.dials);
    let mut twin = play.clone();
    call(&mut twin, step);
    twin.settle();
    play.now = back.saturating_add(ahead);
    play.dialled_at = None;
    call(play, step);
    let early = play.dials > dials && twin.dials == dials;
    play.now = back;
    play.dialled_at = None;
    play.tick();
    play.make(Move::Refuse);
    play.tick();
    play.make(Move::CredentialOk);
    early
}

/// Issue 9, counting: calls of which each second one is hours or years ahead. Such a call dials nothing that its own
/// instant would not have dialled, so that there are no more dials than without it, but what its host events may add.
#[test]
fn a_clock_that_is_far_ahead_for_one_call_dials_no_more() {
    let far = [7_200 * SECOND, 31_536_000 * SECOND * 3, Duration::MAX];
    let told = [
        (None, None),
        (None, Some(Move::NetworkUp)),
        (None, Some(Move::NetworkChanged)),
        (None, Some(Move::CredentialNew)),
        (None, Some(Move::CredentialOk)),
        (None, Some(Move::HostResumed)),
        (Some(Move::NetworkDown), Some(Move::NetworkUp)),
        (Some(Move::Hold), Some(Move::Release)),
        (Some(Move::Hidden), Some(Move::Visible)),
    ];
    let calls = if deeper() == 0 { 250 } else { 500 };
    let mut broken = Vec::new();
    for case in all() {
        for &draw in draws() {
            let allowed = Allowed::new(&case, draw);
            for (ahead, (before, step)) in far.into_iter().flat_map(|far| told.map(|call| (far, call))) {
                let mut play = Play::new(&case, draw);
                play.make(Move::Refuse);
                let (mut anew, mut fooled) = (0, false);
                for call in 0..calls {
                    play.now = Instant::from_millis(100 * call);
                    let early = glitch(&mut play, ahead, before, step);
                    anew += u64::from(step.is_some_and(Move::is_news));
                    let most = allowed.until(play.now.as_micros(), anew, 2 + 2 * anew) + u64::from(fooled);
                    // What is parked for hours is nothing new, so the end of that is believed until the clock has run back.
                    let excused = early && before.is_some() && !std::mem::replace(&mut fooled, true);
                    if early && !excused || play.dials > most {
                        let name = case.name;
                        broken.push(format!(
                            "{name}, {before:?} {step:?} {ahead:?} ahead: {} dials in {call} calls, at most {most}, early: {early}, {:?}",
                            play.dials,
                            play.policy.explain()
                        ));
                        break;
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} times, such as {:#?}", broken.len(), &broken[..broken.len().min(20)]);
}
