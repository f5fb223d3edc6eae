//! The backoff in a policy: growth, jitter, reset, limits.

use redial::{BackoffConfig, Config, GiveUp, Jitter, Phase, Ratio, presets};

use crate::harness::{
    Beginnings, DOUBLING, GREETED, NO_FRAME, PLAIN, REFUSED, STABLE, Scenario, ms, secs, ws,
};
use crate::scenarios::b_timers::fail_times;

/// The waits after each of these losses, in milliseconds.
pub(crate) fn waits(t: &mut Scenario, times: u32, mut lose: impl FnMut(&mut Scenario, u32)) -> Vec<u64> {
    (0..times)
        .map(|_| {
            if t.policy().phase() == Phase::Waiting {
                t.next_timer().expect_anything();
            }
            let epoch = t.newest();
            lose(t, epoch);
            t.expect_anything().wait()
        })
        .collect()
}

pub(crate) const GROWING: [u64; 8] = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];

/// S26, F21: the first wait is the base, not twice the base.
#[test]
fn eight_failures_wait_1_2_4_8_16_30_30_30() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    assert_eq!(waits(&mut t, 8, |t, e| _ = t.open_failed(e, REFUSED)), GROWING);
}

/// S27, S28, F23, F24: no number of failures panics, overflows or shortens the wait, whatever base, factor and cap.
#[test]
fn any_number_of_failures_waits_at_the_cap() {
    let day = secs(86_400);
    for (base, factor, cap) in [
        (ms(1), Ratio::new(101, 100), secs(30)),
        (ms(1), Ratio::new(10, 1), day),
        (day, Ratio::new(10, 1), day),
        (secs(1), Ratio::new(u32::MAX, 1), core::time::Duration::MAX),
    ] {
        let ladder = BackoffConfig::exponential(base, factor.unwrap(), cap).build_const();
        let mut t = Scenario::of(Config::new(ladder).build_const());
        t.at(0).start().expect(&["open 1 fresh #1"]);
        let mut last = core::time::Duration::ZERO;
        for epoch in 1..=1_100 {
            t.open_failed(epoch, REFUSED).expect(&[]);
            let from = redial::Instant::from_millis(t.now());
            let wait = t.policy().poll_timeout().unwrap().saturating_duration_since(from);
            // Read in whole milliseconds, hence the one of tolerance.
            assert!(wait.saturating_add(ms(1)) >= last, "S27, F24: {epoch}: {wait:?} after {last:?}");
            assert!(wait <= cap.saturating_add(ms(1)), "{epoch}: {wait:?}");
            last = wait;
            if last > secs(1 << 40) {
                break; // the end of time is reached soon after
            }
            t.next_timer().expect_anything();
        }
    }
}

