//! Every setting of a config, as numbers. The names are those of the `config` object of a log, see `replay --help`.

mod backoff;
mod classify;
mod parts;

use core::ffi::c_char;
use core::time::Duration;

use core_policy::{Config, ConfigError, Ratio};

use crate::choices::{
    establish_number, on_network_change_number, on_network_down_number, on_visible_number, on_wake_number,
    redial_establish, redial_on_network_change, redial_on_network_down, redial_on_visible, redial_on_wake,
};
use crate::names::word;
use crate::status::{Refused, Why};
use crate::time::{limit, limit_millis, millis};

pub use backoff::{REDIAL_MAX_TABLE, redial_backoff};
pub use classify::{REDIAL_MAX_RULES, REDIAL_MAX_STEPS, redial_classify};
pub use parts::{
    redial_breaker, redial_credential, redial_endpoints, redial_heartbeat, redial_restore, redial_resume,
};

/// No limit, for a number of attempts or of failures.
pub const REDIAL_NO_LIMIT: u32 = u32::MAX;

/// A fraction.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_ratio {
    /// What is divided.
    pub numerator: u32,
    /// By what: not 0.
    pub denominator: u32,
}

impl redial_ratio {
    const fn of(ratio: Ratio) -> Self {
        Self { numerator: ratio.numerator(), denominator: ratio.denominator() }
    }

    fn read(self, setting: *const c_char) -> Result<Ratio, Refused> {
        Ratio::new(self.numerator, self.denominator).map_err(refused(setting))
    }
}

/// Every setting of a config. Begin with those of a preset, `redial_settings_of`, and change what is to be different. Times are
/// milliseconds; where one may be missing it is then `REDIAL_NEVER`. Flags are 0 or not.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_settings {
    /// The waits between two dials.
    pub backoff: redial_backoff,
    /// Another backoff for an outage that has lasted `long_outage_after_ms`.
    pub long_outage: redial_backoff,
    /// From when on the other backoff holds; `REDIAL_NEVER` for one backoff.
    pub long_outage_after_ms: u64,
    /// How long a connection must hold to be stable, which resets the backoff; `REDIAL_NEVER`: the cap of the backoff, between 10 and
    /// 60 s.
    pub reset_after_stable_ms: u64,
    /// The minimum time between two dials.
    pub min_interval_ms: u64,
    /// The longest time of an outage.
    pub max_elapsed_ms: u64,
    /// The longest time until the first connection after a start.
    pub initial_max_elapsed_ms: u64,
    /// How long a dial may take.
    pub connect_timeout_ms: u64,
    /// How long the server may take for its greeting; `REDIAL_NEVER`: as long as a dial.
    pub greeting_timeout_ms: u64,
    /// How long the server may take for the session; `REDIAL_NEVER`: see `Config::ready_timeout`.
    pub ready_timeout_ms: u64,
    /// The longest wait that a server may ask for.
    pub hint_max_ms: u64,
    /// The share of it over which it is lengthened at random.
    pub hint_spread: redial_ratio,
    /// The time within which a stable session that is asked to reconnect dials again; `REDIAL_NEVER`: after the wait of the backoff.
    pub please_reconnect_spread_ms: u64,
    /// The random time after the network's return.
    pub network_spread_up_ms: u64,
    /// The age at which a connection is replaced.
    pub max_age_ms: u64,
    /// How much earlier at random.
    pub max_age_spread_ms: u64,
    /// The largest number of dials in one outage, or `REDIAL_NO_LIMIT`.
    pub max_attempts: u32,
    /// The same until the first connection after a start.
    pub initial_max_attempts: u32,
    /// When a connection counts as established.
    pub establish: establish_number,
    /// What happens when the network goes down.
    pub network_on_down: on_network_down_number,
    /// What happens when the default route changes.
    pub network_on_change: on_network_change_number,
    /// What happens when the program is in the foreground again.
    pub on_visible: on_visible_number,
    /// What happens after a sleep of the host.
    pub on_wake: on_wake_number,
    /// The close code of a connection whose session is kept.
    pub close_code: u16,
    /// How many redirects are followed in one outage.
    pub redirect_max_hops: u8,
    /// Whether a dial may take as long as the wait after it.
    pub connect_timeout_grows: u8,
    /// Whether the server greets before anything is sent.
    pub greeting: u8,
    /// Whether the wait after a failed attempt counts from its dial.
    pub wait_from_dial: u8,
    /// Whether a dial in progress is restarted when the network returns.
    pub network_restart_on_up: u8,
    /// Whether dials wait while the program is in the background.
    pub defer_while_hidden: u8,
    /// How sessions are resumed.
    pub resume: redial_resume,
    /// How a connection is kept alive.
    pub heartbeat: redial_heartbeat,
    /// A breaker over the attempts.
    pub breaker: redial_breaker,
    /// How subscriptions are restored.
    pub restore: redial_restore,
    /// How credentials are renewed.
    pub credential: redial_credential,
    /// How several endpoints are dialled.
    pub endpoints: redial_endpoints,
    /// What a cause means.
    pub classify: redial_classify,
}

