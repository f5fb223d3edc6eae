//! The tables of resilience4j and of Polly.

use super::*;

/// Lifecycle 81, 82: resilience4j's defaults: no rate below 100 results, 50 % by equality, slow only when all took more
/// than 60 s.
#[test]
fn resilience4j_thresholds() {
    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[F; 99]), None);
    assert_eq!(rig.metrics().failure_rate, None);
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false));

    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[F; 49]), None);
    assert_eq!(rig.feed(&[S; 51]), None, "49 %");
    assert_eq!(rig.feed(&[F; 49]), None, "the window slides: 49 of 100");
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false), "50 of 100");

    let minute = Duration::from_secs(60);
    let slow = Outcome::Success(minute + Duration::from_micros(1));
    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[Outcome::Success(minute); 100]), None, "60 s is not slow");
    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[S]), None);
    assert_eq!(rig.feed(&[slow; 99]), None, "99 %");
    assert_eq!(named(rig.feed(&[slow])).2, threshold(false, true), "all");
}

/// Lifecycle 83-85: open for 60 s, then exactly ten probes, of which all decide. The peer's wait for their results has
/// no end (its #935); here it is 60 s.
#[test]
fn resilience4j_half_open() {
    let half_open = || {
        let mut rig = Rig::new(RESILIENCE4J);
        rig.feed(&[F; 100]).expect("opened");
        rig.wait(59);
        assert!(rig.acquire().is_err());
        rig.wait(1);
        rig
    };
    for (failures, to) in [(4, breaker::Phase::Closed), (5, breaker::Phase::Open)] {
        let mut rig = half_open();
        let probes: Vec<_> = (0..1_000).filter_map(|_| rig.acquire().ok()).collect();
        assert_eq!(probes.len(), 10);
        let (last, others) = probes.split_last().expect("ten");
        for (n, probe) in others.iter().enumerate() {
            assert_eq!(rig.record(*probe, if n < failures { F } else { S }), None, "the last decides");
        }
        assert_eq!(named(rig.record(*last, S)).1, to);
    }
    let mut rig = half_open();
    rig.acquire().expect("a probe that never answers");
    rig.wait(60);
    let changes = rig.breaker.handle_timeout(&rig.config, rig.now, &mut rng());
    assert_eq!(changes.into_iter().flatten().last().map(|change| change.to), Some(breaker::Phase::Open));
}

/// Lifecycle 81: Polly's defaults: 100 results and `>=`, not `>`.
#[test]
fn polly_thresholds() {
    let mut rig = Rig::new(POLLY);
    assert_eq!(rig.feed(&[F; 99]), None, "99 failures are no rate");
    rig.feed(&[F]).expect("100 are");

    let mut rig = Rig::new(POLLY);
    assert_eq!(rig.feed(&[S; 91]), None);
    assert_eq!(rig.feed(&[F; 9]), None, "9 %");
    assert_eq!(rig.feed(&[S; 8]), None);
    assert_eq!(rig.feed(&[F]), None, "10 of 109");
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false), "11 of 110");
}

/// What happened more than 30 s ago no longer counts, and it opens for 5 s.
#[test]
fn polly_times() {
    let mut rig = Rig::new(POLLY);
    assert_eq!(rig.feed(&[F; 99]), None);
    rig.wait(33);
    assert_eq!(rig.feed(&[F]), None, "1 of 1");
    assert_eq!(rig.counted(), (1, 1, 0));
    rig.feed(&[F; 99]).expect("opened");
    rig.wait(4);
    assert!(rig.acquire().is_err());
    rig.wait(1);
    assert!(rig.acquire().is_ok());
}

/// Half-open admits one probe; a second caller is told when to come back; success closes, failure opens.
#[test]
fn polly_one_probe() {
    for (outcome, to) in [(S, breaker::Phase::Closed), (F, breaker::Phase::Open)] {
        let mut rig = Rig::new(POLLY);
        rig.feed(&[F; 100]).expect("opened");
        rig.wait(5);
        let probe = rig.acquire().expect("one probe");
        assert!(rig.acquire().is_err_and(|rejected| rejected.until.is_some()));
        assert_eq!(named(rig.record(probe, outcome)).1, to);
    }
}

/// Lifecycle 87: the growth that the open times see: 0 1 2 3 4, and after closing 0 1 2; the end saturates.
#[test]
fn polly_break_times() {
    let config = POLLY.to_builder().growth(Ratio::TWO, Duration::MAX).build().expect("valid");
    let mut rig = Rig::new(config);
    let open_time = |rig: &mut Rig<_>, outcomes: &[Outcome]| {
        rig.feed(outcomes).expect("opened");
        let end = rig.breaker.poll_timeout().expect("open");
        let open = end.saturating_duration_since(rig.now).as_secs();
        rig.now = end;
        open
    };
    let first = open_time(&mut rig, &[F; 100]);
    assert_eq!(first, 5);
    assert_eq!([(); 4].map(|()| open_time(&mut rig, &[F])), [10, 20, 40, 80]);
    rig.feed(&[S]).expect("closed");
    assert_eq!(open_time(&mut rig, &[F; 100]), 5);
    assert_eq!([(); 2].map(|()| open_time(&mut rig, &[F])), [10, 20]);

    rig.now = Instant::MAX;
    rig.feed(&[F]).expect("opened");
    assert_eq!(rig.breaker.poll_timeout(), Some(Instant::MAX));
}
