//! The configs of the parts that stand beside a policy.

use redial::breaker::{self, CountWindow, Rates, TimeWindow};
use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, RetryBudget, RetryBudgetConfig, StartBudget, StartBudgetConfig,
    Throttle, ThrottleConfig,
};
use redial::endpoints::{EndpointOrder, FixedEndpoints};
use redial::health::{Health, HealthConfig};
use redial::heartbeat::{Heartbeat, HeartbeatConfig, Liveness};
use redial::{CircuitBreaker, ConfigError, Instant, Ratio, SplitMix64, handover};

use super::{Raw, getters, said, stands};

pub fn breakers(raw: &mut Raw<'_>) {
    let rates = |raw: &mut Raw<'_>| -> Result<Rates, ConfigError> {
        let mut builder = Rates::new(raw.ratio()?, raw.u32());
        if raw.flag() {
            builder = builder.slow(raw.duration(), raw.ratio()?);
        }
        let rates = builder.build()?;
        let again = Rates::new(rates.failure().0, rates.failure().1);
        let again = if let Some((longer, share)) = rates.slow() { again.slow(longer, share) } else { again };
        stands(rates, again.build());
        Ok(rates)
    };
    let now = Instant::from_micros(raw.u64());
    let mut rng = SplitMix64::new(7);
    match raw.below(5) {
        0 => match raw.breaker() {
            Ok(config) => {
                stands(config, config.to_builder().build());
                assert!(CircuitBreaker::new().try_acquire(&config, now, &mut rng).is_ok());
            }
            Err(error) => said(error),
        },
        1 => {
            let config = rates(raw)
                .and_then(|rates| breaker::Config::<CountWindow<0>>::by_count(rates, raw.duration()).build());
            assert!(config.is_err(), "a window of nothing");
        }
        2 => match rates(raw)
            .and_then(|rates| breaker::Config::<CountWindow<10>>::by_count(rates, raw.duration()).build())
        {
            Ok(config) => assert!(CircuitBreaker::new().try_acquire(&config, now, &mut rng).is_ok()),
            Err(error) => said(error),
        },
        3 => {
            let config = rates(raw).and_then(|rates| {
                breaker::Config::<TimeWindow<0>>::by_time(rates, raw.duration(), raw.duration()).build()
            });
            assert!(config.is_err(), "a window of nothing");
        }
        _ => {
            let config = rates(raw).and_then(|rates| {
                breaker::Config::<TimeWindow<4>>::by_time(rates, raw.duration(), raw.duration()).build()
            });
            match config {
                Ok(config) => assert!(CircuitBreaker::new().try_acquire(&config, now, &mut rng).is_ok()),
                Err(error) => said(error),
            }
        }
    }
}

pub fn budgets(raw: &mut Raw<'_>) {
    let now = Instant::from_micros(raw.u64());
    match raw.below(4) {
        0 => {
            let builder = StartBudgetConfig::new(raw.u16(), raw.u16(), raw.duration());
            let builder = if raw.flag() { builder.daily(raw.u32(), raw.duration()) } else { builder };
            let config = builder.build();
            if let Ok(config) = &config {
                getters::starts(config);
            }
            match config.and_then(StartBudget::<4, 2>::new) {
                Ok(mut budget) => {
                    let _grant = budget.request(now, raw.u32());
                    assert!(budget.poll_timeout().is_none_or(|at| at >= now));
                }
                Err(error) => said(error),
            }
        }
        1 => {
            let mut builder = RetryBudgetConfig::new().ttl(raw.duration()).reserve(raw.u32());
            if let Ok(share) = raw.ratio() {
                builder = builder.share(share);
            }
            match builder.build() {
                Ok(config) => {
                    getters::retries(&config);
                    let mut budget = RetryBudget::new();
                    budget.deposit(&config, now);
                    let left = budget.balance(&config, now);
                    assert_eq!(budget.withdraw(&config, now).is_ok(), left > 0);
                }
                Err(error) => said(error),
            }
        }
        2 => match raw.ratio().and_then(|ratio| ThrottleConfig::new(raw.u16(), ratio).build()) {
            Ok(config) => {
                getters::throttle(&config);
                assert!(Throttle::new(&config).permits(&config));
            }
            Err(error) => said(error),
        },
        _ => {
            let builder = AdaptiveThrottleConfig::new().window(raw.duration());
            match builder.multiplier(raw.ratio().unwrap_or(Ratio::TWO)).build() {
                Ok(config) => {
                    getters::adaptive(&config);
                    let mut throttle = AdaptiveThrottle::new();
                    assert!(
                        throttle.admit(&config, now, &mut SplitMix64::new(7)),
                        "nothing was rejected yet"
                    );
                    throttle.accepted(&config, now);
                }
                Err(error) => said(error),
            }
        }
    }
}

