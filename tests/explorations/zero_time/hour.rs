//! What an hour of it may cost.

use redial::backoff::Curve;
use redial::{Phase, SessionState};

use super::{Case, Draw, MILLI, Move, Play, all, draws};
use crate::harness::deeper;

/// Microseconds.
const HOUR: u64 = 3_600_000_000;

/// No run is longer than so many dials: the bounds hold at each of them.
const DIALS: u64 = 100;

/// What a config allows.
pub(crate) struct Allowed {
    /// When the backoff alone dials: the server refuses each dial, throttles it or throws it out at once, without and
    /// with a first wait of 0 that it set, for a fresh start and for a resume.
    alone: Vec<Vec<u64>>,
    /// The dials of a backoff that resets, until its waits are the longest or its table is spent.
    anew: u64,
    /// The least distance between dials, but for one at once after each.
    least: u64,
    endpoints: u64,
}

/// When a server that gives each dial this answer, at once, is dialled.
fn answered(case: &Case, draw: Draw, answer: Move, hint: bool, session: SessionState<u8>) -> Vec<u64> {
    let mut play = Play::resuming(case, draw, session);
    if hint {
        play.make(Move::HintNothing);
    }
    let mut dials = vec![0];
    while play.now.as_micros() <= HOUR && play.dials <= 2 * DIALS {
        let before = play.dials;
        let goes_on = match play.policy.phase() {
            Phase::Parked => play.make(Move::CredentialOk),
            _ => play.make(answer) || play.sleep(),
        };
        if !goes_on {
            break;
        }
        if play.dials > before {
            dials.push(play.now.as_micros());
        }
    }
    dials
}

fn gaps(dials: &[u64]) -> impl Iterator<Item = u64> + '_ {
    dials.windows(2).map(|pair| pair[1] - pair[0])
}

impl Allowed {
    pub(crate) fn new(case: &Case, draw: Draw) -> Self {
        // Limits only end what the backoff would go on with.
        let config = case
            .config
            .to_builder()
            .initial_limits(None, None)
            .max_attempts(None)
            .max_elapsed(None)
            .build_const();
        let alone = |endpoints| {
            let mut alone = Vec::new();
            for answer in [Move::Refuse, Move::Throttle, Move::Replace] {
                for hint in [false, true] {
                    for session in [SessionState::new(), SessionState::resumable(1, None, Some(1))] {
                        alone.push(answered(
                            &Case { config, endpoints, ..*case },
                            draw,
                            answer,
                            hint,
                            session,
                        ));
                    }
                }
            }
            alone
        };
        let single = alone(1);
        let alone = alone(case.endpoints);
        let until_longest = |dials: &Vec<u64>| {
            let longest = gaps(dials).max().unwrap_or(0);
            let goes_on = dials.len() as u64 > 2 * DIALS || dials.last().is_some_and(|at| *at > HOUR);
            let at = gaps(dials).position(|gap| gap == longest && goes_on);
            at.map_or(dials.len() as u64, |at| at as u64 + 1)
        };
        let anew = alone.iter().map(until_longest).max().unwrap_or(1);
        let first = case.first_wait();
        let wait = |gap: &u64| *gap > MILLI || first <= MILLI;
        let least = single.iter().flat_map(|dials| gaps(dials)).filter(wait).fold(first, u64::min);
        Self { alone, anew, least, endpoints: case.endpoints.into() }
    }

    /// How many dials there may be until `at`, with so many reasons to reset, and so many more for other reasons.
    pub(crate) fn until(&self, at: u64, anew: u64, more: u64) -> u64 {
        let alone = |dials: &Vec<u64>| dials.partition_point(|dial| *dial <= at) as u64;
        let alone = self.alone.iter().map(alone).max().unwrap_or(0);
        let paced = 2 * self.endpoints * (1 + at / self.least);
        paced.min(alone + anew * self.anew + more)
    }
}

