//! The server's half of a reconnect storm: when the client that is refused now should come back, and over which time the clients
//! of a planned restart should spread.
//!
//! A server that refuses what it can't take, and says nothing, is asked by everybody again and again. Two hints of a server
//! change that. They need two numbers: its capacity, which is how many connections it can accept a second, and how many
//! clients are not connected.
//!
//! - **An appointment** is a time meant for one client. [`Book::appointment`] gives it to each client that is refused, as the
//!   `Retry-After` of a 503.
//! - **A window** is for a restart that is planned. [`Book::window`] gives the time over which the clients are asked to
//!   spread, before they lose their connections.
//!
//! ```
//! use core::time::Duration;
//! use redial::Instant;
//! use redial::advise::{Book, Config};
//!
//! const CONFIG: Config = Config::new(100, Duration::from_secs(1)).build_const(); // accepts 100 clients a second
//! let mut book = Book::new(CONFIG);
//!
//! // The server has crashed and is up again: 10,000 clients dial, and the first hundred are accepted.
//! let now = Instant::ZERO;
//! let hints: Vec<u64> = (0..9_900).map(|_| book.appointment(now, 9_900).as_secs()).collect();
//! assert_eq!((hints[0], hints[140], hints[9_899]), (1, 2, 67));
//!
//! // Another day 10,000 connections are to be moved to a new process.
//! assert_eq!(book.window(10_000), Duration::from_secs(100));
//! ```
//!
//! # What the client does
//!
//! A client with an appointment of `r` dials after `r + U(0, r/4)`, *in place of* its own wait, where U is a uniform draw. Whole
//! seconds and overbooking give several clients the same `r`, and the draw separates them. A client that is refused again gets
//! another appointment. A client with a window of `w` keeps its connection, and replaces it after `U(0, w)`.
//!
//! Both differ from a bare `Retry-After`, which is usually the same for everybody: a client takes that as a lower bound of its own
//! wait, and adds a random part to it. So the client has to be told what it has:
//!
//! - **By a message of the protocol**, where it has one for refusals: `{"error": "busy", "appointment": 42}`.
//! - **Over HTTP**, by [`KIND_HEADER`] beside `Retry-After`:
//!
//!   ```text
//!   HTTP/1.1 503 Service Unavailable
//!   retry-after: 42
//!   retry-after-kind: appointment
//!   ```
//!
//!   A client that doesn't know this header takes the 42 s as a lower bound, which does no harm. No registered header says the
//!   same: `Retry-After` (RFC 9110, section 10.2.3) is a time without a reason, and the `RateLimit` fields
//!   (draft-ietf-httpapi-ratelimit-headers) describe a client's quota and leave the time of a retry to `Retry-After`.
//!
//! # A server
//!
//! `examples/beside/appointments.rs` is a whole server over hyper: it accepts WebSockets up to its capacity, refuses with
//! appointments, and sends the window when it is told to end. This is what it says to a client that it can't take:
//!
//! ```text
//! $ cargo run -p redial-beside --bin appointments -- 127.0.0.1:9001 1 10000 &
//! $ curl -i http://127.0.0.1:9001      # for the second time within a second
//! HTTP/1.1 503 Service Unavailable
//! retry-after: 1
//! retry-after-kind: appointment
//! content-length: 5
//!
//! busy
//! ```
//!
//! # What to expect
//!
//! From 24 simulated storms of 4,000 clients (`tests/decisions/advise.rs`), as attempts a client and the time until 99 % are back. A time of 1
//! is that of clients which come exactly as fast as they are accepted; what is above it here is for the most part the wait of clients
//! that dialled during the outage.
//!
//! | the server says | attempts | time |
//! | --- | --- | --- |
//! | nothing | 6.6 | 1.45 |
//! | an appointment | 5.2 | 1.25 |
//! | an appointment, and 3 of 10 clients heed it | 6.1 | 1.45 |
//! | 30 s to everybody, obeyed exactly | 10.5 | 3.8 |
//! | a window before the loss, without an outage | 1.0 | 1.0 |

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros};

/// The name of the HTTP header that says how `Retry-After` is meant. Its value is [`APPOINTMENT`], or [`WINDOW`]. Without it
/// `Retry-After` is a lower bound.
pub const KIND_HEADER: &str = "retry-after-kind";

/// The value of [`KIND_HEADER`] for a time that is meant for this client: it dials after `r + U(0, r/4)`.
pub const APPOINTMENT: &str = "appointment";

/// The value of [`KIND_HEADER`] for a time over which clients spread: each dials after `U(0, r)`. For servers that keep no book: all
/// that are refused get the [window](Book::window) of the clients that are not connected.
pub const WINDOW: &str = "window";

