//! Waits that are too long, too short, or all alike.

use redial::backoff::AfterTable;
use redial::policy::WaitReason;
use redial::{BackoffConfig, Cause, ConfigError, GiveUp, Jitter, Mode, Ratio, SplitMix64};

use super::{ceiling, waits};
use crate::harness::*;

/// Xuanwo/backon#231: the Fibonacci curve passed its maximum.
#[test]
fn backon_231() {
    let config = BackoffConfig::fibonacci(secs(1), secs(10)).build_const();
    assert!(waits(config, 100, 1).iter().all(|wait| *wait <= secs(10)));
    assert_eq!(ceiling(config, 7), secs(10));
}

/// Xuanwo/backon#240: with a minimum above the maximum the first wait was the minimum.
#[test]
fn backon_240() {
    assert_eq!(
        BackoffConfig::exponential(secs(10), Ratio::TWO, secs(2)).build(),
        Err(ConfigError::InitialAboveMax)
    );
    assert_eq!(BackoffConfig::fibonacci(secs(10), secs(2)).build(), Err(ConfigError::InitialAboveMax));
}

/// ihrwein/backoff#42: it went on retrying past the time it had been given.
#[test]
fn backoff_42() {
    let mut rig = Harness::started(PLAIN.to_builder().max_elapsed(Some(secs(20))).build_const());
    let begun = rig.now;
    while gave_up(&rig.fail(REFUSED)).is_none() {
        rig.redial();
        assert!(rig.now.saturating_duration_since(begun) <= secs(20));
    }
}

/// djc/tokio-retry#22: one number was both the first wait and the ratio: 50 ms, 2.5 s, 125 s.
#[test]
fn tokio_retry_22() {
    let config = BackoffConfig::exponential(ms(50), Ratio::TWO, secs(3_600)).build_const();
    assert_eq!(waits(config, 4, 1), [ms(50), ms(100), ms(200), ms(400)]);
}

/// jimmycuadra/retry#23: the same surprise with a base of one, which never grew.
#[test]
fn retry_23() {
    let config = BackoffConfig::exponential(ms(1), Ratio::TWO, secs(1)).build_const();
    assert_eq!(waits(config, 4, 1), [ms(1), ms(2), ms(4), ms(8)]);
}

/// Xuanwo/backon#184: the jitter was at most the first wait, so that long waits still came in waves.
#[test]
fn backon_184() {
    let config = DOUBLING.to_builder().jitter(Jitter::Equal).build_const();
    let at_cap: Vec<_> = (0..200).map(|seed| waits(config, 8, seed)[7]).collect();
    assert!(*at_cap.iter().max().unwrap() - *at_cap.iter().min().unwrap() > secs(12));
}

/// yoshuawuyts/exponential-backoff#36: a refactoring lost the jitter for a year.
#[test]
fn exponential_backoff_36() {
    let config = DOUBLING.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(3, 10))).build_const();
    let mut firsts: Vec<_> = (0..100).map(|seed| waits(config, 1, seed)[0]).collect();
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() > 90);
}

/// yoshuawuyts/exponential-backoff#23: the first wait was twice the minimum.
#[test]
fn exponential_backoff_23() {
    assert_eq!(Harness::failed_times(PLAIN, 1).waits(), secs(1));
}

/// kube-rs/kube#1603: a config was changed after its running state had been derived, which kept the old first wait.
#[test]
fn kube_1603() {
    let other = BackoffConfig::exponential(secs(5), Ratio::TWO, secs(30)).build_const();
    assert_eq!(Harness::failed_times(PLAIN.to_builder().backoff(other).build_const(), 1).waits(), secs(5));
}

/// P20, naomijub/tokio-retry#9: the wait that the server asked for was reported and not waited.
#[test]
fn tokio_retry2_9() {
    let mut rig = Harness::started(PLAIN);
    rig.refuse(503, Some(secs(60)));
    assert_eq!(rig.due(), Some((secs(60), WaitReason::RetryAfter)));
    assert_eq!(rig.redial(), secs(60));
}

/// coder/coder#24096: hundreds of clients came back in the same rhythm and the server ran out of memory.
#[test]
fn coder_24096() {
    let jittered =
        PLAIN.to_builder().backoff(DOUBLING.to_builder().jitter(Jitter::Full).build_const()).build_const();
    let mut per_second = [0_u32; 31];
    for seed in 0..1_000 {
        let mut rig = Harness::seeded(jittered, seed);
        rig.start();
        for _ in 0..6 {
            rig.fail(REFUSED);
            rig.redial();
        }
        rig.fail(REFUSED);
        per_second[rig.waits().as_secs() as usize] += 1;
    }
    assert!(per_second.iter().all(|clients| *clients < 100), "{per_second:?}");
}

