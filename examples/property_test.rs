//! Your own client under a property test: `cargo test --example property_test`.
//!
//! `Client` stands for a program of yours that executes what a policy says. Time is a number for a policy, so a thousand outages
//! pass in a moment: the test plays faults in any order and checks after each what must hold.

use redial::{Action, Actions, Cause, Event, Instant, Phase, Policy, SplitMix64, presets};

struct Client {
    policy: Policy<SplitMix64>,
    now: Instant,
    sockets: usize,
}

impl Client {
    fn start(seed: u64) -> Self {
        let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(seed));
        let mut client = Self { policy, now: Instant::ZERO, sockets: 0 };
        client.report(Event::Start);
        client
    }

    fn report(&mut self, event: Event) {
        self.sockets -= usize::from(matches!(event, Event::OpenFailed { .. } | Event::Closed { .. }));
        let actions = self.policy.handle_event(self.now, event);
        self.execute(actions);
    }

    fn wait(&mut self) {
        self.now = self.policy.poll_timeout().unwrap_or(self.now).max(self.now);
        let actions = self.policy.handle_timeout(self.now);
        self.execute(actions);
    }

    fn execute(&mut self, actions: Actions) {
        for action in actions {
            self.sockets += usize::from(matches!(action, Action::Open { .. }));
            self.sockets -= usize::from(matches!(action, Action::Close { .. }));
        }
    }

    /// The next thing that happens: the deadline, good news of the network, or bad.
    fn step(&mut self, bad: Option<bool>) {
        let connecting = self.policy.phase() == Phase::Connecting;
        match (self.policy.epoch(), bad) {
            (None, _) | (_, None) => self.wait(),
            (Some(epoch), Some(false)) if connecting => self.report(Event::Opened { epoch }),
            (Some(epoch), Some(false)) => self.report(Event::Received { epoch }),
            (Some(epoch), Some(true)) if connecting => {
                self.report(Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None });
            }
            (Some(epoch), Some(true)) => self.report(Event::Closed { epoch, cause: Cause::NoCloseFrame }),
        }
    }
}

fn main() {
    let mut client = Client::start(1);
    [None, Some(true), Some(false)].into_iter().cycle().take(99).for_each(|bad| client.step(bad));
    println!("{} after {} ms: {}", client.policy.phase(), client.now.as_millis(), client.policy.explain());
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn one_socket_at_most_and_back_when_the_faults_end(seed: u64, steps: Vec<Option<bool>>) {
        let mut client = Client::start(seed);
        for bad in steps {
            client.step(bad);
            assert!(client.sockets <= 1);
        }
        // A dial under way, a wait, and the dial after it.
        (0..4).for_each(|_| client.step(Some(false)));
        assert_eq!(client.policy.phase(), Phase::Online);
    }
}