/// The config of a [`Book`]: how many clients the server can accept, and how it makes appointments.
///
/// ```
/// use core::time::Duration;
/// use redial::Ratio;
/// use redial::advise::Config;
///
/// // Accepts 50 clients a second. Few clients heed a hint, so that two are asked to come for each that can be accepted.
/// const CONFIG: Config = Config::new(50, Duration::from_secs(1))
///     .overbooking(Ratio::TWO)
///     .longest(Duration::from_secs(120))
///     .build_const();
/// assert_eq!(CONFIG.capacity(), (50, Duration::from_secs(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    accepts: u32,
    per: Micros,
    overbooking: Ratio,
    round_trip: Micros,
    longest: Micros,
}

builds!(Config);

impl Config {
    /// The largest overbooking: four appointments for each client that can be accepted.
    pub const MAX_OVERBOOKING: u32 = 4;

    /// A server that accepts `accepts` (at least 1) clients in each span of `per` (at least 1 µs). This is what it can do in a
    /// storm, with the costs of TLS, of a login and of restoring a client's subscriptions.
    ///
    /// # Errors
    /// [`ConfigError::CapacityZero`].
    pub const fn new(accepts: u32, per: Duration) -> Builder<Self> {
        const OVERBOOKING: Ratio = Ratio::new_const(3, 2);
        Builder::of(Self {
            accepts,
            per: Micros::from_duration(per),
            overbooking: OVERBOOKING,
            round_trip: Micros::from_millis(100),
            longest: Micros::from_millis(300_000),
        })
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        const MOST: Ratio = Ratio::new_const(Config::MAX_OVERBOOKING, 1);
        if self.accepts == 0 || self.per.is_zero() {
            return Err(ConfigError::CapacityZero);
        }
        if self.overbooking.numerator() == 0 || MOST.is_below(self.overbooking) {
            return Err(ConfigError::ShareRange);
        }
        if self.longest.is_zero() {
            return Err(ConfigError::LimitZero);
        }
        Ok(self)
    }

    /// How many clients the server accepts, and in which span.
    #[must_use]
    pub const fn capacity(&self) -> (u32, Duration) {
        (self.accepts, self.per.to_duration())
    }

    /// The appointments for each client that can be accepted.
    #[must_use]
    pub const fn overbooking(&self) -> Ratio {
        self.overbooking
    }

    /// The time from a refusal until the client can be back.
    #[must_use]
    pub const fn round_trip(&self) -> Duration {
        self.round_trip.to_duration()
    }

    /// The longest appointment.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest.to_duration()
    }

    /// The time in which so many clients are accepted, rounded up.
    const fn time_for(&self, clients: u32) -> Micros {
        divide_up((self.per.0 as u128).saturating_mul(clients as u128), self.accepts as u64)
    }

    /// The time from one appointment to the next, rounded up.
    const fn step(&self) -> Micros {
        let parts = (self.accepts as u64).saturating_mul(self.overbooking.numerator() as u64);
        divide_up((self.per.0 as u128).saturating_mul(self.overbooking.denominator() as u128), parts)
    }
}

impl Builder<Config> {
    /// The appointments for each client that can be accepted, above 0 and at most [`Config::MAX_OVERBOOKING`]. Default: 3/2.
    ///
    /// Some clients don't come, and the capacity is an estimate: without overbooking the server idles then. In the storms of the
    /// [module](self#what-to-expect) 0.95 took 4.9 attempts a client and 1.38 times the ideal time, 1.5 took 5.2 and 1.25, and 2.25 took
    /// 5.8 and 1.25. With 1.5 a capacity that was overestimated by half cost 0.6 attempts more. One that was underestimated by half
    /// took 1.5 times the ideal time, and 1.8 times with 0.95.
    ///
    /// # Errors
    /// [`ConfigError::ShareRange`].
    pub const fn overbooking(mut self, appointments: Ratio) -> Self {
        self.config.overbooking = appointments;
        self
    }

    /// The time from a refusal until the client can be back, had it no wait; no appointment is earlier. Default: 100 ms.
    pub const fn round_trip(mut self, round_trip: Duration) -> Self {
        self.config.round_trip = Micros::from_duration(round_trip);
        self
    }

    /// The longest appointment, above 0, rounded up to whole seconds. Default: 300 s, which is also the default of what a client
    /// [accepts](crate::builder::Builder::retry_after_max). If the backlog takes longer, the clients are refused once in
    /// this time, evenly.
    ///
    /// # Errors
    /// [`ConfigError::LimitZero`].
    pub const fn longest(mut self, longest: Duration) -> Self {
        self.config.longest = seconds_up(Micros::from_duration(longest));
        self
    }
}

