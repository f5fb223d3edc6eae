//! The flight recorder: a ring of the last events, and the state before them.

use redial::rand_core::Rng;
use redial::record::{Flight, FlightRecorder, Names};
use redial::subscriptions::FixedSubscriptions;
use redial::{Event, Instant, Policy, SplitMix64, presets};

use crate::draws::us;

type Small = Policy<SplitMix64, u64, FixedSubscriptions<u64, 4>>;

fn policy() -> Small {
    Policy::new(&presets::FEW, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new())
}

fn event(random: &mut SplitMix64) -> Option<Event<u64, u64>> {
    let number = random.next_u64();
    let key = 1 << ((number >> 8) % 40);
    match number % 5 {
        0 => None,
        1 => Some(Event::Subscribe { key, priority: 0 }),
        2 => Some(Event::Unsubscribe { key }),
        3 => Some(Event::Start),
        _ => Some(Event::HostResumed { gap: us(key), counted: false }),
    }
}

/// No step of the above takes more bytes.
const LARGEST: usize = 16;

fn record<const BYTES: usize>() {
    let mut random = SplitMix64::new(BYTES as u64);
    let (mut live, mut recorder) = (policy(), FlightRecorder::<_, BYTES>::new(&policy()));
    let (mut states, mut steps) = (vec![policy()], Vec::new());
    let mut now = 0;
    assert!(recorder.is_empty());
    for number in 0..150 {
        now += random.next_u64() % 5_000;
        let (at, event) = (Instant::from_micros(now), event(&mut random));
        match &event {
            Some(event) if number % 2 == 0 => recorder.event(at, event),
            Some(_) => recorder.step(at, event.as_ref()),
            None => recorder.timeout(at),
        }
        let _actions = match event.clone() {
            Some(event) => live.handle_event(at, event),
            None => live.handle_timeout(at),
        };
        steps.push((at, event));
        states.push(live.clone());

        let (held, gone) = (recorder.len(), usize::try_from(recorder.gone()).expect("few"));
        assert_eq!((held + gone, recorder.is_empty()), (steps.len(), held == 0));
        // What does not fit at the end of the ring, and what the newest step pushed out.
        assert!(gone == 0 || (held + 2) * LARGEST >= BYTES, "{held} of {BYTES} bytes");
        let mut bytes = [0; 1_000];
        let length = recorder.dump(Names::Shown, &mut bytes).expect("space");
        let flight = Flight::decode(&bytes[..length]).expect("a flight");
        assert_eq!(flight.gone(), recorder.gone());
        let told: Vec<_> = flight.steps().map(|step| step.expect("a step")).collect();
        assert_eq!(told, steps[gone..]);
        let began = Small::from_checkpoint(&presets::FEW, flight.checkpoint()).expect("a state");
        assert!(began == states[gone], "after {gone} of {}", steps.len());
    }
    assert!(recorder.gone() > 0);
}

/// S96: whatever it lets go, the state before what is left and the steps that are left are those that were.
#[test]
fn what_is_left_is_the_end_of_what_happened() {
    record::<3>();
    record::<16>();
    record::<17>();
    record::<64>();
    record::<101>();
}

/// What is larger than the whole ring goes to the state at once, and the ring holds what comes after it.
#[test]
fn a_step_that_does_not_fit_leaves_the_ring_usable() {
    let now = Instant::from_micros(5);
    let mut recorder = FlightRecorder::<_, 4>::new(&policy());
    let mut told = 0;
    for _ in 0..3 {
        recorder.event(now, &Event::Subscribe { key: u64::MAX, priority: 0 });
        told += 1;
        assert_eq!((recorder.len(), recorder.gone()), (0, told), "with all that was held before it");
        for held in [1, 2, 2] {
            recorder.timeout(now);
            told += 1;
            assert_eq!((recorder.len(), recorder.gone()), (held, told - held as u64));
        }
    }
}
