//! A museum of other people's bugs: what each of them did, and that a policy does not.
//!
//! Every test names the bug's repository and number, or the crate and version in whose source it was found, and
//! describes the behaviour that failed. The sources are the public trackers; no code of theirs is here.

mod rig;

use core::time::Duration;

use redial::{Backoff, BackoffConfig, Mode, SplitMix64};

/// The nominal wait after the n-th failure in a row.
fn ceiling(config: BackoffConfig, failure: u32) -> Duration {
    config.ceiling(failure, Mode::Resume).expect("a wait")
}

/// So many waits in a row, as drawn.
fn waits(config: BackoffConfig, count: usize, seed: u64) -> Vec<Duration> {
    let mut rng = SplitMix64::new(seed);
    let mut backoff = Backoff::new();
    (0..count)
        .map(|_| backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut rng).expect("a wait"))
        .collect()
}

/// Attempt counters that overflow in a long outage.
mod overflow {
    use redial::{BackoffConfig, Jitter, Ratio, valid};

    use super::rig::*;
    use super::{ceiling, waits};

    const CAP: core::time::Duration = secs(30);

    /// From the failure before `n` to the one after it the wait is the cap.
    fn stays_at_the_cap(n: u32) {
        for failure in n - 1..=n + 1 {
            assert_eq!(ceiling(LADDER, failure), CAP);
        }
        let drawn = waits(valid(LADDER.with_jitter(Jitter::Equal)), n as usize + 1, 1);
        assert!(drawn[6..].iter().all(|wait| (CAP / 2..=CAP).contains(wait)));
    }

    /// BasedHardware/omi#5617: two to the power of the attempt was made an integer before it was capped, which throws
    /// from attempt 1024 on.
    #[test]
    fn omi_5617() {
        stays_at_the_cap(1024);
        let config = valid(
            valid(BackoffConfig::exponential(secs(1), Ratio::TWO, secs(120))).with_jitter(Jitter::Full),
        );
        assert!(waits(config, 2_000, 3).iter().all(|wait| *wait <= secs(120)));
    }

    /// twilight-rs/twilight#2505: the attempt number was a byte and wrapped after 255 failed dials.
    #[test]
    fn twilight_2505() {
        stays_at_the_cap(256);
        assert_eq!(Rig::failed_times(PLAIN, 300).told().attempt, 300);
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
        let config = valid(BackoffConfig::exponential(
            ms(10),
            valid(Ratio::new(u32::MAX, 1)),
            core::time::Duration::MAX,
        ));
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
        let config = valid(BackoffConfig::exponential(secs(86_400), valid(Ratio::new(10, 1)), secs(86_400)));
        assert_eq!(ceiling(config, u32::MAX), secs(86_400));
    }

    /// theelderbeever/mulligan#31: the cap was applied after the multiplication, which wrapped to a wait of zero and spun.
    #[test]
    fn mulligan_31() {
        let far = valid(BackoffConfig::exponential(secs(1), Ratio::TWO, core::time::Duration::MAX));
        assert!(waits(far, 5_000, 1).windows(2).all(|two| two[0] <= two[1] && two[1] > secs(0)));
    }

    /// sozu-proxy/sozu#421: the count of retries grew until its power overflowed.
    #[test]
    fn sozu_421() {
        assert_eq!(ceiling(LADDER, u32::MAX), CAP);
        assert_eq!(ceiling(LADDER, u32::MAX - 1), CAP);
    }

    /// modelcontextprotocol/rust-sdk#1198: an exponent taken from the number of retries panicked in a long outage.
    #[test]
    fn rust_sdk_1198() {
        let rig = Rig::failed_times(PLAIN, 1_300);
        assert_eq!((rig.waits(), rig.told().failures), (CAP, 1_300));
    }

    /// EmbarkStudios/tryhard#24: the 64th attempt panicked.
    #[test]
    fn tryhard_24() {
        stays_at_the_cap(64);
        let linear = valid(BackoffConfig::linear(secs(1), core::time::Duration::MAX));
        assert!(ceiling(linear, u32::MAX) > ceiling(linear, 64));
    }

    /// yoshuawuyts/exponential-backoff#12: the exponent overflowed before the maximum could bound it.
    #[test]
    fn exponential_backoff_12() {
        for failure in [31, 32, 63, 64, 127, 128] {
            assert_eq!(ceiling(LADDER, failure), CAP);
        }
    }

    /// scylladb/latte#208: the wait wrapped to zero and the jitter on it became negative, which panics.
    #[test]
    fn latte_208() {
        let config = valid(LADDER.with_jitter(Jitter::PlusMinus(Ratio::ONE)));
        assert!(waits(config, 1_000, 9).iter().all(|wait| *wait <= CAP));
    }

    /// s2-streamstore/s2#257: the doubling of the wait overflowed.
    #[test]
    fn s2_257() {
        let fibonacci = valid(BackoffConfig::fibonacci(secs(1), core::time::Duration::MAX));
        assert!(waits(fibonacci, 2_000, 1).windows(2).all(|two| two[0] <= two[1]));
    }

    /// App-vNext/Polly#2163: past some hundred attempts the formula of the jittered wait left the numbers.
    #[test]
    fn polly_2163() {
        let day = valid(BackoffConfig::exponential(secs(86_400), Ratio::TWO, core::time::Duration::MAX));
        let day = valid(day.with_jitter(Jitter::Decorrelated));
        assert!(waits(day, 1_025, 5).iter().all(|wait| *wait >= secs(86_400)));
    }

    /// eclipse/paho.mqtt.java#210: the wait doubled for ever.
    #[test]
    fn paho_java_210() {
        let config = valid(BackoffConfig::exponential(secs(1), Ratio::TWO, secs(100)));
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
            valid(valid(LADDER.with_jitter(Jitter::PlusMinus(valid(Ratio::new(1, 2))))).with_floor(ms(500)));
        assert!(waits(config, 1_100, 2)[1_014..].iter().all(|wait| *wait >= ms(500)));
    }

    /// stubborn-io 0.3.6: its default strategy panicked after some 62 attempts, 27 hours into an outage.
    #[test]
    fn stubborn_io_0_3_6() {
        let config = valid(BackoffConfig::exponential(secs(4), Ratio::TWO, secs(1_800)));
        let mut rig = Rig::failed_times(PLAIN.with_backoff(config), 1);
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
        let constant = valid(BackoffConfig::constant(core::time::Duration::MAX));
        let delays: Vec<_> = constant.delays(redial::SplitMix64::new(1)).take(3).collect();
        assert_eq!(delays.len(), 3);
    }
}

/// Waits that are too long, too short, or all alike.
mod delays {
    use redial::{
        AfterTable, BackoffConfig, Cause, ConfigError, GiveUp, Jitter, Mode, Ratio, Reason, SplitMix64, valid,
    };

    use super::rig::*;
    use super::{ceiling, waits};

    /// Xuanwo/backon#231: the Fibonacci curve passed its maximum.
    #[test]
    fn backon_231() {
        let config = valid(BackoffConfig::fibonacci(secs(1), secs(10)));
        assert!(waits(config, 100, 1).iter().all(|wait| *wait <= secs(10)));
        assert_eq!(ceiling(config, 7), secs(10));
    }

    /// Xuanwo/backon#240: with a minimum above the maximum the first wait was the minimum.
    #[test]
    fn backon_240() {
        assert_eq!(
            BackoffConfig::exponential(secs(10), Ratio::TWO, secs(2)),
            Err(ConfigError::InitialAboveMax)
        );
        assert_eq!(BackoffConfig::fibonacci(secs(10), secs(2)), Err(ConfigError::InitialAboveMax));
    }

    /// ihrwein/backoff#42: it went on retrying past the time it had been given.
    #[test]
    fn backoff_42() {
        let mut rig = Rig::started(PLAIN.with_max_elapsed(Some(secs(20))));
        let begun = rig.now;
        while gave_up(&rig.fail(REFUSED)).is_none() {
            rig.redial();
            assert!(rig.now.saturating_duration_since(begun) <= secs(20));
        }
    }

    /// djc/tokio-retry#22: one number was both the first wait and the ratio: 50 ms, 2.5 s, 125 s.
    #[test]
    fn tokio_retry_22() {
        let config = valid(BackoffConfig::exponential(ms(50), Ratio::TWO, secs(3_600)));
        assert_eq!(waits(config, 4, 1), [ms(50), ms(100), ms(200), ms(400)]);
    }

    /// jimmycuadra/retry#23: the same surprise with a base of one, which never grew.
    #[test]
    fn retry_23() {
        let config = valid(BackoffConfig::exponential(ms(1), Ratio::TWO, secs(1)));
        assert_eq!(waits(config, 4, 1), [ms(1), ms(2), ms(4), ms(8)]);
    }

    /// Xuanwo/backon#184: the jitter was at most the first wait, so that long waits still came in waves.
    #[test]
    fn backon_184() {
        let config = valid(LADDER.with_jitter(Jitter::Equal));
        let at_cap: Vec<_> = (0..200).map(|seed| waits(config, 8, seed)[7]).collect();
        assert!(*at_cap.iter().max().unwrap() - *at_cap.iter().min().unwrap() > secs(12));
    }

    /// yoshuawuyts/exponential-backoff#36: a refactoring lost the jitter for a year.
    #[test]
    fn exponential_backoff_36() {
        let config = valid(LADDER.with_jitter(Jitter::PlusMinus(valid(Ratio::new(3, 10)))));
        let mut firsts: Vec<_> = (0..100).map(|seed| waits(config, 1, seed)[0]).collect();
        firsts.sort();
        firsts.dedup();
        assert!(firsts.len() > 90);
    }

