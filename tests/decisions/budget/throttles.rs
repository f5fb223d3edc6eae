//! Both throttles.

use super::*;

// ---- Throttles ---------------------------------------------------------------------------------------------------

const A6: ThrottleConfig = ThrottleConfig::new(10, ratio(1, 10)).build_const();

/// gRPC A6: of 10 tokens, five failures stop the retries; one success brings them back.
#[test]
fn a6_half_of_the_tokens() {
    let mut throttle = Throttle::new(&A6);
    for tokens in [9, 8, 7, 6] {
        throttle.failure();
        assert_eq!(throttle.millitokens(), tokens * 1_000);
        assert!(throttle.permits(&A6));
    }
    throttle.failure();
    assert!(!throttle.permits(&A6), "exactly half is not more than half");
    throttle.success(&A6);
    assert_eq!(throttle.millitokens(), 5_100);
    assert!(throttle.permits(&A6));
}

/// gRPC A6: never below 0, never above the maximum.
#[test]
fn a6_floor_and_cap() {
    let mut throttle = Throttle::new(&A6);
    throttle.success(&A6);
    assert_eq!(throttle.millitokens(), 10_000);
    for _ in 0..100 {
        throttle.failure();
    }
    assert_eq!(throttle.millitokens(), 0);
    let successes = (1..).find(|_| {
        throttle.success(&A6);
        throttle.permits(&A6)
    });
    assert_eq!(successes, Some(51));
}

/// gRPC A6: the ratio has three decimals: 0.5466 is 0.546. Odd maxima have a half, too.
#[test]
fn a6_three_decimals() {
    let config = ThrottleConfig::new(3, valid_ratio("0.5466")).build_const();
    let mut throttle = Throttle::new(&config);
    throttle.failure();
    assert!(throttle.permits(&config), "2 of 3");
    throttle.failure();
    assert!(!throttle.permits(&config), "1 of 3");
    throttle.success(&config);
    assert_eq!(throttle.millitokens(), 1_546);
    assert!(throttle.permits(&config), "more than 1.5");
}

/// Report 93: a connection that shares its throttle with nobody, under a server that is down for a day, is dialled at least
/// once in each cap of its backoff, and no sooner than that while the tokens are used up.
#[test]
fn report_93_a_lone_connection_is_never_silenced_by_a_throttle() {
    let (mut throttle, cap) = (Throttle::new(&A6), secs(30));
    let (mut dialled, mut gaps) = (0, Vec::new());
    for second in 1..DAY {
        let waited = secs(second - dialled);
        if throttle.permits_after(&A6, waited, cap) {
            throttle.failure();
            gaps.push(second - dialled);
            dialled = second;
        }
        assert_eq!(throttle.permits_after(&A6, Duration::ZERO, cap), throttle.permits(&A6), "{second}");
    }
    assert_eq!(gaps[..5], [1; 5], "until the tokens are used up");
    assert!(gaps[5..].iter().all(|gap| *gap == 30) && gaps.len() as u64 == 5 + (DAY - 6) / 30, "{gaps:?}");
    assert!(!throttle.permits(&A6), "a call would not be retried");
    assert!(throttle.permits_after(&A6, Duration::ZERO, Duration::ZERO));
    assert!(throttle.permits_after(&A6, Duration::MAX, Duration::MAX));
    assert!(!throttle.permits_after(&A6, Duration::MAX - Duration::from_nanos(1), Duration::MAX));
}

/// Report 93, for the adaptive throttle: chance alone lets a lone connection through, many times a day.
#[test]
fn report_93_a_lone_connection_is_never_silenced_by_an_adaptive_throttle() {
    for seed in 0..20 {
        let (mut throttle, mut rng) = (AdaptiveThrottle::new(), SplitMix64::new(seed));
        let (mut dials, mut last) = (0, 0);
        for second in 0..DAY {
            if throttle.admit(&SRE, at(second), &mut rng) {
                (dials, last) = (dials + 1, second);
            }
            assert!(second - last < 3_600, "seed {seed}: silent from {last} on");
        }
        // One in 121 to 133: the window holds two minutes and up to a tenth more.
        assert!((500..900).contains(&dials), "seed {seed}: {dials}");
    }
}

fn valid_ratio(text: &str) -> Ratio {
    text.parse().expect("a ratio")
}

#[test]
fn a_throttle_that_could_misbehave_cannot_be_built() {
    assert_eq!(ThrottleConfig::new(0, Ratio::ONE).build(), Err(ConfigError::ThrottleTokens));
    assert_eq!(ThrottleConfig::new(1_001, Ratio::ONE).build(), Err(ConfigError::ThrottleTokens));
    assert!(ThrottleConfig::new(1_000, Ratio::ONE).build().is_ok());
    for ratio in [Ratio::ZERO, valid_ratio("0.0009"), ratio(11, 1), ratio(u32::MAX, 1)] {
        assert_eq!(ThrottleConfig::new(10, ratio).build(), Err(ConfigError::ShareRange), "{ratio}");
    }
    const ADAPTIVE: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;
    assert_eq!(ADAPTIVE.to_builder().window(Duration::ZERO).build(), Err(ConfigError::WindowZero));
    assert_eq!(ADAPTIVE.to_builder().multiplier(ratio(1, 2)).build(), Err(ConfigError::FactorBelowOne));
}

