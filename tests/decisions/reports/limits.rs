//! Dials that are counted: by the server, by a budget, by whether the last connection proved itself.

use core::time::Duration;

use redial::budget::{Grant, StartBudget, StartBudgetConfig, Throttle, ThrottleConfig};
use redial::{Action, BackoffConfig, Config, Event, Mode, Phase, Ratio};

use crate::harness::*;
use crate::reports::BASE;

/// The times of the dials that went through, in milliseconds since the start; those that the host put off are none.
type Dials = Vec<u64>;

/// Each dial asks `may`, which says how long to wait instead, and then ends as `outcome` says, given how many went through.
fn run(
    rig: &mut Harness,
    lasts: Duration,
    mut may: impl FnMut(&Harness, u64) -> Option<Duration>,
    outcome: impl Fn(&mut Harness, usize),
) -> Dials {
    let (begun, mut dials) = (rig.now, Dials::new());
    rig.start();
    loop {
        if rig.phase() == Phase::Connecting {
            let at = rig.now.saturating_duration_since(begun).as_millis() as u64;
            let epoch = rig.epoch();
            if let Some(wait) = may(rig, at) {
                rig.event(Event::NotNow { epoch, retry_after: Some(wait) });
            } else {
                dials.push(at);
                outcome(rig, dials.len());
            }
        }
        rig.now = rig.policy.poll_timeout().expect("it is never silent");
        if rig.now > begun.saturating_add(lasts) {
            return dials;
        }
        rig.tick();
    }
}

/// Report 54 (binary-com/websockets#35): the server allows one new connection a second and address, and the retries were
/// refused for it. Every dial, a resume too, takes a start of a budget, and waits for it without a step on the backoff.
#[test]
fn report_54_one_new_connection_a_second() {
    let mut budget: StartBudget<1, 4> =
        StartBudget::new(StartBudgetConfig::new(1, 1, secs(1)).build_const()).expect("room for one");
    let quick =
        Config::new(BackoffConfig::exponential(ms(100), Ratio::ONE, ms(100)).build_const()).build_const();
    let mut rig = Harness::new(quick);
    let (mut modes, mut attempts) = (Vec::new(), Vec::new());
    let dials = run(
        &mut rig,
        secs(60),
        |rig, _| {
            let mine = budget.waiting().first() == Some(&1) && budget.next_grant(rig.now) == Some(1);
            let until = match mine {
                true => None,
                false => match budget.request(rig.now, 1) {
                    Grant::Now => None,
                    Grant::Later(until) | Grant::Exhausted { until } | Grant::Full { until } => Some(until),
                },
            };
            if until.is_none() {
                modes.push(rig.told().mode);
                attempts.push(rig.told().attempt as usize);
            }
            until.map(|until| until.saturating_duration_since(rig.now))
        },
        |rig, nth| {
            if nth % 3 == 0 {
                rig.refuse(503, None);
            } else {
                rig.establish();
                rig.lose();
            }
        },
    );
    assert!(dials.len() > 50, "it is not held up longer than it has to be: {}", dials.len());
    assert!(dials.windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "{dials:?}");
    assert!(modes.contains(&Mode::Resume), "a resume asks too");
    assert_eq!(rig.policy.stats().failed as usize, dials.len() / 3, "what was put off is no failure");
    assert_eq!(attempts, (1..=dials.len()).collect::<Vec<_>>(), "nor an attempt");
}

/// Report 57 (overseers-desk/courier#89): the wait was reset before the connection had proved itself: one dial a second for
/// ever. The default resets it only after the longest wait, at least 10 s.
#[test]
fn report_57_a_connection_proves_itself_first() {
    let dropped_after = |rig: &mut Harness, held: Duration| {
        rig.establish();
        rig.advance(held);
        rig.lose();
        rig.waits().as_secs()
    };
    let mut rig = Harness::started(Config::new(DOUBLING).build_const());
    let waits: Vec<u64> = (0..7)
        .map(|_| {
            let wait = dropped_after(&mut rig, ms(40));
            rig.redial();
            wait
        })
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(dropped_after(&mut rig, ms(29_999)), 30);
    rig.redial();
    assert_eq!(dropped_after(&mut rig, secs(30)), 1);
}

/// Report 93, from gRFC A6: a lone connection under a throttle was silenced forever, because only successes bring tokens
/// and nothing was let through that could succeed. At least one dial goes through in each cap of the backoff.
#[test]
fn report_93_a_lone_connection_is_not_silenced() {
    let config = ThrottleConfig::new(10, valid_ratio("0.1")).build_const();
    let (mut throttle, cap) = (Throttle::new(&config), secs(30));
    let mut last = None;
    let mut refused = 0;
    let mut rig = Harness::new(BASE);
    let dials = run(
        &mut rig,
        secs(86_400),
        |_, at| {
            let waited = last.map_or(Duration::MAX, |last| ms(at - last));
            if throttle.permits_after(&config, waited, cap) {
                last = Some(at);
                throttle.failure();
                return None;
            }
            refused += 1;
            Some(cap - waited)
        },
        |rig, _| {
            rig.advance(ms(5));
            rig.fail(REFUSED);
        },
    );
    assert!(refused > 0, "the throttle was asked and said no");
    let silence = dials.windows(2).map(|pair| pair[1] - pair[0]).max().expect("many dials");
    assert!((30_000..=30_010).contains(&silence), "{silence} ms");
    assert!(dials.len() as u64 > 86_400 / 31, "{}", dials.len());
    assert!(rig.log().iter().all(|(_, action)| !matches!(action, Action::GaveUp { .. })));
}

fn valid_ratio(text: &str) -> Ratio {
    text.parse().expect("a ratio")
}