    /// yoshuawuyts/exponential-backoff#23: the first wait was twice the minimum.
    #[test]
    fn exponential_backoff_23() {
        assert_eq!(Rig::failed_times(PLAIN, 1).waits(), secs(1));
    }

    /// kube-rs/kube#1603: a config was changed after its running state had been derived, which kept the old first wait.
    #[test]
    fn kube_1603() {
        let other = valid(BackoffConfig::exponential(secs(5), Ratio::TWO, secs(30)));
        assert_eq!(Rig::failed_times(PLAIN.with_backoff(other), 1).waits(), secs(5));
    }

    /// naomijub/tokio-retry#9: the wait that the server asked for was reported and not waited.
    #[test]
    fn tokio_retry2_9() {
        let mut rig = Rig::started(PLAIN);
        rig.refuse(503, Some(secs(60)));
        assert_eq!(rig.due(), Some((secs(60), Reason::Hint)));
        assert_eq!(rig.redial(), secs(60));
    }

    /// coder/coder#24096: hundreds of clients came back in the same rhythm and the server ran out of memory.
    #[test]
    fn coder_24096() {
        let jittered = PLAIN.with_backoff(valid(LADDER.with_jitter(Jitter::Full)));
        let mut per_second = [0_u32; 31];
        for seed in 0..1_000 {
            let mut rig = Rig::seeded(jittered, seed);
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
        let config = valid(LADDER.with_jitter(Jitter::PlusMinus(valid(Ratio::new(15, 100)))));
        assert!(waits(config, 500, 4).iter().all(|wait| *wait <= secs(30)));
    }

    /// buape/carbon 0.8.0: the first wait was already the second step, for the count went up before it was used.
    #[test]
    fn carbon_0_8_first_step() {
        let mut rig = Rig::online(GATEWAY);
        rig.lose();
        assert_eq!(rig.waits(), secs(1));
    }

    /// ihrwein/backoff 0.4.0: waits up to one and a half times the maximum, and 100 s first where 60 s were the most.
    #[test]
    fn backoff_0_4_0() {
        let config = valid(BackoffConfig::exponential(secs(60), Ratio::TWO, secs(60)));
        let config = valid(config.with_jitter(Jitter::PlusMinus(valid(Ratio::new(1, 2)))));
        assert!(waits(config, 500, 4).iter().all(|wait| *wait <= secs(60)));
        assert_eq!(LADDER.with_jitter(Jitter::PlusMinus(Ratio::TWO)), Err(ConfigError::JitterAboveOne));
    }

    /// backon 1.6.0: without `std` every device drew the same jitter, for the seed was a constant.
    #[test]
    fn backon_1_6_0_seed() {
        let config = valid(LADDER.with_jitter(Jitter::Full));
        assert_ne!(waits(config, 5, 1), waits(config, 5, 2), "there is no seed but the caller's");
    }

    /// tower 0.5.3: every session of a process got the same jitter, for the generator was cloned and never advanced.
    #[test]
    fn tower_0_5_3_clones() {
        let config = valid(LADDER.with_jitter(Jitter::Full));
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
        let table = valid(BackoffConfig::table(&TABLE, AfterTable::GiveUp));
        let mut delays = table.delays(SplitMix64::new(1));
        assert_eq!(delays.by_ref().count(), 2);
        assert!((0..10).all(|_| delays.next().is_none()));
    }

    /// exponential-backoff 2.1.1: the jitter was clamped afterwards: half of the first waits were exactly the minimum,
    /// all of the last exactly the maximum.
    #[test]
    fn exponential_backoff_2_1_1() {
        let config = valid(LADDER.with_jitter(Jitter::PlusMinus(valid(Ratio::new(3, 10)))));
        let last: Vec<_> = (0..100).map(|seed| waits(config, 9, seed)[8]).collect();
        assert!(last.iter().filter(|wait| **wait == secs(30)).count() < 5);
    }

    /// tokio-retry2 0.9.1: the documented jitter range made every wait zero, for it was drawn once.
    #[test]
    fn tokio_retry2_0_9_1() {
        let config = valid(LADDER.with_jitter(Jitter::Window(Ratio::ZERO, Ratio::ONE)));
        let drawn = waits(config, 50, 3);
        assert!(drawn.iter().filter(|wait| wait.is_zero()).count() < 2);
        assert_eq!(
            LADDER.with_jitter(Jitter::Window(Ratio::ZERO, Ratio::ZERO)),
            Err(ConfigError::JitterWindow)
        );
    }

    /// retry 2.2.0: a negative or missing factor gave waits of zero for ever.
    #[test]
    fn retry_2_2_0() {
        assert_eq!(
            BackoffConfig::exponential(secs(1), Ratio::ZERO, secs(9)),
            Err(ConfigError::FactorBelowOne)
        );
        assert_eq!(Ratio::new(1, 0), Err(ConfigError::RatioNotANumber));
    }

    /// retry-policies 0.5.2: bounds that began at zero never returned from the constructor.
    #[test]
    fn retry_policies_0_5_2() {
        assert_eq!(BackoffConfig::exponential(secs(0), Ratio::TWO, secs(9)), Err(ConfigError::InitialZero));
    }

    /// exp_backoff 0.1.6: the random walk of its waits collapsed to nanoseconds after a hundred attempts.
    #[test]
    fn exp_backoff_0_1_6() {
        let config = valid(LADDER.with_jitter(Jitter::Decorrelated));
        assert!((0..50).all(|seed| waits(config, 200, seed)[100..].iter().all(|wait| *wait >= secs(1))));
    }

    /// tower-resilience-reconnect 0.13.0: the first wait was the second step, for attempts count from 1 and steps from 0.
    #[test]
    fn tower_resilience_0_13_0_first() {
        let config = valid(BackoffConfig::exponential(ms(100), Ratio::TWO, secs(5)));
        assert_eq!(Rig::failed_times(PLAIN.with_backoff(config), 1).waits(), ms(100));
    }

    /// reliakit-retry 1.1.0: when the table of waits was used up it went on with waits of zero.
    #[test]
    fn reliakit_retry_1_1_0() {
        static TABLE: [core::time::Duration; 3] = [ms(100), ms(200), ms(400)];
        let mut rig =
            Rig::started(PLAIN.with_backoff(valid(BackoffConfig::table(&TABLE, AfterTable::GiveUp))));
        for _ in 0..3 {
            rig.fail(REFUSED);
            rig.redial();
        }
        assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::TableSpent, REFUSED)));
    }

    /// ihrwein/backoff 0.4.0: a server that always named a wait was retried for ever, past every limit.
    #[test]
    fn backoff_0_4_0_hint() {
        let mut rig = Rig::started(PLAIN.with_max_elapsed(Some(secs(300))));
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
        let mut rig = Rig::started(PLAIN);
        rig.refuse(503, Some(secs(86_400)));
        assert_eq!((rig.waits(), rig.policy.stats().hints_cut), (secs(300), 1), "cut, and told");
        let mut rig = Rig::started(PLAIN.with_max_elapsed(Some(secs(60))));
        assert_eq!(gave_up(&rig.refuse(503, Some(secs(90)))), Some((GiveUp::MaxElapsed, Cause::Http(503))));
    }

    /// dcdpr/jp#1080: all clients slept for exactly the minute that the server had named, and came back as one.
    #[test]
    fn jp_1080() {
        let mut waits: Vec<_> = (0..100)
            .map(|seed| {
                let mut rig = Rig::seeded(PLAIN.with_hint_spread(Ratio::ONE), seed);
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
        let mut rig = Rig::started(redial::presets::DISCORD_GATEWAY);
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
}

/// Ladders that begin again too early, or never.
mod reset {
    use redial::{Cause, Config, Reason};

    use super::rig::*;

    const STABLE: Config = PLAIN.with_reset_after_stable(secs(120));

    /// Ten rounds of a server that lets everybody in and closes after `held`: the waits in whole seconds.
    fn flaps(config: Config, ready: bool, held: u64, cause: Cause) -> Vec<u64> {
        let mut rig = Rig::started(config);
        (0..10)
            .map(|_| {
                rig.acks = true;
                if ready {
                    rig.establish();
                } else {
                    rig.opened();
                }
                rig.advance(secs(held));
                rig.close(cause);
                rig.redial().as_secs()
            })
            .collect()
    }

    const GROWING: [u64; 10] = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30];

    /// buape/carbon#344: the counter went to zero when the socket opened: open, close 1000, one second, a thousand
    /// connections and more, until the token was revoked.
    #[test]
    fn carbon_344() {
        assert_eq!(flaps(PLAIN, false, 0, Cause::CloseFrame(1000)), GROWING);
    }

    /// thingsboard/thingsboard#15219: a session limit closed with 1008 right after the open: 560 connections in 33
    /// minutes.
    #[test]
    fn thingsboard_15219() {
        let mut rig = Rig::started(PLAIN);
        let end = rig.now.saturating_add(secs(33 * 60));
        rig.opened();
        while rig.now < end && gave_up(&rig.code(1008)).is_none() {
            rig.redial();
            rig.opened();
        }
        assert!(rig.opens() <= 10, "{}", rig.opens());
    }

    /// openclaw/openclaw#102285: "ready" was too early as well: a server that is ready and closes was dialled without
    /// an end.
    #[test]
    fn openclaw_102285() {
        assert_eq!(flaps(STABLE, true, 1, Cause::NoCloseFrame), GROWING);
    }

    /// AgentWorkforce/relay#1610: a reset on every connect turned a flapping relay into a tight loop.
    #[test]
    fn relay_1610() {
        assert_eq!(flaps(STABLE, true, 30, RESET), GROWING);
    }

    /// moq-dev/moq#1806: accepted and dropped at once: a loop at full speed, and the clock of giving up began anew at
    /// each drop.
    #[test]
    fn moq_1806() {
        let mut rig = Rig::online(STABLE.with_max_elapsed(Some(secs(300))));
        let begun = rig.now;
        while gave_up(&rig.lose()).is_none() {
            rig.recover();
            assert!(rig.now.saturating_duration_since(begun) <= secs(300));
        }
        assert!(rig.opens() < 20, "{}", rig.opens());
    }

    /// ghostdogpr/sage#140: a broker that dropped every new connection was met with the first wait for ever.
    #[test]
    fn sage_140() {
        assert_eq!(flaps(STABLE, true, 0, RESET), GROWING);
    }

    /// FreeTAKTeam/LXMF-rs#494: one short session should be forgiven and the second escalate; each was forgiven.
    #[test]
    fn lxmf_494() {
        assert_eq!(flaps(STABLE, true, 5, RESET)[..2], [1, 2]);
    }

    /// vitorpamplona/amethyst#3219: one relay that flapped made a tenth of all errors.
    #[test]
    fn amethyst_3219() {
        let mut rig = Rig::online(STABLE);
        let end = rig.now.saturating_add(secs(3_600));
        while rig.now < end {
            rig.lose();
            rig.recover();
        }
        assert!(rig.opens() < 130, "{} dials in an hour", rig.opens());
    }

    /// espressif/esp-rainmaker-neo-firmware#1: two devices with one identifier threw each other out at full speed.
    #[test]
    fn esp_rainmaker_1() {
        let mqtt = redial::Classifier::new(&redial::tables::MQTT5);
        let mut rig = Rig::online(STABLE.with_classifier(mqtt));
        rig.code(0x8E);
        assert_eq!(rig.due(), Some((secs(30), Reason::Class)));
    }

    /// nuts-foundation/nuts-node#1267: the backoff was reset by a handshake that the peer then refused.
    #[test]
    fn nuts_node_1267() {
        assert_eq!(flaps(GATEWAY, false, 3, RESET), GROWING);
    }

    /// erikwb/blueferry#107: every observation of "connected" reset the ladder, not the change to it.
    #[test]
    fn blueferry_107() {
        let mut rig = Rig::failed_times(STABLE, 4);
        rig.recover();
        for _ in 0..50 {
            rig.advance(secs(1));
            rig.ready();
        }
        rig.lose();
        assert_eq!(rig.waits(), secs(16));
    }

    /// gluwa/creditcoin3#1251: the age of the last success was used although the dial in between had failed.
    #[test]
    fn creditcoin_1251() {
        let mut rig = Rig::online(PLAIN.with_reset_after_stable(secs(5)));
        rig.advance(secs(1));
        rig.lose();
        for wait in [1, 2, 4, 8, 16] {
            assert_eq!(rig.redial(), secs(wait));
            rig.fail(REFUSED);
        }
    }

    /// oscmcompany/fund#1020: the counter was never reset, so a drop after days waited the longest.
    #[test]
    fn fund_1020() {
        let mut rig = Rig::failed_times(STABLE, 9);
        rig.recover();
        rig.advance(secs(3 * 86_400));
        rig.lose();
        assert_eq!(rig.waits(), secs(1));
    }

    /// Clawdi#1322: after a reconnect request on a healthy session it waited a minute, and the session expired.
    #[test]
    fn clawdi_1322() {
        let mut rig = Rig::failed_times(STABLE.with_requested_spread(Some(secs(0))), 9);
        rig.recover();
        rig.advance(secs(3_600));
        rig.please_reconnect();
        assert_eq!(rig.due(), Some((secs(0), Reason::Requested)));
    }

    /// EmbarkStudios/quilkin#734: a backoff that was never reset kept a healthy proxy out for five minutes.
    #[test]
    fn quilkin_734() {
        let mut rig = Rig::failed_times(STABLE, 30);
        rig.recover();
        rig.advance(secs(600));
        rig.lose();
        assert_eq!(rig.recover(), secs(1));
    }

    /// kubernetes/client-go: a reset every two minutes also reset in the middle of an outage.
    #[test]
    fn client_go_reset() {
        let mut rig = Rig::failed_times(STABLE, 1);
        for _ in 0..60 {
            rig.redial();
            rig.fail(REFUSED);
        }
        assert_eq!(rig.waits(), secs(30), "half an hour into it");
    }

    /// kube-rs/kube 4.2.0: slow dials were taken for quiet time and reset the backoff while they still failed.
    #[test]
    fn kube_4_2_0_slow_dials() {
        let slow = PLAIN.with_connect_timeout(secs(300)).expect("valid").with_reset_after_stable(secs(120));
        let mut rig = Rig::started(slow);
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            rig.advance(secs(300));
            assert_eq!(rig.redial(), secs(wait));
        }
    }

    /// bitdriftlabs/pulse#52: the first event of every watch counted as health and reset the backoff.
    #[test]
    fn pulse_52() {
        let mut rig = Rig::failed_times(STABLE, 3);
        rig.redial();
        rig.opened();
        let epoch = rig.epoch();
        rig.fact(redial::Event::Received { epoch });
        rig.lose();
        assert_eq!(rig.waits(), secs(8));
    }

    /// joshrotenberg/tower-resilience 0.13.0: each connect began the count anew, so a flapping peer was dialled every
    /// 200 ms for ever.
    #[test]
    fn tower_resilience_0_13_0_flapping() {
        assert!(flaps(STABLE, true, 0, RESET).iter().sum::<u64>() > 150);
    }

    /// ZenHive/zen_websocket 0.7.1: an upgrade reset the count and a drop was redialled at once: "101, close" looped
    /// without any wait.
    #[test]
    fn zen_websocket_0_7_1() {
        let mut rig = Rig::online(PLAIN);
        for wait in [1, 2, 4] {
            rig.lose();
            assert_eq!(rig.redial(), secs(wait));
            rig.opened();
        }
    }
}

