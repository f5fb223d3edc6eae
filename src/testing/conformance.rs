//! What every driver must pass, as a suite to run on a [`Runtime`] of your own.
//!
//! Each [`Case`] is a small story: a [`Driver`](crate::driver::Driver) on your runtime against a
//! [`ScriptedTransport`](super::ScriptedTransport), driven by your executor, with what goes wrong in the field. It holds the driver, and
//! with it your runtime's clock and sleep, to [the duties of a driver](crate::driver#the-duties-of-a-driver). The runtimes of this crate
//! pass the same suite.
//!
//! ```
//! use core::time::Duration;
//! use redial::testing::{VirtualClock, conformance};
//!
//! // A runtime of your own, how to wait for a future on it, and how late its sleeps may be.
//! let clock = VirtualClock::new();
//! let block_on = |case: conformance::Future<'_>| clock.run(case);
//! conformance::run_all(|| clock.clone(), block_on, Duration::from_millis(1)).assert_passed();
//! ```
//!
//! On a runtime of real time the suite takes forty seconds, and the lateness must cover what else the machine does: two seconds are
//! enough for a busy one. Where the runtime has a clock that tests can move (tokio's paused one), or takes one (an executor that
//! [`VirtualClock::drive`](super::VirtualClock::drive)s), it takes a second and is exact.
//!
//! A loop of your own in place of the crate's is held to the same duties by [`run_driver`].
//!
//! To run the cases one by one, for instance as tests of their own, see [`CASES`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the assertions of tests"
)]

mod cancel;
mod driving;
mod duties;
mod frequent;
mod handles;
mod handover;
mod host;
mod lab;
mod messages;
mod sessions;
mod station;
mod streams;
mod subject;
mod supervised;

use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::any::Any;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

use crate::driver::Runtime;

pub use host::Host;
pub use subject::{Requests, Subject, TestedPolicy, TestedTransport};

use host::Make;

/// A case that runs, for an executor.
pub type Future<'a> = Pin<Box<dyn core::future::Future<Output = ()> + 'a>>;

/// One thing that a driver must do right.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::{VirtualClock, conformance::CASES};
///
/// // Those about duty 4, each as a test of its own.
/// for case in CASES.iter().filter(|case| case.duties().contains(&4)) {
///     println!("{case}");
///     let clock = VirtualClock::new();
///     clock.run(case.run(clock.clone(), Duration::from_millis(1)));
/// }
/// ```
pub struct Case {
    name: &'static str,
    duties: &'static [u8],
    for_any_driver: bool,
    run: fn(Host, Duration) -> Future<'static>,
}

impl Case {
    /// Its name: a sentence in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The numbers of [the duties](crate::driver#the-duties-of-a-driver) that it is about.
    #[must_use]
    pub const fn duties(&self) -> &'static [u8] {
        self.duties
    }

    /// Whether it asks nothing of a driver but what a [`Subject`] has; the others test what this crate's driver offers beside that:
    /// messages, handovers, handles that can be asked.
    #[must_use]
    pub const fn is_for_any_driver(&self) -> bool {
        self.for_any_driver
    }

    /// The case on this runtime, for the executor to wait for. `lateness`: how late a sleep of the runtime may end; at least 1 ms.
    ///
    /// # Panics
    /// The future panics where the driver fails, with what was expected.
    pub async fn run(
        &self,
        runtime: impl Runtime<Sleep: Send + 'static> + Send + Sync + 'static,
        lateness: Duration,
    ) {
        (self.run)(Host::new(runtime, None), lateness).await;
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("duties", &self.duties).finish()
    }
}

/// The name, and the duties.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (duty", self.name)?;
        for (number, duty) in self.duties.iter().enumerate() {
            write!(f, "{} {duty}", if number == 0 { "" } else { "," })?;
        }
        f.write_str(")")
    }
}

const ANY: bool = true;
const OURS: bool = false;