/// Plays the moves in a circle; between two rounds it waits for the next deadline.
fn circle(case: &Case, draw: Draw, allowed: &Allowed, moves: &[Move]) -> Result<u64, String> {
    let mut play = Play::new(case, draw);
    let (mut anew, mut slept) = (0_u64, 0);
    let by_time = matches!(case.config.backoff().curve(), Curve::Windows(_) | Curve::Elapsed(_));
    let mut news_at = None;
    // Who says a lot without a dial gets no further.
    for _ in 0..2 * DIALS {
        let mut moved = false;
        for step in moves {
            let established = play.policy.stats().established;
            let held = play.is_open() && *step == Move::Await;
            let applied = play.make(*step);
            moved |= applied;
            anew += u64::from(held);
            // A sleep is no time of the outage, also where nothing else follows from it; two curves follow that time.
            if (applied || by_time && *step == Move::HostResumed)
                && step.is_news()
                && news_at != Some((play.now, play.dials))
            {
                news_at = Some((play.now, play.dials));
                anew += 1;
            }
            if applied && *step == Move::WokeUncounted {
                slept += HOUR;
            }
            if case.trusts_at_once {
                anew += u64::from(play.policy.stats().established - established);
            }
            play.settle();
            check(case, &play, allowed, moves, anew, slept)?;
        }
        // A connection over which time passed may have held.
        anew += u64::from(play.is_open());
        let before = play.now;
        let slept_on = play.sleep();
        play.settle();
        check(case, &play, allowed, moves, anew, slept)?;
        if !slept_on
            || !moved && play.now == before
            || play.dials > DIALS
            || play.now.as_micros() + slept > HOUR
        {
            break;
        }
    }
    Ok(play.dials)
}

fn check(
    case: &Case,
    play: &Play<'_>,
    allowed: &Allowed,
    moves: &[Move],
    anew: u64,
    slept: u64,
) -> Result<(), String> {
    // The renewal of a credential, and a replacement at once, that each new outage has.
    let more = 2 * (1 + anew) + play.expired;
    // What is counted apart, on the same backoff: throttling, and being thrown out by another client.
    let more = more + 2 * allowed.anew;
    let (dials, at) = (play.dials, play.now.as_micros() + slept);
    let most = allowed.until(at, anew, more);
    if dials <= most {
        return Ok(());
    }
    let (name, ms) = (case.name, at / 1_000);
    Err(format!("{name}, {moves:?}: {dials} dials in {ms} ms, at most {most} with {anew} times anew"))
}

/// Issue 9, spins at zero time. Every circle of two moves, at each of its dials, keeps the smaller of two bounds:
///
/// * the dials that the backoff alone would have made by then (limits apart), and for each host event, and each connection
///   over which time passed, as many as a backoff that resets makes until its waits are the longest, and two more (the
///   free renewal of a credential, and a replacement at once), one for each session that ended by its time, and twice the
///   dials of a backoff for what is counted apart (throttling, takeovers);
/// * two dials, times the endpoints of a round, for each first wait (or whichever wait of the curve is the least): with
///   host events as often as dials, that is what is left. Two, because the first retry of some curves is at once.
#[test]
fn no_circle_of_moves_gets_more_dials_in_an_hour_than_its_host_events_may_add() {
    let moves = || Move::ALL.into_iter().filter(|step| *step != Move::NotNow);
    let mut broken = Vec::new();
    for case in all() {
        let mut most = 0;
        for &draw in draws() {
            let allowed = Allowed::new(&case, draw);
            // One in 21 of the pairs unless this is a proof; each of the moves is the first in some and the second in some.
            let pairs = moves().flat_map(|first| moves().map(move |second| (first, second)));
            for (first, second) in pairs.step_by(if deeper() == 0 { 21 } else { 1 }) {
                match circle(&case, draw, &allowed, &[first, second]) {
                    Ok(dials) => most = most.max(dials),
                    Err(how) => broken.push(how),
                }
            }
        }
        println!("{}: at most {most} dials", case.name);
    }
    assert!(broken.is_empty(), "{} times, such as {:#?}", broken.len(), &broken[..broken.len().min(20)]);
}