/// buape/carbon 0.16.0: the jitter was put on top of the cap: 34.5 s where at most 30 were allowed.
#[test]
fn carbon_0_16_cap() {
    let config = DOUBLING.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(15, 100))).build_const();
    assert!(waits(config, 500, 4).iter().all(|wait| *wait <= secs(30)));
}

/// buape/carbon 0.8.0: the first wait was already the second step, for the count went up before it was used.
#[test]
fn carbon_0_8_first_step() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    assert_eq!(rig.waits(), secs(1));
}

/// ihrwein/backoff 0.4.0: waits up to one and a half times the maximum, and 100 s first where 60 s were the most.
#[test]
fn backoff_0_4_0() {
    let config = BackoffConfig::exponential(secs(60), Ratio::TWO, secs(60)).build_const();
    let config = config.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(1, 2))).build_const();
    assert!(waits(config, 500, 4).iter().all(|wait| *wait <= secs(60)));
    assert_eq!(
        DOUBLING.to_builder().jitter(Jitter::PlusMinus(Ratio::TWO)).build(),
        Err(ConfigError::JitterAboveOne)
    );
}

/// backon 1.6.0: without `std` every device drew the same jitter, for the seed was a constant.
#[test]
fn backon_1_6_0_seed() {
    let config = DOUBLING.to_builder().jitter(Jitter::Full).build_const();
    assert_ne!(waits(config, 5, 1), waits(config, 5, 2), "there is no seed but the caller's");
}

/// tower 0.5.3: every session of a process got the same jitter, for the generator was cloned and never advanced.
#[test]
fn tower_0_5_3_clones() {
    let config = DOUBLING.to_builder().jitter(Jitter::Full).build_const();
    let mut rng = SplitMix64::new(1);
    let mut first: Vec<_> = config.delays(&mut rng).take(5).collect();
    let second: Vec<_> = config.delays(&mut rng).take(5).collect();
    assert_ne!(first, second);
    first.extend(second);
    first.sort();
    first.dedup();
    assert_eq!(first.len(), 10);
}

/// backon 1.6.0: an iterator that had ended went on when it was asked again.
#[test]
fn backon_1_6_0_fuse() {
    static TABLE: [core::time::Duration; 2] = [secs(1), secs(2)];
    let table = BackoffConfig::table(&TABLE, AfterTable::GiveUp).build_const();
    let mut delays = table.delays(SplitMix64::new(1));
    assert_eq!(delays.by_ref().count(), 2);
    assert!((0..10).all(|_| delays.next().is_none()));
}

/// exponential-backoff 2.1.1: the jitter was clamped afterwards: half of the first waits were exactly the minimum,
/// all of the last exactly the maximum.
#[test]
fn exponential_backoff_2_1_1() {
    let config = DOUBLING.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(3, 10))).build_const();
    let last: Vec<_> = (0..100).map(|seed| waits(config, 9, seed)[8]).collect();
    assert!(last.iter().filter(|wait| **wait == secs(30)).count() < 5);
}

/// tokio-retry2 0.9.1: the documented jitter range made every wait zero, for it was drawn once.
#[test]
fn tokio_retry2_0_9_1() {
    let config = DOUBLING.to_builder().jitter(Jitter::Window(Ratio::ZERO, Ratio::ONE)).build_const();
    let drawn = waits(config, 50, 3);
    assert!(drawn.iter().filter(|wait| wait.is_zero()).count() < 2);
    assert_eq!(
        DOUBLING.to_builder().jitter(Jitter::Window(Ratio::ZERO, Ratio::ZERO)).build(),
        Err(ConfigError::JitterWindow)
    );
}

/// retry 2.2.0: a negative or missing factor gave waits of zero forever.
#[test]
fn retry_2_2_0() {
    assert_eq!(
        BackoffConfig::exponential(secs(1), Ratio::ZERO, secs(9)).build(),
        Err(ConfigError::FactorBelowOne)
    );
    assert_eq!(Ratio::new(1, 0), Err(ConfigError::RatioNotANumber));
}

/// retry-policies 0.5.2: bounds that began at zero never returned from the constructor.
#[test]
fn retry_policies_0_5_2() {
    assert_eq!(
        BackoffConfig::exponential(secs(0), Ratio::TWO, secs(9)).build(),
        Err(ConfigError::InitialZero)
    );
}