/// Two reconnects for one loss, and successors killed by their predecessors.
mod races {
    use redial::{Cause, Disposition, Event, Phase, Reason};

    use super::rig::*;

    /// Two more reports of the same loss change nothing, and one dial follows.
    fn one_dial(mut rig: Rig, lose: fn(&mut Rig), reports: &[Cause]) {
        let (epoch, before) = (rig.epoch(), rig.opens());
        lose(&mut rig);
        let due = rig.due();
        for &cause in reports {
            assert!(rig.fact(Event::Closed { epoch, cause }).is_empty());
            assert_eq!((rig.disposition, rig.due()), (Disposition::Stale, due));
        }
        rig.recover();
        rig.acks = true;
        rig.advance(secs(600));
        assert_eq!(rig.opens(), before + 1);
    }

    /// buape/carbon#264: a reconnect request and the close that it caused each scheduled an attempt: three sockets for
    /// one request.
    #[test]
    fn carbon_264() {
        one_dial(Rig::online(GATEWAY), |rig| drop(rig.please_reconnect()), &[Cause::CloseFrame(1000)]);
    }

    /// buape/carbon 859b6ef: the timer after a refused session and the close of its socket both reconnected.
    #[test]
    fn carbon_859b6ef() {
        one_dial(Rig::online(GATEWAY), |rig| drop(rig.invalid(false)), &[Cause::CloseFrame(1000), RESET]);
    }

    /// buape/carbon#349: a late callback threw where it met a connection that was already closed, and the process died.
    #[test]
    fn carbon_349() {
        let mut rig = Rig::online(GATEWAY);
        let epoch = rig.epoch();
        rig.lose();
        for _ in 0..3 {
            assert!(rig.fact(Event::PleaseReconnect { epoch, after: None }).is_empty());
            assert!(rig.fact(Event::SessionInvalid { epoch, resumable: true }).is_empty());
        }
        assert_eq!(rig.policy.stats().losses, 1);
    }

    /// discordjs/discord.js#7113: one loss led to two identifies, and up to sixty.
    #[test]
    fn discord_js_7113() {
        one_dial(Rig::online(GATEWAY), |rig| drop(rig.close(RESET)), &[Cause::CloseFrame(4000), RESET]);
    }

    /// ZenHive/zen_websocket 0.4.2: one close gave two attempts in the same millisecond, and the first one's timer
    /// killed the second.
    #[test]
    fn zen_websocket_0_4_2() {
        let mut rig = Rig::online(PLAIN);
        rig.lose();
        rig.redial();
        rig.advance(secs(9));
        rig.fail(RESET);
        rig.redial();
        rig.advance(secs(9));
        assert_eq!((rig.phase(), rig.opens()), (Phase::Connecting, 3), "its own ten seconds");
    }

    /// Atmosphere/wasync#178: error and close callbacks each opened a new socket.
    #[test]
    fn wasync_178() {
        one_dial(Rig::online(PLAIN), |rig| drop(rig.close(RESET)), &[Cause::CloseFrame(1006)]);
    }

    /// dsrees/JavaPhoenixClient#34: failure and close of one socket raised two timers.
    #[test]
    fn java_phoenix_client_34() {
        one_dial(Rig::online(PLAIN), |rig| drop(rig.lose()), &[RESET, RESET]);
    }

    /// tutao/tutanota#1294: several triggers reconnected side by side.
    #[test]
    fn tutanota_1294() {
        let mut rig = Rig::online(PLAIN);
        rig.lose();
        rig.advance(secs(1));
        for fact in
            [Event::NetworkUp, Event::Visible, Event::Woke { gap: secs(1) }, Event::RetryNow, Event::Start]
        {
            assert_eq!(opens(&rig.fact(fact)), 0, "there is a dial already");
        }
        assert_eq!(rig.opens(), 2);
    }

