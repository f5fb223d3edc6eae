//! Attempt counters that overflow in a long outage.

use redial::{BackoffConfig, Jitter, Ratio};

use super::{ceiling, waits};
use crate::harness::*;

const CAP: core::time::Duration = secs(30);

/// From the failure before `n` to the one after it the wait is the cap.
fn stays_at_the_cap(n: u32) {
    for failure in n - 1..=n + 1 {
        assert_eq!(ceiling(DOUBLING, failure), CAP);
    }
    let drawn = waits(DOUBLING.to_builder().jitter(Jitter::Equal).build_const(), n as usize + 1, 1);
    assert!(drawn[6..].iter().all(|wait| (CAP / 2..=CAP).contains(wait)));
}

/// BasedHardware/omi#5617: two to the power of the attempt was made an integer before it was capped, which throws
/// from attempt 1024 on.
#[test]
fn omi_5617() {
    stays_at_the_cap(1024);
    let config =
        BackoffConfig::exponential(secs(1), Ratio::TWO, secs(120)).jitter(Jitter::Full).build_const();
    assert!(waits(config, 2_000, 3).iter().all(|wait| *wait <= secs(120)));
}

/// twilight-rs/twilight#2505: the attempt number was a byte and wrapped after 255 failed dials.
#[test]
fn twilight_2505() {
    stays_at_the_cap(256);
    assert_eq!(Harness::failed_times(PLAIN, 300).told().attempt, 300);
}

/// krojew/cdrs-tokio#92: the base was shifted left by the attempt number and ran out of bits.
#[test]
fn cdrs_tokio_92() {
    stays_at_the_cap(32);
    stays_at_the_cap(64);
}

/// graphprotocol/graph-node#4420: after 32 attempts, some twenty minutes, the wait overflowed.
#[test]
fn graph_node_4420() {
    stays_at_the_cap(33);
}

/// infinitefield/hypersdk#65: the 58th attempt overflowed and killed the client.
#[test]
fn hypersdk_65() {
    stays_at_the_cap(58);
}

/// djc/tokio-retry#1: the multiplication of the running wait overflowed.
#[test]
fn tokio_retry_1() {
    let config = BackoffConfig::exponential(ms(10), Ratio::new_const(u32::MAX, 1), core::time::Duration::MAX)
        .build_const();
    let drawn = waits(config, 100, 1);
    assert!(drawn.windows(2).all(|two| two[0] <= two[1]));
}

/// Orion#179: 64 and more attempts overflowed the power of two.
#[test]
fn orion_179() {
    stays_at_the_cap(65);
}

/// nym#174: an unbounded exponent overflowed the wait.
#[test]
fn nym_174() {
    stays_at_the_cap(u32::BITS);
}

/// nym#1260: the same again, in another client: the exponent was bounded too late.
#[test]
fn nym_1260() {
    let config =
        BackoffConfig::exponential(secs(86_400), Ratio::new_const(10, 1), secs(86_400)).build_const();
    assert_eq!(ceiling(config, u32::MAX), secs(86_400));
}

/// theelderbeever/mulligan#31: the cap was applied after the multiplication, which wrapped to a wait of zero and spun.
#[test]
fn mulligan_31() {
    let far = BackoffConfig::exponential(secs(1), Ratio::TWO, core::time::Duration::MAX).build_const();
    assert!(waits(far, 5_000, 1).windows(2).all(|two| two[0] <= two[1] && two[1] > secs(0)));
}

/// sozu-proxy/sozu#421: the count of retries grew until its power overflowed.
#[test]
fn sozu_421() {
    assert_eq!(ceiling(DOUBLING, u32::MAX), CAP);
    assert_eq!(ceiling(DOUBLING, u32::MAX - 1), CAP);
}

/// modelcontextprotocol/rust-sdk#1198: an exponent taken from the number of retries panicked in a long outage.
#[test]
fn rust_sdk_1198() {
    let rig = Harness::failed_times(PLAIN, 1_300);
    assert_eq!((rig.waits(), rig.told().failures), (CAP, 1_300));
}

/// EmbarkStudios/tryhard#24: the 64th attempt panicked.
#[test]
fn tryhard_24() {
    stays_at_the_cap(64);
    let linear = BackoffConfig::linear(secs(1), core::time::Duration::MAX).build_const();
    assert!(ceiling(linear, u32::MAX) > ceiling(linear, 64));
}

/// yoshuawuyts/exponential-backoff#12: the exponent overflowed before the maximum could bound it.
#[test]
fn exponential_backoff_12() {
    for failure in [31, 32, 63, 64, 127, 128] {
        assert_eq!(ceiling(DOUBLING, failure), CAP);
    }
}

/// scylladb/latte#208: the wait wrapped to zero and the jitter on it became negative, which panics.
#[test]
fn latte_208() {
    let config = DOUBLING.to_builder().jitter(Jitter::PlusMinus(Ratio::ONE)).build_const();
    assert!(waits(config, 1_000, 9).iter().all(|wait| *wait <= CAP));
}

/// s2-streamstore/s2#257: the doubling of the wait overflowed.
#[test]
fn s2_257() {
    let fibonacci = BackoffConfig::fibonacci(secs(1), core::time::Duration::MAX).build_const();
    assert!(waits(fibonacci, 2_000, 1).windows(2).all(|two| two[0] <= two[1]));
}

/// App-vNext/Polly#2163: past some hundred attempts the formula of the jittered wait left the numbers.
#[test]
fn polly_2163() {
    let day = BackoffConfig::exponential(secs(86_400), Ratio::TWO, core::time::Duration::MAX).build_const();
    let day = day.to_builder().jitter(Jitter::Decorrelated).build_const();
    assert!(waits(day, 1_025, 5).iter().all(|wait| *wait >= secs(86_400)));
}

/// eclipse/paho.mqtt.java#210: the wait doubled forever.
#[test]
fn paho_java_210() {
    let config = BackoffConfig::exponential(secs(1), Ratio::TWO, secs(100)).build_const();
    assert_eq!(
        waits(config, 12, 1).last(),
        Some(&secs(100)),
        "the cap is the cap, also where no power of two meets it"
    );
}

/// backo2 1.0.2 (socket.io-client): after 1014 doublings half of the waits were "not a number" and so zero.
#[test]
fn backo2_1_0_2() {
    let config =
        DOUBLING.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(1, 2))).floor(ms(500)).build_const();
    assert!(waits(config, 1_100, 2)[1_014..].iter().all(|wait| *wait >= ms(500)));
}

/// stubborn-io 0.3.6: its default strategy panicked after some 62 attempts, 27 hours into an outage.
#[test]
fn stubborn_io_0_3_6() {
    let config = BackoffConfig::exponential(secs(4), Ratio::TWO, secs(1_800)).build_const();
    let mut rig = Harness::failed_times(PLAIN.to_builder().backoff(config).build_const(), 1);
    let begun = rig.now;
    for _ in 0..100 {
        rig.redial();
        rig.fail(REFUSED);
    }
    assert!(rig.now.saturating_duration_since(begun) > secs(27 * 3_600));
    assert_eq!(rig.waits(), secs(1_800));
}

/// backon 1.6.0: a sum of waits near the largest duration panicked.
#[test]
fn backon_1_6_0_sum() {
    let constant = BackoffConfig::constant(core::time::Duration::MAX).build_const();
    let delays: Vec<_> = constant.delays(redial::SplitMix64::new(1)).take(3).collect();
    assert_eq!(delays.len(), 3);
}