macro_rules! cases {
    ($($module:ident $any:ident { $($name:ident $duties:expr;)* })*) => {
        /// All cases, in the order in which it helps to make them pass.
        pub const CASES: &[Case] = &[$($(
            Case {
                name: stringify!($name),
                duties: &$duties,
                for_any_driver: $any,
                run: |host, lateness| Box::pin($module::$name(host, lateness)),
            },
        )*)*];
    };
}

cases! {
    duties ANY {
        dials_come_when_the_backoff_says [2, 3];
        retry_now_cuts_a_backoff_wait [2];
        a_deadline_that_moves_earlier_during_a_sleep [2];
        stop_during_a_dial [7, 10];
        stop_during_a_backoff_wait [10];
        stop_during_a_pending_send [9, 10];
        stop_during_a_close [7, 10];
        a_close_ends_during_a_long_wait [7];
        a_close_delays_no_dial [6, 7];
        events_before_timers [4];
        a_flood_starves_nobody [4];
        a_blocked_send_stops_no_heartbeat [9];
        a_failed_send_is_a_loss [5];
        a_close_frame_before_a_failed_send [4];
        a_dial_that_hangs_is_dropped [6, 7];
        a_dial_is_dropped_when_its_time_is_over [7];
        giving_up_is_a_value [12];
        a_dropped_run_leaves_nothing [6];
        handles_may_go_first_or_last [10];
        a_stop_before_the_run [10, 12];
        a_hold_parks [10];
        a_long_suspend_is_one_timeout [11];
        never_two_transports [6];
    }
    sessions ANY {
        credentials_are_refreshed [8];
        subscriptions_are_restored [1];
        a_resume_has_its_session [1];
    }
    sessions OURS {
        a_policy_without_a_session_dials_afresh [1];
    }
    frequent ANY {
        traffic_moves_the_deadline [2, 3];
        numbers_and_epochs_arrive_whole [5];
    }
    frequent OURS {
        all_that_came_before_the_end_arrives [4];
    }
    messages OURS {
        no_message_before_the_subscriptions [13];
        a_peer_that_stops_reading_holds_up_no_sender [9, 13];
        a_send_has_its_limit [9, 13];
        a_slow_application_is_not_a_dead_peer [14];
        a_trickle_is_not_a_dead_peer [14];
        a_heartbeat_before_a_pause_is_not_missed [14];
        a_pause_that_blocks_the_writer_is_not_a_dead_peer [14];
        a_stop_ends_what_waits_to_be_sent [13];
        a_peer_that_died_in_a_pause_is_found [14];
        a_full_buffer_lets_a_session_begin [14];
        a_stale_number_takes_its_message_along [5];
        messages_that_nobody_takes_are_counted [14];
    }
    handles OURS {
        offline_messages_come_back [13];
        the_offline_queue_is_bounded [13];
        the_offline_queue_outlives_a_loss [13];
        a_dropped_send_takes_its_message_along [13];
        a_crowd_of_messages_is_written [13];
        a_subscription_goes_before_a_later_message [13];
        handles_know_how_it_is [10];
        changes_are_transitions [1];
    }
    handover OURS {
        unsent_messages_go_out_on_the_successor [13, 15];
        a_write_under_way_ends_before_the_close [13];
        what_was_given_up_is_given_up_on_the_successor [15];
        a_failing_successor_disturbs_nothing [16];
        a_successor_too_slow_for_the_deadline_is_the_attempt [15];
        a_connection_that_ends_while_its_successor_waits_is_lost [6];
        a_draining_connection_is_heard_to_its_end [15];
        a_stop_in_the_middle_closes_both [7];
        a_dropped_run_leaves_neither [6];
        a_successor_that_floods_is_paused [16];
        a_handover_is_seen_as_one_transition [15];
        never_three_transports [6];
    }
    streams OURS {
        nothing_is_lost_where_the_session_moves [16];
        nothing_comes_twice_where_both_get_everything [16];
        numbers_of_a_draining_connection [15];
        what_has_no_number_is_no_repetition [16];
        what_was_taken_comes_before_what_was_held [16];
    }
    cancel OURS {
        a_run_dropped_at_any_await_leaves_nothing [6];
    }
    supervised OURS {
        lives_end_before_the_next_begins [6, 7];
        the_first_connect_has_its_own_limits [12];
        heartbeats_can_be_answered [1];
        a_supervised_connection_is_handed_over [6];
    }
}