    /// mvanhorn/paperclip-plugin-discord#71: the old socket's close cleared the timers of the new one: 276,379
    /// connections in a day.
    #[test]
    fn paperclip_71() {
        let mut rig = Rig::online(GATEWAY);
        let old = rig.epoch();
        rig.please_reconnect();
        rig.recover();
        let due = rig.due();
        rig.fact(Event::Closed { epoch: old, cause: Cause::CloseFrame(4000) });
        assert_eq!((rig.phase(), rig.due()), (Phase::Online, due));
        assert_eq!(due, Some((secs(45), Reason::Beat)));
    }

    /// discordeno/discordeno#4017: the late close of the old socket wiped the new socket's object, which resumed in a
    /// loop.
    #[test]
    fn discordeno_4017() {
        let mut rig = Rig::online(GATEWAY);
        let old = rig.epoch();
        rig.please_reconnect();
        rig.redial();
        rig.opened();
        rig.fact(Event::Closed { epoch: old, cause: Cause::CloseFrame(3024) });
        assert!(sent_resume(&rig.greet(Some(secs(45)))));
        rig.resumed();
        assert_eq!(rig.phase(), Phase::Online);
    }

    /// couchbase/couchbase-rs#395: stale events each began a connection loop of their own, a snowball.
    #[test]
    fn couchbase_rs_395() {
        let mut rig = Rig::online(PLAIN);
        let mut epochs = Vec::new();
        for _ in 0..5 {
            epochs.push(rig.epoch());
            rig.lose();
            for &epoch in &epochs {
                assert!(rig.fact(Event::Closed { epoch, cause: RESET }).is_empty());
            }
            rig.recover();
        }
        assert_eq!(rig.opens(), 6);
    }

    /// meawoppl/agent-portal#538: a second loop was begun by the message of a connection that was already replaced.
    #[test]
    fn agent_portal_538() {
        let mut rig = Rig::online(PLAIN);
        let old = rig.epoch();
        rig.lose();
        rig.redial();
        assert!(rig.fact(Event::PleaseReconnect { epoch: old, after: Some(secs(0)) }).is_empty());
        assert_eq!(rig.phase(), Phase::Connecting);
    }

    /// meawoppl/agent-portal#1256: the end of an old connection unregistered its successor.
    #[test]
    fn agent_portal_1256() {
        let mut rig = Rig::online(PLAIN);
        let old = rig.epoch();
        rig.lose();
        rig.recover();
        rig.fact(Event::SendFailed { epoch: old });
        assert_eq!((rig.phase(), rig.policy.stats().losses), (Phase::Online, 1));
    }

    /// centrifugal/centrifuge-csharp#21: the close of a transport that was no longer the current one disconnected the
    /// client.
    #[test]
    fn centrifuge_csharp_21() {
        let mut rig = Rig::online(PLAIN);
        let old = rig.epoch();
        rig.lose();
        rig.recover();
        rig.fact(Event::Closed { epoch: old, cause: Cause::CloseFrame(3500) });
        assert_eq!(rig.phase(), Phase::Online);
    }

    /// centrifugal/centrifuge-js#408: a disconnect in the middle of the connect looped without a wait: 189 attempts in
    /// half a second.
    #[test]
    fn centrifuge_js_408() {
        let mut rig = Rig::started(PLAIN);
        let end = rig.now.saturating_add(ms(500));
        while rig.now <= end {
            rig.opened();
            rig.code(3012);
            rig.redial();
        }
        assert_eq!(rig.opens(), 2);
    }

    /// centrifugal/centrifuge-js#281: a socket that closed before it was open never led to a reconnect.
    #[test]
    fn centrifuge_js_281() {
        let mut rig = Rig::started(PLAIN);
        rig.lose();
        assert_eq!(rig.recover(), secs(1));
    }

    /// twilight-rs/twilight#2428: one abnormal end was reported several times.
    #[test]
    fn twilight_2428() {
        let mut rig = Rig::online(GATEWAY);
        let epoch = rig.epoch();
        for _ in 0..3 {
            rig.fact(Event::Closed { epoch, cause: Cause::NoCloseFrame });
        }
        assert_eq!((rig.policy.stats().losses, rig.policy.stats().stale), (1, 2));
    }

    /// openclaw/openclaw#59019: library and application both reconnected and threw each other out.
    #[test]
    fn openclaw_59019() {
        let mut inner = Rig::online(PLAIN.with_max_attempts(Some(0)));
        assert!(gave_up(&inner.lose()).is_some());
        assert_eq!(inner.policy.poll_timeout(), None);
    }
}

/// Stops that do not stop.
mod stop {
    use redial::{Cause, Event, Phase};

    use super::rig::*;

    fn nothing_for_a_day(mut rig: Rig) {
        assert!(rig.advance(secs(86_400)).is_empty());
        assert_eq!(rig.phase(), Phase::Stopped);
    }

    /// lukeed/sockette#46: a close by the user left the timer running, and the socket came back.
    #[test]
    fn sockette_46() {
        let mut rig = Rig::failed_times(PLAIN, 1);
        rig.stop(false);
        nothing_for_a_day(rig);
    }

    /// versatica/JsSIP#148: stopped between two attempts, it connected once more.
    #[test]
    fn jssip_148() {
        let mut rig = Rig::failed_times(PLAIN, 4);
        rig.advance(secs(7));
        rig.stop(false);
        nothing_for_a_day(rig);
    }

    /// buape/carbon e2b2c69: a disconnect while a timer was pending was followed by a new socket.
    #[test]
    fn carbon_e2b2c69() {
        let mut rig = Rig::online(GATEWAY);
        rig.please_reconnect();
        rig.stop(false);
        nothing_for_a_day(rig);
    }

    /// socketio/socket.io-client#576: a manual reconnect during the wait left the old timer, which connected again.
    #[test]
    fn socket_io_client_576() {
        let mut rig = Rig::failed_times(PLAIN, 6);
        rig.fact(Event::RetryNow);
        rig.establish();
        assert!(rig.advance(secs(3_600)).is_empty());
        assert_eq!(rig.opens(), 7);
    }

    /// Polymarket#46: the count of attempts survived a stop, and the next start gave up early.
    #[test]
    fn polymarket_46() {
        let mut rig = Rig::failed_times(PLAIN.with_max_attempts(Some(5)), 4);
        rig.stop(false);
        rig.start();
        assert_eq!((rig.told().attempt, rig.told().failures), (1, 0));
        rig.fail(REFUSED);
        assert_eq!(rig.waits(), secs(1));
    }

    /// pladaria/reconnecting-websocket#14: closed during the delay, it opened again.
    #[test]
    fn reconnecting_websocket_14() {
        let mut rig = Rig::failed_times(PLAIN, 2);
        rig.advance(ms(1_999));
        rig.stop(false);
        rig.advance(ms(1));
        nothing_for_a_day(rig);
    }

    /// 1c3t3a/rust-socketio#374: after a disconnect by the user it reconnected.
    #[test]
    fn rust_socketio_374() {
        let mut rig = Rig::online(PLAIN);
        let epoch = rig.epoch();
        rig.stop(false);
        rig.fact(Event::Closed { epoch, cause: Cause::CloseFrame(1000) });
        nothing_for_a_day(rig);
    }

    /// 1c3t3a/rust-socketio#500: the same while a reconnect was under way.
    #[test]
    fn rust_socketio_500() {
        let mut rig = Rig::failed_times(PLAIN, 1);
        rig.redial();
        let epoch = rig.epoch();
        rig.stop(false);
        rig.fact(Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
        nothing_for_a_day(rig);
    }

    /// phoenixframework/phoenix#6578: a page that became visible reconnected what the user had disconnected.
    #[test]
    fn phoenix_6578() {
        let mut rig = Rig::online(PLAIN);
        rig.fact(Event::Hidden);
        rig.stop(false);
        rig.fact(Event::Visible);
        nothing_for_a_day(rig);
    }

    /// buape/carbon 5c460ee: an intended disconnect was reported as "attempts exhausted" and crashed the process.
    #[test]
    fn carbon_5c460ee() {
        let mut rig = Rig::online(PLAIN.with_max_attempts(Some(0)));
        let actions = rig.stop(false);
        assert_eq!(gave_up(&actions), None);
        assert_eq!(rig.policy.stats().losses, 0);
        nothing_for_a_day(rig);
    }

    /// stubborn-io 0.3.6: the user's own shutdown began a reconnect.
    #[test]
    fn stubborn_io_shutdown() {
        let mut rig = Rig::online(PLAIN);
        let epoch = rig.epoch();
        rig.stop(true);
        assert!(rig.fact(Event::SendFailed { epoch }).is_empty());
        nothing_for_a_day(rig);
    }
}

/// Chains that end without a word, and loops without a wait.
mod silence {
    use redial::{Cause, Event, GiveUp, HoldReason, Phase, Reason};

    use super::rig::*;

    /// BasedHardware/omi#5715: not signed in, or no device: the one-shot timer was not set again, and the client stayed
    /// offline while it recorded.
    #[test]
    fn omi_5715() {
        let mut rig = Rig::started(PLAIN);
        for _ in 0..100 {
            let epoch = rig.epoch();
            rig.fact(Event::NotNow { epoch, retry_after: None });
            assert_eq!(rig.phase(), Phase::Waiting);
            rig.redial();
        }
        let hold = HoldReason::new(0).expect("a reason");
        rig.lose();
        rig.fact(Event::Hold(hold));
        rig.advance(secs(86_400));
        assert_eq!(opens(&rig.fact(Event::Release(hold))), 1);
    }