/// Where the lists are kept that a config refers to.
pub(crate) struct Tables {
    tables: *mut [[Duration; REDIAL_MAX_TABLE]; 2],
    steps: *mut [[u32; REDIAL_MAX_STEPS]; REDIAL_MAX_RULES],
}

impl Tables {
    /// # Safety
    /// Both point to memory that nobody else uses during the life of this, and whose later content nobody changes while a config has it.
    pub(crate) const unsafe fn new(
        tables: *mut [[Duration; REDIAL_MAX_TABLE]; 2],
        steps: *mut [[u32; REDIAL_MAX_STEPS]; REDIAL_MAX_RULES],
    ) -> Self {
        Self { tables, steps }
    }

    /// Keeps a table of waits: the first is that of the backoff, the second that of long outages.
    fn keep_table(&self, at: usize, entries: impl Iterator<Item = Duration>) -> &'static [Duration] {
        // SAFETY: the place lies inside of the memory that `new` was given, since there are two; for the rest its caller stands, and each
        // place is asked for once a build.
        unsafe {
            let table = self.tables.cast::<[Duration; REDIAL_MAX_TABLE]>().add(at.min(1));
            keep(table.cast(), REDIAL_MAX_TABLE, entries)
        }
    }

    /// Keeps the steps of a rule.
    fn keep_steps(&self, at: usize, steps: impl Iterator<Item = u32>) -> &'static [u32] {
        let at = at.min(REDIAL_MAX_RULES - 1);
        // SAFETY: as in `keep_table`.
        unsafe {
            let row = self.steps.cast::<[u32; REDIAL_MAX_STEPS]>().add(at);
            keep(row.cast(), REDIAL_MAX_STEPS, steps)
        }
    }
}

/// Writes at most so many items and gives them for as long as a config lives.
///
/// # Safety
/// `to` points to memory for as many items, which nobody else uses, and nobody writes again while the result is used.
unsafe fn keep<T>(to: *mut T, most: usize, items: impl Iterator<Item = T>) -> &'static [T] {
    let mut count = 0_usize;
    for item in items.take(most) {
        // SAFETY: below the number of items that there is memory for.
        unsafe { to.add(count).write(item) };
        count = count.saturating_add(1);
    }
    // SAFETY: as many were written, and the caller promises the rest.
    unsafe { core::slice::from_raw_parts(to, count) }
}

/// What is wrong with this setting.
pub(crate) fn refused(setting: *const c_char) -> impl Fn(ConfigError) -> Refused {
    move |error| Refused { setting, why: Why::Config(error) }
}

/// The value that a number stands for.
fn choice<T>(read: Option<T>, setting: *const c_char) -> Result<T, Refused> {
    read.ok_or(Refused { setting, why: Why::Choice })
}

/// A limit of attempts.
fn attempts(limit: u32) -> Option<u32> {
    Some(limit).filter(|limit| *limit != REDIAL_NO_LIMIT)
}