/// Runs every [case](CASES), one after the other. `runtime` makes a runtime for each, inside of what `block_on` waits for;
/// `lateness` is how late its sleeps may end, at least 1 ms.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::{VirtualClock, conformance};
///
/// let clock = VirtualClock::new();
/// let report = conformance::run_all(|| clock.clone(), |case| clock.run(case), Duration::from_millis(1));
/// println!("{} cases", report.cases);
/// report.assert_passed();
/// ```
pub fn run_all<Rt>(runtime: impl Fn() -> Rt, block_on: impl FnMut(Future<'_>), lateness: Duration) -> Report
where
    Rt: Runtime<Sleep: Send + 'static> + Send + Sync + 'static,
{
    run(CASES.iter(), None, runtime, block_on, lateness)
}

/// Runs the cases that are [for any driver](Case::is_for_any_driver) with a driver of your own, which `driver` makes; the rest is as in
/// [`run_all`].
///
/// ```
/// use core::time::Duration;
/// use redial::driver::Driver;
/// use redial::testing::{VirtualClock, conformance};
///
/// let clock = VirtualClock::new();
/// conformance::run_driver(
///     // Yours in its place; this one is a `Subject` as well.
///     |policy, transport, host| Box::new(Driver::new(policy, transport, host)),
///     || clock.clone(),
///     |case| clock.run(case),
///     Duration::from_millis(1),
/// )
/// .assert_passed();
/// ```
pub fn run_driver<Rt>(
    driver: impl Fn(TestedPolicy, TestedTransport, Host) -> Box<dyn Subject> + Send + Sync + 'static,
    runtime: impl Fn() -> Rt,
    block_on: impl FnMut(Future<'_>),
    lateness: Duration,
) -> Report
where
    Rt: Runtime<Sleep: Send + 'static> + Send + Sync + 'static,
{
    let cases = CASES.iter().filter(|case| case.for_any_driver);
    run(cases, Some(Arc::new(driver)), runtime, block_on, lateness)
}

fn run<Rt>(
    cases: impl Iterator<Item = &'static Case>,
    driver: Option<Make>,
    runtime: impl Fn() -> Rt,
    mut block_on: impl FnMut(Future<'_>),
    lateness: Duration,
) -> Report
where
    Rt: Runtime<Sleep: Send + 'static> + Send + Sync + 'static,
{
    let mut report = Report { cases: 0, failures: Vec::new() };
    for case in cases {
        report.cases = report.cases.saturating_add(1);
        let future = Box::pin(async { (case.run)(Host::new(runtime(), driver.clone()), lateness).await });
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| block_on(future))) {
            report.failures.push(Failure { case, message: text_of(&*panic) });
        }
    }
    report
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "it panicked".to_string())
}

/// A case that was not passed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// Which.
    pub case: &'static Case,
    /// What was expected, and what was there instead. The place was printed when it failed.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.message)
    }
}

/// What became of a run of the cases.
#[derive(Debug)]
#[must_use = "it says which cases failed"]
#[non_exhaustive]
pub struct Report {
    /// How many cases were run.
    pub cases: usize,
    /// The cases that were not passed, in order.
    pub failures: Vec<Failure>,
}

impl Report {
    /// For the end of a test.
    ///
    /// # Panics
    /// If a case was not passed; the message lists them.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failures.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cases failed", self.failures.len(), self.cases)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n- {failure}"))
    }
}