    /// yourWaifu/sleepy-discord#243: after ten attempts it stopped and said nothing.
    #[test]
    fn sleepy_discord_243() {
        assert_eq!(Rig::failed_times(PLAIN, 1_000).phase(), Phase::Waiting);
    }

    /// whatomate#494: five attempts were burned while the phone slept, and then it was over.
    #[test]
    fn whatomate_494() {
        let mut rig = Rig::failed_times(PLAIN.with_max_attempts(Some(5)), 1);
        rig.fact(Event::NetworkDown);
        rig.advance(secs(8 * 3_600));
        rig.fact(Event::NetworkUp);
        assert_eq!(rig.told().attempt, 2);
        rig.establish();
    }

    /// buape/carbon 0.16.0: a factory that threw inside the timer ended the chain.
    #[test]
    fn carbon_0_16_factory() {
        let mut rig = Rig::started(GATEWAY);
        for wait in [1, 2, 4] {
            rig.fail(Cause::Unknown);
            assert_eq!(rig.redial(), secs(wait));
        }
    }

    /// openclaw/openclaw#55367: "no attempts allowed" was an error event without a listener and killed the process.
    #[test]
    fn openclaw_55367() {
        let mut rig = Rig::online(GATEWAY.with_max_attempts(Some(0)));
        assert_eq!(gave_up(&rig.lose()), Some((GiveUp::MaxAttempts, Cause::NoCloseFrame)));
        assert_eq!(rig.phase(), Phase::Failed);
    }

    /// SignalR/SignalR#4710: it was stuck after its first retry.
    #[test]
    fn signalr_4710() {
        let mut rig = Rig::online(PLAIN);
        rig.lose();
        for _ in 0..20 {
            rig.redial();
            rig.advance(secs(10));
            assert_eq!(rig.phase(), Phase::Waiting, "the silent dial is over");
        }
    }

    /// ably/ably-java#167: a connect by the user in the long wait was ignored.
    #[test]
    fn ably_java_167() {
        let mut rig = Rig::failed_times(PLAIN, 20);
        assert_eq!(opens(&rig.fact(Event::RetryNow)), 1);
    }

    /// ably/ably-js#1844: one failed check of the network was remembered for ever.
    #[test]
    fn ably_js_1844() {
        let mut rig = Rig::failed_times(PLAIN, 1);
        for _ in 0..3 {
            rig.fact(Event::NetworkDown);
            rig.fact(Event::NetworkDown);
            rig.fact(Event::NetworkUp);
        }
        rig.advance(secs(1));
        assert_eq!(rig.phase(), Phase::Connecting);
    }

    /// pusher/pusher-websocket-java#197: after six attempts it gave up.
    #[test]
    fn pusher_java_197() {
        assert_eq!(Rig::failed_times(PLAIN, 7).recover(), secs(30));
    }

    /// ihrwein/backoff#39: fifteen minutes counted from its creation: a socket that failed after hours was never retried.
    #[test]
    fn backoff_39() {
        let mut rig = Rig::online(PLAIN.with_max_elapsed(Some(secs(900))));
        rig.advance(secs(10 * 3_600));
        assert_eq!(gave_up(&rig.lose()), None);
        assert_eq!(rig.recover(), secs(1));
    }

    /// kube-rs/kube#1713: a default of three retries came with another library and ended a watch for good.
    #[test]
    fn kube_1713() {
        assert_eq!(Rig::failed_times(PLAIN, 4).phase(), Phase::Waiting, "no limit is the default");
    }

    /// 1c3t3a/rust-socketio a4e5287: after fifteen minutes "no more waits" was taken for "no wait": a hot loop.
    #[test]
    fn rust_socketio_hot_loop() {
        let mut rig = Rig::started(PLAIN.with_max_elapsed(Some(secs(900))));
        while gave_up(&rig.fail(REFUSED)).is_none() {
            assert!(rig.redial() >= secs(1));
        }
        assert!(rig.advance(secs(3_600)).is_empty());
    }

    /// serenity-rs/serenity#1433: 2,572 attempts in a second.
    #[test]
    fn serenity_1433() {
        let mut rig = Rig::started(GATEWAY);
        rig.opened();
        rig.lose();
        assert_eq!(rig.waits(), secs(1));
    }

    /// discordjs/discord.js#9510: no wait at all between two attempts.
    #[test]
    fn discord_js_9510() {
        let mut rig = Rig::online(GATEWAY);
        rig.invalid(true);
        assert!(rig.waits() >= secs(1));
    }

    /// twilight-rs/twilight#446: failed connects were repeated at once.
    #[test]
    fn twilight_446() {
        let mut rig = Rig::started(GATEWAY);
        rig.fail(REFUSED);
        assert_eq!(rig.waits(), secs(1));
    }

    /// vectordotdev/vector#72: a hundred thousand attempts in less than half a minute.
    #[test]
    fn vector_72() {
        let mut rig = Rig::started(PLAIN);
        let end = rig.now.saturating_add(secs(30));
        while rig.now < end {
            rig.fail(REFUSED);
            rig.redial();
        }
        assert!(rig.opens() < 8);
    }

    /// tower-rs/tower#60: its reconnect has no delay: a service that is never ready spins inside one poll.
    #[test]
    fn tower_60() {
        let mut rig = Rig::started(PLAIN);
        for failures in 1..=100 {
            assert_eq!(opens(&rig.fail(REFUSED)), 0, "never in the same step");
            assert_eq!(rig.told().failures, failures);
            rig.redial();
        }
    }

    /// rumqtt#918: the event loop reconnected at every poll.
    #[test]
    fn rumqtt_918() {
        let mut rig = Rig::failed_times(PLAIN, 3);
        for _ in 0..1_000 {
            assert!(rig.tick().is_empty());
        }
        assert_eq!(rig.due(), Some((secs(4), Reason::Backoff)));
    }

    /// freenet/freenet-core#2968: after a sleep it sat out the long wait of the outage before.
    #[test]
    fn freenet_core_2968() {
        let mut rig = Rig::failed_times(PLAIN, 12);
        assert_eq!(opens(&rig.fact(Event::Woke { gap: secs(7_200) })) + opens(&rig.advance(secs(1))), 1);
    }
}

/// Sessions that are resumed when they are gone, or lost when they are there.
mod session {
    use redial::{Cause, Config, DropReason, Endpoint, Event, Mode, Phase, Reason, ResumeConfig, valid};

    use super::rig::*;

    /// From a dial that is due until the greeting; what is sent.
    fn greeted(rig: &mut Rig) -> Vec<redial::Action> {
        rig.redial();
        let mut actions = rig.opened();
        actions.extend(rig.greet(Some(secs(45))));
        actions
    }

    /// Every connection ends before the resume is granted: how many resumes are sent before a fresh start.
    fn resumes_until_fresh(config: Config, cause: Cause) -> usize {
        let mut rig = Rig::online(config);
        rig.lose();
        let mut resumes = 0;
        while sent_resume(&greeted(&mut rig)) {
            resumes += 1;
            assert!(resumes < 100, "it never leaves the resume");
            rig.close(cause);
        }
        resumes
    }

    /// buape/carbon#350: a stale session was resumed for ever after 1005 and 1006.
    #[test]
    fn carbon_350() {
        assert_eq!(resumes_until_fresh(GATEWAY, Cause::CloseFrame(1005)), 3);
        assert_eq!(resumes_until_fresh(GATEWAY, Cause::CloseFrame(1006)), 3);
    }

    /// openclaw/openclaw#13061: 38,564 failed resumes in a day, a second apart.
    #[test]
    fn openclaw_13061() {
        assert_eq!(resumes_until_fresh(GATEWAY, Cause::NoCloseFrame), 3);
    }

    /// openclaw/openclaw#14331: a resume loop that only a restart ended.
    #[test]
    fn openclaw_14331() {
        assert_eq!(resumes_until_fresh(GATEWAY, RESET), 3);
    }

    /// discordeno/discordeno#3907: closed while resuming it resumed again and again; one try is enough for some.
    #[test]
    fn discordeno_3907() {
        let once = GATEWAY.with_resume(valid(ResumeConfig::new().with_failures_max(1)));
        assert_eq!(resumes_until_fresh(once, Cause::CloseFrame(4000)), 1);
    }

    /// catnip#31: an expired session was resumed without an end.
    #[test]
    fn catnip_31() {
        assert_eq!(resumes_until_fresh(GATEWAY, Cause::CloseFrame(4009)), 1);
    }

    /// openclaw/openclaw#54697: a forced fresh start was none, for the cached session survived it.
    #[test]
    fn openclaw_54697() {
        let mut rig = Rig::online(GATEWAY);
        rig.stop(false);
        assert_eq!(open(&rig.start()), Some((Mode::Fresh, Endpoint::Base, 1)));
    }

    /// buape/carbon#264 as merged: after a plain drop neither resume nor identify was sent, and it hung.
    #[test]
    fn carbon_264_hang() {
        let mut rig = Rig::online(GATEWAY);
        rig.code(1006);
        assert!(sent_resume(&greeted(&mut rig)));
        let mut rig = Rig::started(GATEWAY);
        rig.opened();
        rig.greet(Some(secs(45)));
        rig.code(1006);
        assert!(sent_fresh(&greeted(&mut rig)), "no session yet");
    }

    /// buape/carbon a93104f: sequence 0 counted as no sequence.
    #[test]
    fn carbon_a93104f() {
        let mut rig = Rig::started(GATEWAY);
        rig.opened();
        rig.greet(Some(secs(45)));
        rig.ready_as(Some("token"), None, Some(0));
        rig.lose();
        assert!(sent_resume(&greeted(&mut rig)));
    }

