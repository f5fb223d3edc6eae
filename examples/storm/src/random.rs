//! Scenarios that are drawn: the same ones for the same seed, and the first of many are those of fewer.

use std::time::Duration;

use redial::SplitMix64;
use redial::rand_core::Rng;
use redial::sim::{Failure, Scenario};

use crate::scenario::Case;

/// So many scenarios with so many clients each.
///
/// The servers need 10 to 1,000 s for all of them, even on a logarithmic scale. In three of four scenarios they are down before
/// that, for 3 to 900 s, even on the same scale. A dial that no server takes is refused after one round trip, or it is never
/// answered and fails after 1, 5 or 10 s, with equal chances for each of the four; where there is no outage it is refused.
pub(crate) fn cases(count: u32, clients: u32, seed: u64) -> Vec<Case> {
    let mut rng = SplitMix64::new(seed);
    (1..=count)
        .map(|number| {
            // All are drawn, so that each scenario takes as many draws.
            let ideal = log_uniform(&mut rng, 10.0, 1_000.0);
            let outage = log_uniform(&mut rng, 3.0, 900.0);
            let (is_down, answer) = (rng.next_u64() % 4 > 0, rng.next_u64() % 4);
            let outage = if is_down { outage } else { Duration::ZERO };
            let patience = match answer {
                1 if is_down => Some(1),
                2 if is_down => Some(5),
                3 if is_down => Some(10),
                _ => None,
            };
            let per_second = (f64::from(clients) / ideal.as_secs_f64()).round().max(1.0) as u32;
            let mut scenario = Scenario::new(clients, per_second).outage(outage);
            if let Some(patience) = patience {
                scenario = scenario.failure(Failure::Silent).patience(Some(Duration::from_secs(patience)));
            }
            let answer = patience.map_or("refused".to_owned(), |patience| format!("silent {patience} s"));
            let (ideal, outage) = (ideal.as_secs_f64(), outage.as_secs_f64());
            Case {
                name: format!("random-{number}"),
                title: format!("ideal {ideal:.0} s, outage {outage:.0} s, {answer}"),
                scenario,
            }
        })
        .collect()
}

fn log_uniform(rng: &mut SplitMix64, least: f64, most: f64) -> Duration {
    let draw = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    Duration::from_secs_f64(least * (most / least).powf(draw))
}
