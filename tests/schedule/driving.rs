//! The executor of a schedule: it polls the run when it likes, with the waker that it likes, and drops it.

use core::pin::Pin;
use core::time::Duration;

use redial::driver::{CLOSE_TIMEOUT, Driver, Outbox, Outcome, Overflow};
use redial::handover::{self, Decider};
use redial::heartbeat::HeartbeatConfig;
use redial::subscriptions::SubscriptionList;
use redial::testing::{Checked, VirtualClock};
use redial::{BackoffConfig, Config, Policy, Ratio, SplitMix64};

use super::bytes::Bytes;
use super::checks::{Checks, Seen};
use super::server::{Server, Transport};
use super::world::{Flag, World};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const BACKOFF: BackoffConfig = BackoffConfig::exponential(ms(40), Ratio::TWO, ms(320)).build_const();
const HEARTBEATS: HeartbeatConfig =
    HeartbeatConfig::new().first_jitter(false).interval(ms(100)).build_const();
static CONFIGS: [Config; 3] = [
    Config::new(BACKOFF).build_const(),
    Config::new(BACKOFF).heartbeat(HEARTBEATS).connect_timeout(ms(60)).build_const(),
    Config::new(BackoffConfig::constant(ms(2)).build_const())
        .heartbeat(HEARTBEATS)
        .connect_timeout(ms(5))
        .max_attempts(Some(5))
        .network(redial::policy::OnNetworkDown::Drop, Duration::ZERO)
        .build_const(),
];

/// How many steps of a schedule are looked at.
const STEPS: usize = 1_000;
/// More polls than this without a change of time are a loop.
const POLLS: u32 = 10_000;

/// Runs the schedule that the bytes describe, and checks it.
pub(crate) fn run(bytes: &[u8]) -> Seen {
    let bytes = Bytes::new(bytes);
    let clock = VirtualClock::new();
    let config = &CONFIGS[usize::from(bytes.below(3))];
    let server = Server::new(&clock, &bytes);
    let policy = Policy::new(config, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(SubscriptionList::new());
    let handed_over = match bytes.below(3) {
        0 => None,
        1 => Some(handover::Config::DEFAULT),
        _ => Some(handover::Config::new().drain(ms(300)).build_const()),
    };
    match handed_over {
        None => play(policy_driver(Checked::new(policy), &server, &clock), server, clock, bytes, 1),
        Some(config) => {
            let policy = Checked::new(policy.with_handover(config));
            play(policy_driver(policy, &server, &clock), server, clock, bytes, 2)
        }
    }
}

type ScheduleDriver<Q> = Driver<Transport, VirtualClock, Q>;

fn policy_driver<Q>(policy: Q, server: &Server, clock: &VirtualClock) -> ScheduleDriver<Q> {
    Driver::new(policy, server.transport.clone(), clock.clone())
}

fn play<Q>(
    driver: ScheduleDriver<Q>,
    server: Server,
    clock: VirtualClock,
    bytes: Bytes,
    most_alive: usize,
) -> Seen
where
    Q: Decider<Token = u8, Subscriptions = SubscriptionList<u8>>,
{
    let outbox = bytes.pick(&[
        Outbox::new(),
        Outbox::new().with_capacity(2).with_offline_queue(Overflow::Refuse),
        Outbox::new().with_capacity(2).with_offline_queue(Overflow::DropOldest),
        Outbox::new().with_capacity(1).with_offline_queue(Overflow::DropNewest),
    ]);
    let mut driver = driver
        .with_outbox(outbox)
        .with_message_buffer(usize::from(bytes.below(3)) + 1)
        .with_send_timeout(bytes.pick(&[Some(ms(200)), None]));
    let messages = (bytes.below(4) > 0).then(|| driver.messages());
    let checks = Checks::new(most_alive);
    let mut world = World::new(clock, bytes, server, driver.handle(), checks, messages);
    let mut whole = most_alive == 1;
    let drops = world.bytes.below(2) == 1;
    let (mut left, mut runs) = (STEPS, 0);
    // Runs that are dropped or end, one after the other, until the bytes are over.
    loop {
        let mut run = Running { future: Box::pin(driver.run()), flag: Flag::new(), begun: false };
        let end = run.play(&mut world, &mut left, drops);
        if end == End::Over {
            run.stop(&mut world);
        }
        let begun = run.begun;
        drop(run);
        runs += 1;
        world.check();
        assert_eq!(world.server.transport.alive(), 0, "a transport outlived its run");
        if begun {
            world.assert_told();
        }
        whole &= end != End::Dropped;
        if end == End::Over {
            break;
        }
        for _ in 0..world.bytes.below(4) {
            world.act();
        }
    }
    let discarded = driver.discarded();
    drop(driver);
    let mut seen = world.finish(discarded, whole);
    seen.insert("runs", runs);
    seen
}

/// A run that is not over.
struct Running<'a> {
    future: Pin<Box<dyn Future<Output = Outcome> + 'a>>,
    flag: Flag,
    /// It was polled.
    begun: bool,
}

/// How a run comes to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By itself.
    Ended,
    Dropped,
    /// There are no bytes left.
    Over,
}

impl Running<'_> {
    fn poll(&mut self, world: &mut World) -> bool {
        self.begun = true;
        let ended = self.flag.poll(self.future.as_mut()).is_ready();
        world.check();
        ended
    }

    /// As the bytes say.
    fn play(&mut self, world: &mut World, left: &mut usize, drops: bool) -> End {
        while *left > 0 && !world.bytes.is_empty() {
            *left -= 1;
            let polls = match world.bytes.below(32) {
                0..=11 => self.flag.is_raised(),
                // Without a reason.
                12 => true,
                // With another waker.
                13 => {
                    self.flag = Flag::new();
                    true
                }
                14..=17 => {
                    if self.settle(world) {
                        return End::Ended;
                    }
                    false
                }
                // A run that was never polled has done nothing.
                18 if drops && world.bytes.below(4) == 0 => {
                    return if self.begun { End::Dropped } else { End::Ended };
                }
                _ => {
                    world.act();
                    false
                }
            };
            if polls && self.poll(world) {
                return End::Ended;
            }
        }
        End::Over
    }

    /// Polls what is woken until nothing is; then nothing is found by polling what is not. True if the run ended.
    fn settle(&mut self, world: &mut World) -> bool {
        for _ in 0..POLLS {
            if self.flag.is_raised() {
                if self.poll(world) {
                    return true;
                }
            } else if !world.settle() {
                let before = world.server.progress();
                let other = Flag::new();
                if world.bytes.below(2) == 1 {
                    self.flag = other;
                }
                assert!(!self.poll(world), "the run was at its end, and was not woken");
                assert_eq!(world.server.progress(), before, "the run had something to do, and was not woken");
                world.assert_idle();
                return false;
            }
        }
        panic!("a loop at {:?}: {:#?}", world.clock.now(), world.server.transport.log().steps.last());
    }

    /// Stops the run, and lets what is woken go on: it ends before its closes take too long.
    fn stop(&mut self, world: &mut World) {
        world.handle.stop();
        let latest = world.clock.now().saturating_add(CLOSE_TIMEOUT);
        while !self.settle(world) {
            let next = world.clock.next_sleep();
            assert!(next.is_some_and(|at| at <= latest), "a run that was stopped hangs until {next:?}");
            world
                .clock
                .advance(next.map_or(Duration::ZERO, |at| at.saturating_duration_since(world.clock.now())));
        }
    }
}