pub fn others(raw: &mut Raw<'_>) {
    let now = Instant::from_micros(raw.u64());
    match raw.below(9) {
        0 => match handover::Config::new().timeout(raw.duration()).drain(raw.duration()).build() {
            Ok(config) => getters::handover(&config),
            Err(error) => said(error),
        },
        1 => match raw.heartbeat() {
            Ok(config) => {
                getters::heartbeat(&config);
                heartbeat(&config, raw, now);
            }
            Err(error) => said(error),
        },
        2 => match raw.endpoints() {
            Ok(config) => {
                stands(config, config.to_builder().build());
                assert!(matches!(config.order(), EndpointOrder::PrimaryFirst | EndpointOrder::LeastFailed));
                let gap = config.draw_gap(&mut SplitMix64::new(raw.u64()));
                assert!(gap >= config.gap().0 && gap <= config.gap().1);
            }
            Err(error) => said(error),
        },
        3 => {
            let count = raw.u8();
            match FixedEndpoints::<3>::new(count) {
                Ok(endpoints) => assert_eq!((endpoints.count(), (1..=3).contains(&count)), (count, true)),
                Err(error) => {
                    assert!(!(1..=3).contains(&count));
                    said(error);
                }
            }
        }
        4 => match raw.classifier() {
            Ok(config) => stands(config, config.to_builder().build()),
            Err(error) => said(error),
        },
        5 => {
            let mut builder = HealthConfig::new().window(raw.duration()).average_recovery(raw.duration());
            if let Ok(rate) = raw.ratio() {
                builder = builder.failure_rate(rate, raw.u32());
            }
            match builder.build() {
                Ok(config) => {
                    let mut health = Health::new();
                    health.attempt_failed(&config, now);
                    let _report = health.report(&config, now);
                }
                Err(error) => said(error),
            }
        }
        6 => raw.resume().map_or_else(said, |config| stands(config, config.to_builder().build())),
        7 => raw.restore().map_or_else(said, |config| stands(config, config.to_builder().build())),
        _ => raw.credential().map_or_else(said, |config| stands(config, config.to_builder().build())),
    }
}

/// A heartbeat at its deadline, and at what else happens to it.
fn heartbeat(config: &HeartbeatConfig, raw: &mut Raw<'_>, now: Instant) {
    let mut heartbeat = Heartbeat::default();
    heartbeat.start(config, now, raw.duration(), &mut SplitMix64::new(raw.u64()));
    assert_eq!(heartbeat.interval().is_some(), heartbeat.is_running());
    let at = heartbeat.poll_timeout().unwrap_or(now);
    let _tick = heartbeat.handle_timeout(config, at);
    // At the end of time no deadline lies further.
    let ended = at.as_micros() >= u64::MAX - 1;
    assert!(ended || heartbeat.poll_timeout().is_none_or(|next| next > at));
    let running = heartbeat.is_running();
    assert_eq!(heartbeat.probe(at, raw.duration()), running);
    assert_eq!(heartbeat.answer_by().is_some(), running);
    heartbeat.received(config);
    assert!(heartbeat.answer_by().is_none() || config.liveness() == Liveness::Ack);
    let _first = heartbeat.acknowledged();
    assert!(heartbeat.answer_by().is_none());
}