/// exp_backoff 0.1.6: the random walk of its waits collapsed to nanoseconds after a hundred attempts.
#[test]
fn exp_backoff_0_1_6() {
    let config = DOUBLING.to_builder().jitter(Jitter::Decorrelated).build_const();
    assert!((0..50).all(|seed| waits(config, 200, seed)[100..].iter().all(|wait| *wait >= secs(1))));
}

/// tower-resilience-reconnect 0.13.0: the first wait was the second step, for attempts count from 1 and steps from 0.
#[test]
fn tower_resilience_0_13_0_first() {
    let config = BackoffConfig::exponential(ms(100), Ratio::TWO, secs(5)).build_const();
    assert_eq!(Harness::failed_times(PLAIN.to_builder().backoff(config).build_const(), 1).waits(), ms(100));
}

/// reliakit-retry 1.1.0: when the table of waits was used up it went on with waits of zero.
#[test]
fn reliakit_retry_1_1_0() {
    static TABLE: [core::time::Duration; 3] = [ms(100), ms(200), ms(400)];
    let mut rig = Harness::started(
        PLAIN
            .to_builder()
            .backoff(BackoffConfig::table(&TABLE, AfterTable::GiveUp).build_const())
            .build_const(),
    );
    for _ in 0..3 {
        rig.fail(REFUSED);
        rig.redial();
    }
    assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::TableSpent, REFUSED)));
}

/// ihrwein/backoff 0.4.0: a server that always named a wait was retried forever, past every limit.
#[test]
fn backoff_0_4_0_hint() {
    let mut rig = Harness::started(PLAIN.to_builder().max_elapsed(Some(secs(300))).build_const());
    let mut rounds = 0;
    while gave_up(&rig.refuse(503, Some(secs(10)))).is_none() {
        rig.redial();
        rounds += 1;
        assert!(rounds <= 30);
    }
}

/// cenkalti/backoff#159: a wait longer than the limit silently switched the retries off.
#[test]
fn cenkalti_backoff_159() {
    let mut rig = Harness::started(PLAIN);
    rig.refuse(503, Some(secs(86_400)));
    assert!((secs(225)..=secs(300)).contains(&rig.waits()), "cut, and spread");
    assert_eq!(rig.policy.stats().retry_after_cut, 1, "and told");
    let mut rig = Harness::started(PLAIN.to_builder().max_elapsed(Some(secs(60))).build_const());
    assert_eq!(gave_up(&rig.refuse(503, Some(secs(90)))), Some((GiveUp::MaxElapsed, Cause::Http(503))));
}

/// dcdpr/jp#1080: all clients slept for exactly the minute that the server had named, and came back as one.
#[test]
fn jp_1080() {
    let mut waits: Vec<_> = (0..100)
        .map(|seed| {
            let mut rig =
                Harness::seeded(PLAIN.to_builder().retry_after_spread(Ratio::ONE).build_const(), seed);
            rig.start();
            rig.refuse(429, Some(secs(60)));
            rig.waits()
        })
        .collect();
    waits.sort();
    assert!(waits[0] >= secs(60) && waits[99] > secs(100));
    waits.dedup();
    assert!(waits.len() > 90);
}

/// vellum-ai/vellum-assistant 0d28f8d, before its second cap: with one short cap for resume and fresh start an outage of
/// a day cost more fresh starts than a day allows.
#[test]
fn vellum_identify_budget() {
    let mut rig = Harness::started(redial::presets::DISCORD_GATEWAY);
    let end = rig.now.saturating_add(secs(86_400));
    let mut fresh = 0;
    while rig.now < end {
        rig.opened();
        fresh += u32::from(sent_fresh(&rig.greet(Some(secs(45)))));
        rig.code(4009);
        assert_eq!(rig.told().mode, Mode::Fresh);
        rig.redial();
    }
    assert!((100..1_000).contains(&fresh), "{fresh}");
}

/// eclipse-paho/paho.mqtt.java#864: the setter of the smallest and the largest wait stored two numbers that nothing
/// read.
#[test]
fn paho_java_864() {
    let config = BackoffConfig::exponential(secs(5), Ratio::TWO, secs(20)).build_const();
    let mut rig = Harness::online(redial::presets::PAHO_JAVA.to_builder().backoff(config).build_const());
    rig.lose();
    for wait in [5, 10, 20, 20] {
        assert_eq!(rig.redial(), secs(wait));
        rig.fail(REFUSED);
    }
}