    /// nyxx#592: it closed with 1000 for a reconnect and with 1001 after a ping timeout; both end the session.
    #[test]
    fn nyxx_592() {
        assert!(keeps_session(&Rig::online(GATEWAY).please_reconnect()));
        assert!(keeps_session(&Rig::online(GATEWAY).advance(secs(90))));
    }

    /// discord/discord-api-docs#1472: a session that the client itself had ended with its close code was searched for
    /// as a fault of the server.
    #[test]
    fn discord_api_docs_1472() {
        assert!(keeps_session(&Rig::online(GATEWAY).invalid(true)));
    }

    /// discord/discord-api-docs#7571: three weeks of failing resumes, for the closes carried 1000.
    #[test]
    fn discord_api_docs_7571() {
        assert!(keeps_session(&Rig::online(GATEWAY).stop(true)));
        assert_eq!(closed(&Rig::online(GATEWAY).stop(false)), Some(Some(1000)));
    }

    /// buape/carbon 0.16.0: on sockets that can only close, a reconnect request closed with 1000.
    #[test]
    fn carbon_0_16_close_code() {
        let actions = Rig::online(GATEWAY).please_reconnect();
        assert_eq!(closed(&actions), Some(Some(4000)), "one that browsers can send");
    }

    /// buape/carbon 0.16.0: after a disconnect with 1000 it resumed the session that this had ended.
    #[test]
    fn carbon_0_16_dead_session() {
        let mut rig = Rig::online(GATEWAY);
        assert_eq!(dropped(&rig.stop(false)), Some(DropReason::Stop));
        rig.start();
        rig.opened();
        assert!(sent_fresh(&rig.greet(Some(secs(45)))));
    }

    /// bwmarrin/discordgo: dead connections were closed with 1000, so no session survived one.
    #[test]
    fn discordgo_zombie_close() {
        let mut rig = Rig::online(GATEWAY);
        assert!(keeps_session(&rig.advance(secs(90))));
        assert!(sent_resume(&greeted(&mut rig)));
    }

    /// twilight-rs/twilight#1942: a resume address that was dead was dialled for ever.
    #[test]
    fn twilight_1942() {
        let mut rig = Rig::started(GATEWAY);
        rig.opened();
        rig.greet(Some(secs(45)));
        rig.ready_as(Some("token"), Some("wss://dead"), Some(1));
        rig.lose();
        rig.redial();
        rig.fail(REFUSED);
        assert_eq!(open(&rig.advance(secs(2))), Some((Mode::Resume, Endpoint::Base, 2)));
    }

    /// tatsuworks/gateway#87: 41 shards hung on a dead resume host; a count of failures alone would have thrown away
    /// sessions in a short blip.
    #[test]
    fn tatsu_gateway_87() {
        let config = GATEWAY.with_resume(ResumeConfig::new().with_endpoint_fallback(3, secs(180)));
        let mut rig = Rig::started(config);
        rig.opened();
        rig.greet(Some(secs(45)));
        rig.ready_as(Some("token"), Some("wss://dead"), Some(1));
        rig.lose();
        let mut dials = Vec::new();
        for _ in 0..15 {
            dials.push(open(&rig.advance(rig.waits())).expect("a dial").1);
            rig.fail(REFUSED);
        }
        assert!(dials[..5].iter().all(|endpoint| *endpoint == Endpoint::Session), "a blip of seven seconds");
        assert_eq!(dials.last(), Some(&Endpoint::Base));
        assert_eq!(rig.policy.session().token(), Some(&"token"));
    }

    /// twilight-rs/twilight#1973: the resume was sent before the greeting.
    #[test]
    fn twilight_1973() {
        let mut rig = Rig::online(GATEWAY);
        rig.lose();
        rig.redial();
        assert!(rig.opened().is_empty());
    }

    /// serenity-rs/serenity#1255: a failed resume was ignored, and the shard died later.
    #[test]
    fn serenity_1255() {
        let mut rig = Rig::online(GATEWAY);
        rig.lose();
        greeted(&mut rig);
        assert_eq!(dropped(&rig.invalid(false)), Some(DropReason::Invalid));
        assert!(sent_fresh(&greeted(&mut rig)));
    }

    /// discordjs/discord.js#9548: the first dial of a process with a stored session waited for "ready" alone, and
    /// "resumed" never counted.
    #[test]
    fn discord_js_9548() {
        let mut rig = Rig::online(GATEWAY);
        rig.stop(true);
        let mut next = Rig::importing(GATEWAY, rig.policy.session().clone());
        next.start();
        next.opened();
        next.greet(Some(secs(45)));
        next.resumed();
        assert_eq!(next.phase(), Phase::Online);
    }

    /// bwmarrin/discordgo#1502: a session could not be carried to another process.
    #[test]
    fn discordgo_1502() {
        let mut rig = Rig::online(GATEWAY);
        rig.sequence(9);
        let session = rig.policy.session().clone();
        assert_eq!((session.token(), session.sequence()), (Some(&"token"), Some(9)));
    }

    /// folio-pro/kdashboard#59: after "gone" the same position was sent again and again.
    #[test]
    fn kdashboard_59() {
        let mut rig = Rig::online(GATEWAY);
        rig.sequence(70);
        rig.lose();
        greeted(&mut rig);
        rig.invalid(false);
        assert_eq!(rig.policy.session().sequence(), None);
    }

    /// headlamp#7337: a rejected cursor survived the answer that rejected it.
    #[test]
    fn headlamp_7337() {
        let mut rig = Rig::online(GATEWAY);
        rig.sequence(70);
        assert_eq!(dropped(&rig.code(4007)), Some(DropReason::Gone));
        assert!(sent_fresh(&greeted(&mut rig)));
        rig.ready_as(Some("new"), None, Some(1));
        assert_eq!(rig.policy.session().sequence(), Some(1));
    }

    /// OctoPrint-DiscordRemote#10: closed 55 s after every start: a thousand fresh starts in fifteen hours, and the
    /// token was reset.
    #[test]
    fn octoprint_discordremote_10() {
        let mut rig = Rig::started(redial::presets::DISCORD_GATEWAY);
        let end = rig.now.saturating_add(secs(86_400));
        let mut fresh = 0;
        while rig.now < end {
            rig.acks = true;
            rig.opened();
            fresh += u32::from(sent_fresh(&rig.greet(Some(secs(45)))));
            rig.ready();
            rig.advance(secs(55));
            rig.code(4009);
            rig.redial();
        }
        assert!(fresh < 500, "{fresh} in a day");
    }

    /// openclaw/openclaw#608: an open socket without a greeting waited for ever.
    #[test]
    fn openclaw_608() {
        let mut rig = Rig::started(GATEWAY);
        rig.opened();
        assert_eq!(rig.due(), Some((secs(30), Reason::GreetingTimeout)));
    }

    /// discordjs/discord.js#8486: nothing bounded the wait for the answer to a resume.
    #[test]
    fn discord_js_8486() {
        let mut rig = Rig::online(valid(GATEWAY.with_ready_timeout(Some(secs(15)))));
        rig.lose();
        greeted(&mut rig);
        assert_eq!(rig.due(), Some((secs(15), Reason::ReadyTimeout)));
        rig.advance(secs(15));
        assert_eq!(rig.phase(), Phase::Waiting);
    }

    /// hapijs/nes#133: a server that accepts and says nothing held the client for good.
    #[test]
    fn nes_133() {
        let mut rig = Rig::started(PLAIN);
        rig.opened();
        assert_eq!(rig.due(), Some((secs(10), Reason::ReadyTimeout)), "without a heartbeat too");
    }

    /// disgord#390: a dial that never ended blocked the shard.
    #[test]
    fn disgord_390() {
        let mut rig = Rig::started(GATEWAY);
        rig.advance(secs(10));
        assert_eq!(rig.told().last_cause, Some(Cause::ConnectTimeout));
    }

    /// twilight-rs/twilight#2435: on a dead connection it waited for the answer to its close and died silently.
    #[test]
    fn twilight_2435() {
        let mut rig = Rig::online(GATEWAY);
        let old = rig.epoch();
        rig.advance(secs(90));
        assert_eq!(rig.phase(), Phase::Waiting);
        rig.redial();
        assert!(rig.fact(Event::Closed { epoch: old, cause: Cause::CloseFrame(4000) }).is_empty());
    }

    /// discordjs/discord.js#10174: the same wait for a close event that never came.
    #[test]
    fn discord_js_10174() {
        let mut rig = Rig::online(GATEWAY);
        rig.please_reconnect();
        assert_eq!(rig.recover(), secs(1));
    }
}

/// Heartbeats, sleep and the network.
mod liveness {
    use redial::{Cause, Event, HeartbeatConfig, OnNetworkDown, Phase};

    use super::rig::*;

    /// buape/carbon#353: the unanswered beat of the last connection made a zombie of every new one.
    #[test]
    fn carbon_353() {
        let mut rig = Rig::online(GATEWAY);
        for _ in 0..10 {
            assert_eq!(beats(&rig.advance(secs(45))), 1);
            rig.lose();
            rig.recover();
        }
        assert_eq!(rig.policy.stats().zombies, 0);
    }