/// S29, F25, F27: full jitter stays within floor and ceiling, spreads evenly and never exceeds the cap.
#[test]
fn full_jitter_stays_inside_the_cap() {
    let ladder = DOUBLING.to_builder().jitter(Jitter::Full).floor(ms(250)).build_const();
    let mut t = Scenario::of(Config::new(ladder).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let drawn = waits(&mut t, 3_000, |t, e| _ = t.open_failed(e, REFUSED));
    for (n, wait) in drawn.iter().enumerate() {
        let ceiling = GROWING.get(n).copied().unwrap_or(30_000);
        assert!((250..=ceiling).contains(wait), "{n}: {wait}");
    }
    let mean = drawn[6..].iter().sum::<u64>() / (drawn.len() as u64 - 6);
    assert!((14_500..=15_700).contains(&mean), "{mean}");
}

/// S30, S96, F28: the same seed and events give the same decisions; another seed gives others.
#[test]
fn the_seed_decides() {
    let outage = |seed| {
        let mut t = Scenario::seeded(presets::DISCORD_GATEWAY, seed);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        let waits = waits(&mut t, 50, |t, e| _ = t.open_failed(e, REFUSED));
        (waits, t.policy().clone())
    };
    assert!(outage(1) == outage(1));
    assert_ne!(outage(1).0, outage(2).0);
}

/// S31 (carbon #344), F33: a server that accepts and closes meets growing waits, and the limit.
#[test]
fn accept_then_close_backs_off() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let lose =
        |t: &mut Scenario, e| _ = t.opened(e).expect(&[&format!("send_fresh {e}")]).closed(e, ws(1000));
    assert_eq!(waits(&mut t, 8, lose), GROWING);

    let mut t = Scenario::of(PLAIN.to_builder().max_attempts(Some(3)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    assert_eq!(waits(&mut t, 2, lose), [1_000, 2_000]);
    t.fires(3_000, &["open 3 fresh #3"]).opened(3).expect(&["send_fresh 3"]);
    t.closed(3, ws(1000)).expect(&["gave_up max_attempts close_1000"]).no_wake();
}

/// S32 (twilight): the same without a close frame, and with a greeting first.
#[test]
fn drop_without_a_frame_backs_off() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let lose =
        |t: &mut Scenario, e| _ = t.opened(e).expect(&[&format!("send_fresh {e}")]).closed(e, NO_FRAME);
    assert_eq!(waits(&mut t, 8, lose), GROWING);

    let mut t = Scenario::of(GREETED);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let greeted = |t: &mut Scenario, e| {
        t.opened(e).greeting(e, 45_000).expect(&[&format!("send_fresh {e}")]).closed(e, NO_FRAME);
    };
    assert_eq!(waits(&mut t, 8, greeted), GROWING);
}

/// S33 (openclaw #102285, relay #1610), F31: ready, then closed after 1 s, with a stability time of 120 s: it backs off.
#[test]
fn ready_then_close_backs_off() {
    let mut t = Scenario::of(STABLE);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let lose = |t: &mut Scenario, e| {
        let at = t.now();
        t.connect(at, e, Some(1));
        t.at(at + 1_000).closed(e, NO_FRAME);
    };
    assert_eq!(waits(&mut t, 8, lose), GROWING);
    // Lifecycle 17: the attempts of the outage go on counting too.
    assert_eq!(t.policy().explain().attempt, 8);
}

/// S34 (oscm #1020, Clawdi #1322), F32: after a session that held, the wait is the base again.
#[test]
fn a_long_session_resets_the_backoff() {
    for (held, wait) in [(119_999, 16_000), (120_000, 1_000), (121_000, 1_000)] {
        let mut t = Scenario::of(STABLE);
        fail_times(&mut t, 4);
        t.next_timer().expect(&["open 5 fresh #5"]);
        let ready = t.now() + 10;
        t.connect(t.now(), 5, Some(1)).wake(ready + 120_000, "stable");
        t.at(ready + held).closed(5, NO_FRAME).expect(&[]);
        assert_eq!(t.wait(), wait, "held {held} ms");
    }
}

/// S34: the stability timer itself ends the outage, silently and once.
#[test]
fn the_stability_timer_is_silent() {
    let mut t = Scenario::online(STABLE);
    t.wake(120_020, "stable").fires(120_020, &[]).no_wake().failures(0).phase(Phase::Online);
}

/// S35, F22: after a stable session the requested reconnect may be at once; five in quick succession back off.
#[test]
fn a_requested_reconnect_is_at_once_only_after_a_stable_session() {
    let at_once = STABLE.to_builder().requested_spread(Some(secs(0))).build_const();
    let mut t = Scenario::online(at_once);
    t.at(200_000).reconnect_requested(1).expect(&["close 1 4000"]).wake(200_000, "requested");
    t.timeout().expect(&["open 2 resume #1"]);

    let mut t = Scenario::of(at_once);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let lose = |t: &mut Scenario, e| {
        let at = t.now();
        t.connect(at, e, Some(1));
        t.at(at + 1_000).reconnect_requested(e).expect(&[&format!("close {e} 4000")]);
    };
    assert_eq!(waits(&mut t, 5, lose), [1_000, 2_000, 4_000, 8_000, 16_000]);
}

/// S35: with a stability time of zero a session must still hold for the first wait, or a server could make us spin.
#[test]
fn a_requested_reconnect_cannot_spin() {
    let mut t = Scenario::online(PLAIN.to_builder().requested_spread(Some(secs(0))).build_const());
    t.at(1_019).reconnect_requested(1).expect(&["close 1 4000"]).wake(2_019, "backoff");
    let mut t = Scenario::online(PLAIN.to_builder().requested_spread(Some(ms(500))).build_const());
    t.at(1_020).reconnect_requested(1).expect(&["close 1 4000"]).wake_within(0..=500, "requested");
}

/// S35, S40: what the server asks for holds against the spread too.
#[test]
fn a_requested_reconnect_honours_its_after() {
    let mut t = Scenario::online(PLAIN.to_builder().requested_spread(Some(secs(0))).build_const());
    let epoch = crate::harness::number(1);
    t.at(5_000).event(redial::Event::ReconnectRequested {
        epoch,
        retry_after: Some(secs(7).into()),
        deadline: None,
    });
    t.expect(&["close 1 4000"]).wake(12_000, "hint");
}

/// S36 (openclaw #55367): max 0: the first loss is final, once, and nothing panics.
#[test]
fn no_attempts_at_all() {
    let mut t = Scenario::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    t.at(1_000).closed(1, NO_FRAME).expect(&["gave_up max_attempts no_close_frame"]);
    t.gave_up(GiveUp::MaxAttempts).no_wake().closed(1, NO_FRAME).stale().timeout().expect(&[]);

    // The very first connection is an outage of its own.
    let mut t = Scenario::of(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.open_failed(1, REFUSED).expect(&["gave_up max_attempts connection_refused"]);
}

/// S37, lifecycle 78: max 5: exactly five opens after the loss, one end, then nothing; "reconnect now" starts again.
#[test]
fn five_attempts_then_the_end() {
    let mut t = Scenario::online(PLAIN.to_builder().max_attempts(Some(5)).build_const());
    t.at(1_000).closed(1, NO_FRAME).expect(&[]);
    for attempt in 1..=5 {
        t.next_timer().expect(&[&format!("open {} resume #{attempt}", attempt + 1)]);
        let end = if attempt == 5 { &["gave_up max_attempts connection_refused"][..] } else { &[] };
        t.open_failed(attempt + 1, REFUSED).expect(end);
    }
    t.gave_up(GiveUp::MaxAttempts).no_wake();
    t.open_failed(6, REFUSED)
        .stale()
        .timeout()
        .expect(&[])
        .host_resumed(1_000_000)
        .inapplicable()
        .hold(0)
        .release(0);
    t.event(redial::Event::NetworkUp).inapplicable().phase(Phase::Failed);
    t.retry_now().expect(&["open 7 resume #1"]).failures(0);
    t.open_failed(7, REFUSED).expect(&[]).phase(Phase::Waiting);
}

/// S37: a start after giving up starts over as well.
#[test]
fn a_start_after_the_limit_starts_over() {
    let mut t = Scenario::of(PLAIN.to_builder().max_attempts(Some(1)).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.open_failed(1, REFUSED).expect(&["gave_up max_attempts connection_refused"]);
    t.at(5).start().expect(&["open 2 fresh #1"]).failures(0);
}

/// S38, F37, lifecycle 79: no wait ends after the time allowed for an outage.
#[test]
fn the_elapsed_budget_ends_the_outage() {
    // 1 + 2 + 4 + 8 + 16 = 31 s; the next wait of 30 s would end at 61 s.
    let mut t = Scenario::of(PLAIN.to_builder().max_elapsed(Some(secs(60))).build_const());
    fail_times(&mut t, 5);
    t.next_timer().expect(&["open 6 fresh #6"]);
    t.open_failed(6, REFUSED).expect(&["gave_up max_elapsed connection_refused"]).no_wake();
    assert_eq!(t.now(), 31_000);
    t.retry_now().expect(&["open 7 fresh #1"]).open_failed(7, REFUSED).expect(&[]).wake(32_000, "backoff");

    // A wait that ends exactly then is allowed.
    let mut t = Scenario::of(PLAIN.to_builder().max_elapsed(Some(secs(61))).build_const());
    fail_times(&mut t, 6);
    t.next_timer().expect(&["open 7 fresh #7"]);
    t.open_failed(7, REFUSED).expect(&["gave_up max_elapsed connection_refused"]);
}

/// S38: the budget belongs to the outage: it runs from the loss, and a session that held begins a new one.
#[test]
fn the_elapsed_budget_runs_from_the_loss() {
    let mut t = Scenario::online(STABLE.to_builder().max_elapsed(Some(secs(2))).build_const());
    t.at(1_000_000).closed(1, NO_FRAME).expect(&[]).wake(1_001_000, "backoff");
    t.fires(1_001_000, &["open 2 resume #1"]);
    t.open_failed(2, REFUSED).expect(&["gave_up max_elapsed connection_refused"]);
}

/// S38: a hint that points beyond the budget ends the outage now, not after the wait.
#[test]
fn the_elapsed_budget_counts_hints() {
    let mut t = Scenario::of(PLAIN.to_builder().max_elapsed(Some(secs(60))).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.refused(1, 503, Some(secs(61))).expect(&["gave_up max_elapsed http_503"]);
}

/// S38: no wait may end after it, but a dial that is due at once, as after the free renewal of a credential, is none.
#[test]
fn the_elapsed_budget_refuses_no_dial_at_once() {
    let mut t = Scenario::of(PLAIN.to_builder().max_elapsed(Some(secs(5))).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.at(6_000).refused(1, 401, None).expect(&["refresh_credential"]);
    t.at(6_100).event(redial::Event::CredentialOk { request: None, ttl: None }).expect(&["open 2 fresh #2"]);
    t.at(6_200).open_failed(2, REFUSED).expect(&["gave_up max_elapsed connection_refused"]);
}

/// S39, F34 (vellum): separate caps for resume and fresh, one backoff: after three failed resumes the fresh start waits
/// 8 s, not 1 s.
#[test]
fn a_fresh_start_goes_on_climbing() {
    let mut t = Scenario::online(
        PLAIN.to_builder().backoff(DOUBLING.to_builder().max_fresh(secs(600)).build_const()).build_const(),
    );
    t.at(1_000).closed(1, NO_FRAME).expect(&[]);
    for (epoch, wait) in [(2, 2_000), (3, 4_000)] {
        t.next_timer().expect(&[&format!("open {epoch} resume #{}", epoch - 1)]);
        t.opened(epoch).expect(&[&format!("send_resume {epoch} s1 5")]).closed(epoch, NO_FRAME).expect(&[]);
        assert_eq!(t.wait(), wait);
    }
    t.next_timer().expect(&["open 4 resume #3"]).opened(4).expect(&["send_resume 4 s1 5"]);
    t.closed(4, NO_FRAME).expect(&["drop_session resume_failed"]);
    assert_eq!(t.wait(), 8_000);
    let fresh = waits(&mut t, 8, |t, e| _ = t.open_failed(e, REFUSED));
    assert_eq!(fresh, [16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000, 600_000]);
}

/// S39: a day without a server takes fewer than 1000 fresh starts.
#[test]
fn a_day_of_outage_stays_below_the_identify_limit() {
    let mut t = Scenario::of(presets::DISCORD_GATEWAY);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let mut identifies = 0;
    while t.now() < 86_400_000 {
        let epoch = t.newest();
        t.opened(epoch)
            .greeting(epoch, 45_000)
            .expect(&[&format!("send_fresh {epoch}")])
            .closed(epoch, NO_FRAME);
        identifies += 1;
        t.next_timer().expect_anything();
    }
    assert!(identifies < 1_000, "{identifies}");
}

/// S95: a server that asks for a reconnect the moment it is ready can't buy more dials than the backoff gives.
#[test]
fn the_dials_of_an_hour_are_bounded() {
    let mut t = Scenario::of(presets::DISCORD_GATEWAY);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    while t.now() < 3_600_000 {
        let epoch = t.newest();
        t.opened(epoch).greeting(epoch, 45_000).expect_anything();
        t.establish(epoch, Some(1)).reconnect_requested(epoch).expect(&[&format!("close {epoch} 4000")]);
        t.next_timer().expect_anything();
    }
    // Full jitter at a cap of 30 s: 240 an hour on average.
    assert!(t.opens() < 320, "{}", t.opens());
}