const SRE: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;

/// A generator that always draws the same.
#[derive(Clone)]
struct Always(u32);

impl TryRng for Always {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.0) << 32)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("not used")
    }
}

fn seen(config: &AdaptiveThrottleConfig, requests: u32, accepts: u32) -> AdaptiveThrottle {
    let mut throttle = AdaptiveThrottle::new();
    for _ in 0..requests {
        _ = throttle.admit(config, at(0), &mut Always(0));
    }
    for _ in 0..accepts {
        throttle.accepted(config, at(0));
    }
    throttle
}

/// SRE book: the probability for each vector, exact to one draw of 2^32. It refuses every draw below
/// p × 2^32 and admits every other.
#[test]
fn sre_probabilities() {
    for (requests, accepts, excess) in
        [(0, 0, 0_u64), (100, 50, 0), (100, 49, 2), (100, 25, 50), (100, 10, 80), (100, 0, 100), (100, 60, 0)]
    {
        let mut throttle = seen(&SRE, requests, accepts);
        let threshold = (excess << 32).div_ceil(101) as u32;
        let admits = |draw: u32| throttle.clone().admit(&SRE, at(0), &mut Always(draw));
        assert!(admits(threshold), "{requests}, {accepts}");
        assert!(threshold == 0 || !admits(threshold - 1), "{requests}, {accepts}");
        if excess == 0 {
            let mut rng = SplitMix64::new(1);
            assert!(throttle.admit(&SRE, at(0), &mut rng));
            assert_eq!(rng, SplitMix64::new(1), "no draw while everything passes");
        }
    }
}

/// Lifecycle 93, SRE, go-zero#5011: a request counts when it asks, before anything is sent, and when it is refused.
#[test]
fn lifecycle_93_requests_count_before_they_are_sent() {
    let mut throttle = AdaptiveThrottle::new();
    assert!(throttle.admit(&SRE, at(0), &mut Always(0)), "nothing is known");
    // The first has no answer yet: 1 request, 0 accepts, p = 1/2.
    assert!(!throttle.clone().admit(&SRE, at(0), &mut Always((1 << 31) - 1)));
    assert!(throttle.clone().admit(&SRE, at(0), &mut Always(1 << 31)));
    // Refused, it counts all the same: 2 requests, p = 2/3.
    assert!(!throttle.admit(&SRE, at(0), &mut Always(0)));
    assert!(!throttle.clone().admit(&SRE, at(0), &mut Always((2_u64 << 32).div_ceil(3) as u32 - 1)));
    assert!(throttle.clone().admit(&SRE, at(0), &mut Always((2_u64 << 32).div_ceil(3) as u32)));
}

/// SRE book: counted over two minutes; a server that is down is still asked sometimes, and one that is back is found.
#[test]
fn sre_window_and_recovery() {
    let throttle = seen(&SRE, 100, 0);
    assert!(!throttle.clone().admit(&SRE, at(120), &mut Always(0)));
    assert!(throttle.clone().admit(&SRE, at(132), &mut Always(0)));

    let (mut throttle, mut rng) = (AdaptiveThrottle::new(), SplitMix64::new(3));
    let (mut sent, mut last) = (0, 0);
    for second in 0..1_200 {
        for _ in 0..10 {
            if throttle.admit(&SRE, at(second), &mut rng) {
                (sent, last) = (sent + 1, second);
            }
        }
    }
    assert!((5..200).contains(&sent), "{sent} of 12,000 while it is down");
    assert!(last > 600, "and it goes on asking");
    // The server is back. The more it takes the more is sent: slow at first, then everything.
    let mut passed = |seconds: core::ops::Range<u64>| {
        let asked = seconds.flat_map(|second| [second; 10]);
        asked
            .filter(|second| {
                let admitted = throttle.admit(&SRE, at(*second), &mut rng);
                if admitted {
                    throttle.accepted(&SRE, at(*second));
                }
                admitted
            })
            .count()
    };
    assert!(passed(1_200..1_320) < 600);
    passed(1_320..3_600);
    assert_eq!(passed(3_600..3_720), 1_200);
}

/// The multiplier: a lower one throttles sooner, to the request.
#[test]
fn sre_multiplier() {
    let config = SRE.to_builder().multiplier(ratio(11, 10)).build_const();
    assert!(seen(&config, 11, 10).admit(&config, at(0), &mut Always(0)));
    assert!(!seen(&config, 12, 10).admit(&config, at(0), &mut Always(0)));
}