    /// buape/carbon bc092ea: the first beat came at once instead of somewhere in the first interval, and a requested
    /// one was not sent.
    #[test]
    fn carbon_bc092ea() {
        let jittered = GATEWAY.with_heartbeat(HeartbeatConfig::new());
        let mut firsts: Vec<_> = (0..50)
            .map(|seed| {
                let mut rig = Rig::seeded(jittered, seed);
                rig.start();
                rig.establish();
                rig.due().expect("a beat").0
            })
            .collect();
        firsts.sort();
        firsts.dedup();
        assert!(firsts.len() > 45);
        let mut rig = Rig::online(GATEWAY);
        let epoch = rig.epoch();
        assert_eq!(beats(&rig.fact(Event::BeatRequested { epoch })), 1);
    }

    /// buape/carbon 0.16.0: a beat that the server asked for, just before the regular one, made a false zombie.
    #[test]
    fn carbon_0_16_requested_beat() {
        let mut rig = Rig::online(GATEWAY);
        rig.advance(ms(44_990));
        let epoch = rig.epoch();
        rig.fact(Event::BeatRequested { epoch });
        assert_eq!(beats(&rig.advance(ms(10))), 1);
        assert_eq!(rig.phase(), Phase::Online);
    }

    /// twilight-rs/twilight#1974: the heartbeat timer of the old connection beat on the new one.
    #[test]
    fn twilight_1974() {
        let mut rig = Rig::online(GATEWAY);
        rig.advance(secs(44));
        rig.lose();
        rig.recover();
        assert_eq!(beats(&rig.advance(secs(44))), 0);
        assert_eq!(beats(&rig.advance(secs(1))), 1);
    }

    /// discordjs/discord.js#9244: beats went on after the connection was gone.
    #[test]
    fn discord_js_9244() {
        let mut rig =
            Rig::online(GATEWAY.with_backoff(redial::valid(redial::BackoffConfig::constant(secs(600)))));
        rig.lose();
        assert_eq!(beats(&rig.advance(secs(599))), 0);
    }

    /// ZenHive/zen_websocket 0.4.2: missed beats were counted and nothing acted on them.
    #[test]
    fn zen_websocket_missed_beats() {
        let mut rig = Rig::online(GATEWAY);
        rig.advance(secs(90));
        assert_eq!((rig.phase(), rig.policy.stats().zombies), (Phase::Waiting, 1));
    }

    /// playcanvas/vscode-extension#322: after a sleep the socket still said "open".
    #[test]
    fn playcanvas_322() {
        let mut rig = Rig::online(PLAIN);
        assert!(keeps_session(&rig.fact(Event::Woke { gap: secs(10) })));
    }

    /// superset-sh/superset#5135: a gap of the wall clock was the only sign of a sleep, and nobody looked at it.
    #[test]
    fn superset_5135() {
        let mut rig = Rig::online(GATEWAY);
        rig.acks = true;
        rig.now = rig.now.saturating_add(secs(3_600));
        assert_eq!(beats(&rig.tick()), 0);
        assert_eq!(rig.told().last_cause, Some(Cause::LateBeat));
    }

    /// wireapp/wire-webapp#21477: an open state was trusted after the wake.
    #[test]
    fn wire_webapp_21477() {
        let mut rig = Rig::online(GATEWAY);
        rig.fact(Event::Woke { gap: secs(3_600) });
        assert_eq!((rig.phase(), rig.waits()), (Phase::Waiting, secs(1)));
    }

    /// oxidezap/whatsapp-rust#1376: a jump of the wall clock killed a healthy socket.
    #[test]
    fn whatsapp_rust_1376() {
        let mut rig = Rig::online(GATEWAY);
        rig.now = redial::Instant::from_millis(7);
        assert!(rig.tick().is_empty());
        assert_eq!(rig.phase(), Phase::Online);
        assert_eq!(beats(&rig.advance(secs(45))), 1, "and the heartbeat goes on");
    }

    /// PocketShell-io/pocketshell#1522: each flap of the network dialled at once.
    #[test]
    fn pocketshell_1522() {
        let mut rig = Rig::online(GATEWAY.with_network(OnNetworkDown::Drop, secs(0)));
        for _ in 0..20 {
            rig.fact(Event::NetworkDown);
            rig.fact(Event::NetworkUp);
            rig.advance(ms(100));
        }
        assert!(rig.opens() <= 3, "{} dials in 2 s", rig.opens());
    }

    /// centrifugal/centrifuge-js#227: offline during a dial left the attempt running.
    #[test]
    fn centrifuge_js_227() {
        let mut rig = Rig::started(PLAIN);
        assert_eq!(closed(&rig.fact(Event::NetworkDown)), Some(None));
        assert_eq!(rig.phase(), Phase::Parked);
    }
}

/// What is final, what is not, and credentials.
mod verdicts {
    use redial::{
        Cause, Class, Classifier, GiveUp, Match, Reason, RefreshOn, Rule, TlsKind, Verdict, tables, valid,
    };
    use redial::{Event, Mode, Phase};

    use super::rig::*;

    /// fabric8#7933: an untrusted certificate was retried for nineteen seconds instead of failing at once.
    #[test]
    fn fabric8_7933() {
        let cause = Cause::Tls(TlsKind::UnknownIssuer);
        assert_eq!(gave_up(&Rig::started(PLAIN).fail(cause)), Some((GiveUp::Fatal, cause)));
    }

    /// firezone/firezone#9944: a certificate for another name was retried for ever.
    #[test]
    fn firezone_9944() {
        let cause = Cause::Tls(TlsKind::NameMismatch);
        assert_eq!(gave_up(&Rig::started(PLAIN).fail(cause)), Some((GiveUp::Fatal, cause)));
    }

    /// bwmarrin/discordgo#1544: a rejected token was sent again for ever.
    #[test]
    fn discordgo_1544() {
        let mut rig = Rig::started(GATEWAY);
        rig.opened();
        assert_eq!(gave_up(&rig.code(4004)), Some((GiveUp::Fatal, Cause::CloseFrame(4004))));
    }

    /// buape/carbon 0.8.0: 4010, an invalid shard, was missing from the fatal codes and retried.
    #[test]
    fn carbon_0_8_4010() {
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            assert!(gave_up(&Rig::online(GATEWAY).code(code)).is_some(), "{code}");
        }
    }

    /// BasedHardware/omi#7632: a stale token closed with 1008 and was retried every 15 s: 5,760 attempts a day and user.
    #[test]
    fn omi_7632() {
        let mut rig = Rig::started(PLAIN);
        let mut attempts = 0;
        loop {
            attempts += 1;
            rig.opened();
            if gave_up(&rig.code(1008)).is_some() {
                break;
            }
            rig.redial();
        }
        assert_eq!(attempts, 10);
    }

    /// BasedHardware/omi#5695: "out of credits" stopped the reconnect and nobody told the recorder.
    #[test]
    fn omi_5695() {
        let stop = Rule::new(Match::Is(Cause::CloseFrame(4002)), Verdict::new(Class::Fatal));
        let config = PLAIN.with_classifier(valid(Classifier::new(&tables::WEBSOCKET).with_override(stop)));
        assert_eq!(gave_up(&Rig::online(config).code(4002)), Some((GiveUp::Fatal, Cause::CloseFrame(4002))));
    }

    /// BasedHardware/omi#5520: a fixed 15 s for everybody: each deployment was a thundering herd.
    #[test]
    fn omi_5520() {
        let mut waits: Vec<_> = (0..100)
            .map(|seed| {
                let mut rig = Rig::seeded(PLAIN, seed);
                rig.start();
                rig.establish();
                rig.code(1012);
                rig.waits()
            })
            .collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 90 && waits[0] >= secs(5));
    }

    /// socketio/socket.io-client#1263: an upgrade that was refused for good was retried.
    #[test]
    fn socket_io_client_1263() {
        let mut rig = Rig::started(PLAIN.with_credential(RefreshOn::Never));
        assert_eq!(gave_up(&rig.refuse(401, None)), Some((GiveUp::Auth, Cause::Http(401))));
    }

    /// nautilus_trader#4867: all refusals of an upgrade were one error, so none could be told from another.
    #[test]
    fn nautilus_4867() {
        let told: Vec<_> = [400, 429, 503]
            .into_iter()
            .map(|status| {
                let mut rig = Rig::started(PLAIN);
                rig.refuse(status, None);
                (rig.phase(), rig.told().waiting_for)
            })
            .collect();
        assert_eq!(
            told,
            [
                (Phase::Failed, None),
                (Phase::Waiting, Some(Reason::Class)),
                (Phase::Waiting, Some(Reason::Backoff))
            ]
        );
    }

    /// rapidpro#6836: 4401 means "try again" to clients of Centrifugo, where 4500 means "do not".
    #[test]
    fn rapidpro_6836() {
        let config = PLAIN.with_classifier(Classifier::new(&tables::CENTRIFUGE));
        assert_eq!(gave_up(&Rig::online(config).code(4401)), None);
        assert!(gave_up(&Rig::online(config).code(4500)).is_some());
    }

    /// tinyhumansai/openhuman#2892: the same dead token was sent with every reconnect, 237 times.
    #[test]
    fn openhuman_2892() {
        let mut rig = Rig::online(PLAIN);
        for _ in 0..20 {
            let mut actions = rig.close(Cause::AuthRejected);
            if rig.phase() == Phase::Waiting {
                actions.extend(rig.advance(rig.waits()));
            }
            assert_eq!((refreshes(&actions), opens(&actions)), (1, 0), "no dial without a new one");
            rig.fact(Event::CredentialOk { request: None });
            rig.opened();
        }
    }

    /// streamlabs/desktop#6203: reconnects went on with an expired token.
    #[test]
    fn streamlabs_6203() {
        let mut rig = Rig::online(PLAIN);
        assert_eq!(refreshes(&rig.code(3000)), 1);
        assert!(rig.advance(secs(3_600)).is_empty(), "not before the answer");
    }

    /// supabase/supabase-js#2613: the dial after a wake went round the refresh of the token.
    #[test]
    fn supabase_js_2613() {
        let mut rig = Rig::failed_times(PLAIN.with_credential(RefreshOn::Dial), 0);
        rig.fact(Event::CredentialOk { request: None });
        rig.establish();
        rig.lose();
        rig.advance(ms(500));
        let mut actions = rig.fact(Event::Woke { gap: secs(3_600) });
        actions.extend(rig.advance(secs(1)));
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0));
    }

    /// enisdenjo/graphql-ws#558: 4401 was final where a new token would have helped.
    #[test]
    fn graphql_ws_558() {
        let renew = Rule::new(Match::Is(Cause::CloseFrame(4401)), Verdict::new(Class::Auth));
        let classifier = valid(Classifier::new(&tables::GRAPHQL_WS).with_override(renew));
        let mut rig = Rig::online(PLAIN.with_classifier(classifier));
        assert_eq!(refreshes(&rig.code(4401)), 1);
        assert_eq!(
            open(&rig.fact(Event::CredentialOk { request: None })).map(|open| open.0),
            Some(Mode::Resume)
        );
    }
}

