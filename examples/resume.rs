//! How a session outlives its connection, and the process: `cargo run --example resume`.
//!
//! Time is a number here, so this runs at once and always says the same; a driver does the same with a clock and a socket.

use std::time::Duration;

use redial::policy::{Endpoint, Snapshot};
use redial::{Action, Actions, Cause, Epoch, Event, Instant, Mode, Policy, SplitMix64, presets};

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

/// The transport that the policy wants to be opened, and how.
fn dialled(actions: Actions) -> (Epoch, Mode, Endpoint) {
    let open = actions.iter().find_map(|action| match action {
        Action::Open { epoch, mode, endpoint, .. } => Some((epoch, mode, endpoint)),
        _ => None,
    });
    open.expect("a dial is due")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The token is a `String` here; a `&'static str`, a `heapless::String<64>` or an index will do as well.
    let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_session_type::<String>();
    let (epoch, ..) = dialled(policy.handle_event(at(0), Event::Start));
    assert_eq!(
        policy.handle_event(at(0), Event::Opened { epoch }).iter().next(),
        Some(Action::Identify { epoch })
    );

    // The server names its session, and numbers what it sends. Tell the policy both.
    let (token, endpoint) = (Some("token-17".to_owned()), Some("wss://eu-3.example".to_owned()));
    let ready = Event::Ready { epoch, token, endpoint, sequence: Some(0), ttl: None };
    assert!(policy.handle_event(at(0), ready).is_empty());
    assert!(policy.handle_event(at(60), Event::Sequence { epoch, sequence: 41 }).is_empty());

    // The connection is lost. The wait is over at `poll_timeout`, and the next dial resumes at the session's own endpoint.
    let lost = Event::Closed { epoch, cause: Cause::NoCloseFrame };
    assert!(policy.handle_event(at(61), lost).is_empty());
    println!("{}", policy.explain());
    let due = policy.poll_timeout().expect("a wait");
    let (epoch, mode, endpoint) = dialled(policy.handle_timeout(due));
    assert_eq!((mode, endpoint), (Mode::Resume, Endpoint::Session));
    assert_eq!(
        policy.handle_event(due, Event::Opened { epoch }).iter().next(),
        Some(Action::Resume { epoch })
    );
    let session = policy.session();
    println!("resume {:?} after {:?} at {:?}", session.token(), session.sequence(), session.endpoint());
    assert!(policy.handle_event(due, Event::Resumed { epoch }).is_empty());

    // The process ends. What it knows goes into a file as bytes, with a key of yours that says whose it is.
    let mut bytes = [0; 512];
    let length = policy.snapshot(due).expect("a session").encode(1, &mut bytes)?;

    // The next one resumes the same session, two seconds later by a clock of its own.
    let snapshot = Snapshot::decode(&bytes[..length], 1)?.try_map(|text| String::from_utf8(text.to_vec()))?;
    let snapshot = snapshot.aged(Duration::from_secs(2));
    let mut next = Policy::new(&presets::RECOMMENDED, SplitMix64::new(8))
        .with_session_type::<String>()
        .with_snapshot(at(0), snapshot);
    let (_, mode, _) = dialled(next.handle_event(at(0), Event::Start));
    println!(
        "the next process dials to {} the session, after {:?}",
        mode.as_str(),
        next.session().sequence()
    );
    Ok(())
}