/// The appointments of one server with the clients that it has refused.
///
/// Each appointment is one slot after the one before, and a slot is as long as the server takes to accept a client, divided by
/// the [overbooking](Builder::overbooking). The book ends where the last client that is not connected could be accepted, or at
/// the [longest](Builder::longest) appointment. By then every client has had one, so that those who are refused again did not heed
/// theirs, or came when the server was overbooked: the book starts over, from the present. A book without an end would fill with
/// times at which nobody comes, wherever some clients don't heed appointments (with 3 of 10 that heed them: 1.68 times the ideal time
/// against 1.45 with an end, and 1.45 without hints).
///
/// One process has one book, behind whatever lock its listeners share. Several processes with a common backlog have one each: its
/// capacity is that of the process, and its `not_connected` the process's share.
///
/// A slot has whole microseconds, rounded up, so that there are at most a million appointments a second. `now` may come from any
/// clock and may run backwards. The size is 48 bytes.
///
/// ```
/// use core::time::Duration;
/// use redial::Instant;
/// use redial::advise::{Book, Config};
///
/// const CONFIG: Config = Config::new(10, Duration::from_secs(1)).build_const();
/// let (mut book, now) = (Book::new(CONFIG), Instant::ZERO);
/// assert_eq!(book.appointment(now, 500), Duration::from_secs(1));
///
/// // Half of the machines are gone: from now on it accepts five a second.
/// book.set_capacity(5, Duration::from_secs(1))?;
/// assert_eq!(book.window(500), Duration::from_secs(100));
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Book {
    config: Config,
    /// The last appointment.
    slot: Instant,
}

const _: () = assert!(size_of::<Book>() <= 48);

impl Book {
    /// A book without appointments.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self { config, slot: Instant::ZERO }
    }

    /// The `Retry-After` of a client that is refused now: at least 1 s, in whole seconds, rounded up, since the header has no
    /// fractions.
    ///
    /// `not_connected` counts the clients that are expected and not connected, this one included: those that were connected before
    /// the outage, less those that are connected now. Where it is unknown, an estimate that is too large costs nothing if all clients
    /// heed appointments.
    #[must_use = "the slot is taken"]
    pub const fn appointment(&mut self, now: Instant, not_connected: u32) -> Duration {
        let earliest = now.after(self.config.round_trip);
        if self.slot.as_micros() < earliest.as_micros() {
            self.slot = earliest;
        }
        self.slot = self.slot.after(self.config.step());
        let end = now.after(self.config.time_for(not_connected).min(self.config.longest));
        if self.slot.as_micros() > end.as_micros() {
            self.slot = earliest;
        }
        // At the end of time, or without a round trip, the first slot is now.
        let wait = self.slot.since(now).max(Micros(1));
        seconds_up(wait).min(self.config.longest).to_duration()
    }

    /// The time over which so many clients are to spread before a planned restart: in whole seconds, rounded up, and 0 for no
    /// client. Each of them replaces its connection after a time that it draws from it, so serve the connections for at least
    /// as long.
    ///
    /// It is as long as the server takes to accept all of them. A shorter one overloads the server (0.9 of it costs 1.2 to 2.2 attempts a
    /// client, simulated), so neither the overbooking nor the longest appointment shortens it. Chance overloads a server now and then if
    /// it accepts fewer than the square root of the clients a second, and has no queue: ask for a tenth more clients there (4,000 clients, 13
    /// a second: 1.0 in place of 1.3 attempts).
    #[must_use]
    pub const fn window(&self, clients: u32) -> Duration {
        seconds_up(self.config.time_for(clients)).to_duration()
    }

    /// Takes another capacity, for the appointments from now on: the server accepts `accepts` clients in each span of `per`, both at
    /// least 1 (1 µs). What is booked stays, until the end that the new capacity gives the book.
    ///
    /// # Errors
    /// [`ConfigError::CapacityZero`]; the old capacity is kept.
    pub const fn set_capacity(&mut self, accepts: u32, per: Duration) -> Result<(), ConfigError> {
        let config = Config { accepts, per: Micros::from_duration(per), ..self.config };
        match config.checked() {
            Ok(config) => {
                self.config = config;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The config, with the newest capacity.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}

/// Rounded up, saturating. No divisor here is 0.
const fn divide_up(dividend: u128, divisor: u64) -> Micros {
    let up = dividend.saturating_add((divisor as u128).saturating_sub(1));
    match up.checked_div(divisor as u128) {
        Some(quotient) if quotient <= u64::MAX as u128 => Micros(quotient as u64),
        _ => Micros::MAX,
    }
}

/// Rounded up to whole seconds; to the last whole second that there is.
const fn seconds_up(span: Micros) -> Micros {
    let (seconds, rest) = crate::time::divide(span.0, 1_000_000);
    let last = u64::MAX / 1_000_000;
    let up = seconds.saturating_add((rest > 0) as u64);
    Micros(if up < last { up } else { last }.saturating_mul(1_000_000))
}