impl redial_settings {
    pub(crate) fn of(config: &Config) -> Self {
        let (network_on_down, spread_up) = config.network();
        let (max_age, max_age_spread) = config.max_age();
        let (initial_attempts, initial_elapsed) = config.initial_limits();
        let long = config.long_outage();
        Self {
            backoff: redial_backoff::of(&config.backoff()),
            long_outage: redial_backoff::of(&long.map_or(config.backoff(), |(_, backoff)| backoff)),
            long_outage_after_ms: limit_millis(long.map(|(after, _)| after)),
            reset_after_stable_ms: limit_millis(
                Some(config.reset_after_stable()).filter(|_| !config.stability_by_cap()),
            ),
            min_interval_ms: millis(config.min_interval()),
            max_elapsed_ms: limit_millis(config.max_elapsed()),
            initial_max_elapsed_ms: limit_millis(initial_elapsed),
            connect_timeout_ms: millis(config.connect_timeout()),
            greeting_timeout_ms: limit_millis(config.greeting_timeout()),
            ready_timeout_ms: limit_millis(config.ready_timeout()),
            hint_max_ms: millis(config.retry_after_max()),
            hint_spread: redial_ratio::of(config.retry_after_spread()),
            please_reconnect_spread_ms: limit_millis(config.requested_spread()),
            network_spread_up_ms: millis(spread_up),
            max_age_ms: limit_millis(max_age),
            max_age_spread_ms: millis(max_age_spread),
            max_attempts: config.max_attempts().unwrap_or(REDIAL_NO_LIMIT),
            initial_max_attempts: initial_attempts.unwrap_or(REDIAL_NO_LIMIT),
            establish: redial_establish::of(config.establish()),
            network_on_down: redial_on_network_down::of(network_on_down),
            network_on_change: redial_on_network_change::of(config.on_network_change()),
            on_visible: redial_on_visible::of(config.on_visible()),
            on_wake: redial_on_wake::of(config.on_wake()),
            close_code: config.close_code(),
            redirect_max_hops: config.redirects(),
            connect_timeout_grows: config.connect_timeout_growing().into(),
            greeting: config.greeting().into(),
            wait_from_dial: config.wait_from_dial().into(),
            network_restart_on_up: config.restart_on_network_up().into(),
            defer_while_hidden: config.defer_while_hidden().into(),
            resume: redial_resume::of(&config.resume()),
            heartbeat: redial_heartbeat::of(&config.heartbeat()),
            breaker: redial_breaker::of(config.breaker().as_ref()),
            restore: redial_restore::of(&config.restore()),
            credential: redial_credential::of(&config.credential()),
            endpoints: redial_endpoints::of(&config.endpoints()),
            classify: redial_classify::of(&config.classifier()),
        }
    }

    /// The config, or the first setting that is wrong.
    pub(crate) fn build(&self, tables: Tables) -> Result<Config, Refused> {
        let mut config =
            Config::new(self.backoff.build(word!("backoff"), |entries| tables.keep_table(0, entries))?)
                .min_interval(Duration::from_millis(self.min_interval_ms));
        config.build().map_err(refused(word!("min_interval_ms")))?;
        if let Some(after) = limit(self.long_outage_after_ms) {
            let long =
                self.long_outage.build(word!("long_outage"), |entries| tables.keep_table(1, entries))?;
            config = config.long_outage(after, long);
        }
        if let Some(held) = limit(self.reset_after_stable_ms) {
            config = config.reset_after_stable(held);
        }
        config = config
            .max_attempts(attempts(self.max_attempts))
            .max_elapsed(limit(self.max_elapsed_ms))
            .initial_limits(attempts(self.initial_max_attempts), limit(self.initial_max_elapsed_ms))
            .connect_timeout(Duration::from_millis(self.connect_timeout_ms))
            .connect_timeout_growing(self.connect_timeout_grows != 0);
        config.build().map_err(refused(word!("connect_timeout_ms")))?;
        config = config.greeting(limit(self.greeting_timeout_ms));
        config.build().map_err(refused(word!("greeting_timeout_ms")))?;
        if self.greeting == 0 {
            config = config.without_greeting();
        }
        config = config.ready_timeout(limit(self.ready_timeout_ms));
        config.build().map_err(refused(word!("ready_timeout_ms")))?;
        config = config
            .establish(choice(redial_establish::read(self.establish), word!("establish"))?)
            .retry_after_max(Duration::from_millis(self.hint_max_ms))
            .retry_after_spread(self.hint_spread.read(word!("hint_spread"))?)
            .requested_spread(limit(self.please_reconnect_spread_ms))
            .resume(self.resume.build()?)
            .heartbeat(self.heartbeat.build()?)
            .breaker(self.breaker.build()?)
            .restore(self.restore.build()?)
            .credential(self.credential.build()?)
            .endpoints(self.endpoints.build()?)
            .classifier(self.classify.build(&tables)?)
            .network(
                choice(redial_on_network_down::read(self.network_on_down), word!("network_on_down"))?,
                Duration::from_millis(self.network_spread_up_ms),
            )
            .on_network_change(choice(
                redial_on_network_change::read(self.network_on_change),
                word!("network_on_change"),
            )?)
            .restart_on_network_up(self.network_restart_on_up != 0)
            .on_visible(choice(redial_on_visible::read(self.on_visible), word!("on_visible"))?)
            .on_wake(choice(redial_on_wake::read(self.on_wake), word!("on_wake"))?)
            .defer_while_hidden(self.defer_while_hidden != 0)
            .wait_from_dial(self.wait_from_dial != 0)
            .redirects(self.redirect_max_hops)
            .max_age(limit(self.max_age_ms), Duration::from_millis(self.max_age_spread_ms));
        config.build().map_err(|error| match error {
            ConfigError::RangeReversed => refused(word!("max_age_spread_ms"))(error),
            error => refused(word!("max_age_ms"))(error),
        })?;
        config.close_code(self.close_code).build().map_err(refused(word!("close_code")))
    }
}
