//! Writes what a flight recorder kept of an outage, for the tests of the page: `dump > incident.bin`.

use std::io::{self, Write};
use std::time::Duration;

use redial::record::{FlightRecorder, Names};
use redial::{Action, Cause, Event, Instant, Policy, SplitMix64, presets};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut policy: Policy<SplitMix64> = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
    let mut recorder = FlightRecorder::<_, 2_048>::new(&policy);
    // Whoever wants to be asked for the set-up leaves it out.
    if std::env::args().len() == 1 {
        recorder = recorder.with_set_up(r#"{"preset": "websocket"}"#);
    }
    let mut now = Instant::from_millis(1_000);
    let mut told = Some(Event::Start);
    for turn in 0..6 {
        let actions = match told.take() {
            Some(event) => {
                recorder.event(now, &event);
                policy.handle_event(now, event)
            }
            None => {
                now = policy.poll_timeout().unwrap_or(now);
                recorder.timeout(now);
                policy.handle_timeout(now)
            }
        };
        for action in actions {
            if let Action::Open { epoch, .. } = action {
                now = now.saturating_add(Duration::from_millis(80));
                told = Some(match turn {
                    0 => Event::Opened { epoch },
                    _ => Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: None },
                });
            }
        }
        if turn == 1 {
            now = now.saturating_add(Duration::from_secs(5));
            told = policy.epoch().map(|epoch| Event::Closed { epoch, cause: Cause::NoCloseFrame });
        }
    }
    let mut bytes = vec![0; 8_192];
    let length = recorder.dump(Names::Shown, &mut bytes)?;
    io::stdout().write_all(&bytes[..length])?;
    Ok(())
}
