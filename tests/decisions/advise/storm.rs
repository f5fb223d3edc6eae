//! A reconnect storm: clients that lost their connections at once, a token bucket that accepts them, and hints for those that it
//! refuses. A run is a function of its [`Storm`] alone.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::BinaryHeap;

use redial::advise::{Book, Config};
use redial::backoff::Delays;
use redial::rand_core::Rng;
use redial::{BackoffConfig, Instant, Jitter, Ratio, SplitMix64};

const SECOND: u64 = 1_000_000;

/// The clients' own waits, where they have no hint or don't heed it.
const OWN: BackoffConfig =
    BackoffConfig::exponential(Duration::from_millis(1_250), Ratio::new_const(3, 1), Duration::from_secs(40))
        .jitter(Jitter::Window(Ratio::new_const(1, 4), Ratio::ONE))
        .build_const();

/// What a server tells its clients.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hints {
    None,
    /// So many tenths of the window of a planned restart, before the loss.
    Window(u64),
    /// The same seconds for each that is refused, which are obeyed exactly.
    Constant(u64),
    /// An appointment for each that is refused, from a book with this overbooking.
    Book(Ratio),
    /// The same from a book that does not end with the backlog.
    Endless(Ratio),
}

/// How a storm begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) clients: u32,
    /// What the server accepts in a second.
    pub(crate) capacity: u32,
    /// What it believes to accept.
    pub(crate) believed: u32,
    /// For how many seconds it answers nobody.
    pub(crate) outage: u64,
    pub(crate) hints: Hints,
    /// How many of ten clients heed a hint.
    pub(crate) heeded_by: u32,
    pub(crate) seed: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Attempts a client.
    pub(crate) attempts: f64,
    /// The time from the end of the outage until 99 of 100 clients were back, against the time in which the server could have
    /// accepted all.
    pub(crate) ratio: f64,
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).expect("short")
}

/// A draw from `[0, span)`.
fn draw(rng: &mut SplitMix64, span: u64) -> u64 {
    u64::try_from((u128::from(rng.next_u64()) * u128::from(span)) >> 64).expect("below the span")
}

/// A token bucket that holds a second's worth.
struct Bucket {
    capacity: u64,
    full_at: u64,
}

impl Bucket {
    fn accepts(&mut self, now: u64) -> bool {
        let full_at = self.full_at.max(now) + SECOND / self.capacity;
        let accepted = full_at <= now + SECOND;
        if accepted {
            self.full_at = full_at;
        }
        accepted
    }
}

/// A server that is up.
struct Server {
    hints: Hints,
    book: Book,
    bucket: Bucket,
    missing: u32,
}

impl Server {
    fn new(storm: &Storm) -> Self {
        let config = Config::new(storm.believed, Duration::from_secs(1));
        let config = match storm.hints {
            Hints::Book(overbooking) | Hints::Endless(overbooking) => config.overbooking(overbooking),
            _ => config,
        };
        Self {
            hints: storm.hints,
            book: Book::new(config.build_const()),
            bucket: Bucket { capacity: storm.capacity.into(), full_at: 0 },
            missing: storm.clients,
        }
    }

    /// The wait of a client that is refused and heeds hints. The server can't know who does.
    fn hint(&mut self, now: u64, rng: &mut SplitMix64) -> Option<u64> {
        let not_connected = match self.hints {
            Hints::None => return None,
            Hints::Constant(seconds) => return Some(seconds * SECOND),
            Hints::Window(_) | Hints::Book(_) => self.missing,
            Hints::Endless(_) => u32::MAX,
        };
        let hint = micros(self.book.appointment(Instant::from_micros(now), not_connected));
        Some(hint + draw(rng, hint / 4))
    }
}

pub(crate) fn run(storm: Storm) -> Outcome {
    let (up, mut server) = (storm.outage * SECOND, Server::new(&storm));
    let mut rng = SplitMix64::new(storm.seed);
    let mut waits: Vec<Delays<SplitMix64>> =
        (0..storm.clients).map(|_| OWN.delays(SplitMix64::new(rng.next_u64()))).collect();
    let window = micros(server.book.window(storm.clients));
    let mut dials = BinaryHeap::new();
    for client in 0..storm.clients {
        let first = match storm.hints {
            Hints::Window(tenths) => draw(&mut rng, window * tenths / 10),
            _ => micros(waits[client as usize].next().expect("no limit")),
        };
        dials.push(Reverse((first, client)));
    }
    let (mut attempts, mut back_at) = (0_u32, 0);
    while let Some(Reverse((now, client))) = dials.pop() {
        attempts += 1;
        if now >= up && server.bucket.accepts(now) {
            server.missing -= 1;
            if server.missing == storm.clients / 100 {
                back_at = now;
            }
            continue;
        }
        let own = micros(waits[client as usize].next().expect("no limit"));
        let hint = if now >= up { server.hint(now, &mut rng) } else { None };
        let wait = hint.filter(|_| client % 10 < storm.heeded_by).unwrap_or(own);
        dials.push(Reverse((now + wait, client)));
    }
    let clients = f64::from(storm.clients);
    let seconds = Duration::from_micros(back_at - up).as_secs_f64();
    Outcome { attempts: f64::from(attempts) / clients, ratio: seconds * f64::from(storm.capacity) / clients }
}