/// Subscriptions after a reconnect.
mod restoring {
    use redial::{Config, Event, Phase, RestoreConfig, ResumeConfig, valid};

    use super::rig::*;

    const FRESH: Config = PLAIN.with_resume(ResumeConfig::disabled());

    /// block/buzz#3053: eighty subscriptions in one burst met a limit of fifty in 5 s, and half were closed.
    #[test]
    fn buzz_3053() {
        let restore = valid(RestoreConfig::new().with_batches(5, secs(5)));
        let mut rig = Rig::started(FRESH.with_restore(restore));
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"] {
            rig.subscribe(key);
        }
        rig.establish();
        let mut batches = vec![rig.batch().len()];
        while rig.phase() == Phase::Restoring {
            assert!(rig.advance(ms(4_999)).is_empty());
            rig.advance(ms(1));
            batches.push(rig.batch().len());
        }
        assert_eq!(batches, [5, 5, 2]);
    }

    /// trevarj/motd#76: all channels were joined at once after a reconnect, and the server disconnected the flood.
    #[test]
    fn motd_76() {
        let restore = valid(RestoreConfig::new().with_batches(1, secs(2)));
        let mut rig = Rig::started(FRESH.with_restore(restore));
        for key in ["a", "b", "c"] {
            rig.subscribe(key);
        }
        assert_eq!(restores(&rig.establish()), 1);
        assert_eq!(restores(&rig.advance(secs(10))), 2);
    }

    /// ZenHive/zen_websocket 0.4.2: one data frame put an unsubscribed channel back into the set.
    #[test]
    fn zen_websocket_resubscribed() {
        let mut rig = Rig::started(FRESH);
        rig.subscribe("a");
        rig.subscribe("b");
        rig.establish();
        rig.fact(Event::Unsubscribe { key: "a" });
        let epoch = rig.epoch();
        rig.fact(Event::Received { epoch });
        rig.fact(Event::SubscriptionConfirmed { epoch, key: "a" });
        rig.lose();
        rig.recover();
        assert_eq!(rig.batch(), ["b"]);
    }

    /// ZenHive/zen_websocket 0.7.1: subscriptions were restored although the authentication had failed.
    #[test]
    fn zen_websocket_unauthenticated() {
        let mut rig = Rig::started(FRESH.with_restore(RestoreConfig::new().with_authentication(true)));
        rig.subscribe("a");
        rig.opened();
        rig.ready();
        let epoch = rig.epoch();
        assert_eq!(restores(&rig.fact(Event::AuthFailed { epoch, fatal: false })), 0);
    }

    /// bytebeamio/rumqtt#250: after a reconnect nothing was subscribed any more.
    #[test]
    fn rumqtt_250() {
        let mut rig = Rig::started(FRESH);
        rig.subscribe("a");
        rig.establish();
        for _ in 0..3 {
            rig.lose();
            rig.recover();
            assert_eq!(rig.batch(), ["a"]);
        }
    }
}

/// Breakers.
mod breaker {
    use redial::{BreakerConfig, BreakerState, CircuitBreaker, Instant, Permit, Ratio, SplitMix64, valid};

    use super::rig::secs;

    const CONFIG: BreakerConfig = valid(BreakerConfig::new(3, secs(60)));

    fn at(secs: u64) -> Instant {
        Instant::from_millis(secs * 1_000)
    }

    fn acquire(breaker: &mut CircuitBreaker, config: &BreakerConfig, secs: u64) -> Option<Permit> {
        breaker.try_acquire(config, at(secs), &mut SplitMix64::new(1)).ok()
    }

    /// Open since 0 s, and so half-open from 60 s on.
    fn tripped(config: &BreakerConfig) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::new();
        for _ in 0..3 {
            let permit = acquire(&mut breaker, config, 0).expect("closed");
            breaker.failure(config, at(0), permit, &mut SplitMix64::new(1));
        }
        breaker
    }

    fn is_closed(breaker: &CircuitBreaker, secs: u64) -> bool {
        matches!(breaker.state(at(secs)), BreakerState::Closed { .. })
    }

    /// joshrotenberg/tower-resilience#382: half-open let everybody through.
    #[test]
    fn tower_resilience_382() {
        let mut breaker = tripped(&CONFIG);
        assert_eq!((0..1_000).filter(|_| acquire(&mut breaker, &CONFIG, 60).is_some()).count(), 1);
    }

    /// dmexe/failsafe-rs 1.3.0: the same, a thousand of a thousand.
    #[test]
    fn failsafe_1_3_0() {
        let four = valid(CONFIG.with_probes(4));
        let mut breaker = tripped(&four);
        assert_eq!((0..1_000).filter(|_| acquire(&mut breaker, &four, 60).is_some()).count(), 4);
    }

    /// getnora-io/nora#585: a probe that never reported kept it half-open for ever.
    #[test]
    fn nora_585() {
        let leased = valid(CONFIG.with_lease(secs(30)));
        let mut breaker = tripped(&leased);
        assert!(acquire(&mut breaker, &leased, 60).is_some());
        let again = (61..600).any(|secs| acquire(&mut breaker, &leased, secs).is_some());
        assert!(again, "the lost probe's lease has ended");
    }

    /// getnora-io/nora#667: a stale probe's success closed the breaker over a newer probe.
    #[test]
    fn nora_667() {
        let leased = valid(CONFIG.with_lease(secs(30)));
        let mut breaker = tripped(&leased);
        let stale = acquire(&mut breaker, &leased, 60).expect("a probe");
        let newer =
            (61..600).find(|secs| acquire(&mut breaker, &leased, *secs).is_some()).expect("a newer probe");
        breaker.success(&leased, at(newer), stale);
        assert!(!is_closed(&breaker, newer));
    }

    /// App-vNext/Polly#217: a result from before the trip decided the half-open breaker.
    #[test]
    fn polly_217() {
        let mut breaker = CircuitBreaker::new();
        let slow = acquire(&mut breaker, &CONFIG, 0).expect("closed");
        for _ in 0..3 {
            let permit = acquire(&mut breaker, &CONFIG, 0).expect("closed");
            breaker.failure(&CONFIG, at(0), permit, &mut SplitMix64::new(1));
        }
        assert!(acquire(&mut breaker, &CONFIG, 60).is_some());
        breaker.success(&CONFIG, at(61), slow);
        assert!(!is_closed(&breaker, 61));
    }

    /// resilience4j/resilience4j#935: permits that never came back wedged the half-open state.
    #[test]
    fn resilience4j_935() {
        let mut breaker = tripped(&CONFIG);
        let permit = acquire(&mut breaker, &CONFIG, 60).expect("a probe");
        breaker.release(permit);
        assert!(acquire(&mut breaker, &CONFIG, 60).is_some(), "a released permit is free at once");
    }

    /// failsafe-lib/failsafe#70: breakers that opened together probed together.
    #[test]
    fn failsafe_70() {
        let spread = valid(CONFIG.with_jitter(Ratio::ONE));
        let mut times: Vec<_> = (0..50)
            .map(|seed| {
                let (mut breaker, mut rng) = (CircuitBreaker::new(), SplitMix64::new(seed));
                for _ in 0..3 {
                    let permit = breaker.try_acquire(&spread, at(0), &mut rng).expect("closed");
                    breaker.failure(&spread, at(0), permit, &mut rng);
                }
                breaker.poll_timeout().expect("an end")
            })
            .collect();
        times.sort();
        times.dedup();
        assert!(times.len() > 45 && times[0] >= at(60));
    }

    /// reliakit-circuit 1.1.0: to ask whether a call was allowed started the probe.
    #[test]
    fn reliakit_1_1_0() {
        let breaker = tripped(&CONFIG);
        let before = breaker.clone();
        assert!((0..100).all(|_| breaker.check(&CONFIG, at(60)).is_ok()));
        assert_eq!(breaker, before);
    }

    /// lerouxrgd/recloser 1.4.0: a success could open it.
    #[test]
    fn recloser_1_4_0() {
        let mut breaker = CircuitBreaker::new();
        for _ in 0..2 {
            let permit = acquire(&mut breaker, &CONFIG, 0).expect("closed");
            breaker.failure(&CONFIG, at(0), permit, &mut SplitMix64::new(1));
        }
        for _ in 0..1_000 {
            let permit = acquire(&mut breaker, &CONFIG, 0).expect("closed");
            breaker.success(&CONFIG, at(0), permit);
            assert!(is_closed(&breaker, 0));
        }
    }
}
