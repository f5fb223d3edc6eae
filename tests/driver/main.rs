//! The driver on each runtime: the same tests, the same functions.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

mod blocking;
mod conformance;
mod driving;
mod frequent;
mod handles;
mod handover;
mod host;
mod lab;
mod messages;
mod sessions;
mod spawned;
mod station;
mod streams;
mod supervised;
mod virtual_clock;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use host::Host;
use lab::{Transport, ms};
use redial::driver::{AsyncStd, Driver, Outcome, Smol, Tokio};
use redial::subscriptions::SubscriptionList;
use redial::testing::VirtualClock;
use redial::{Policy, SplitMix64};

/// No time is lost; a millisecond is the least distance of two dials.
const VIRTUAL: core::time::Duration = ms(1);
/// tokio's clock is paused: exact to the millisecond, which is its timers' resolution.
const EXACT: core::time::Duration = ms(2);
/// Real time on a machine with other things to do.
const ROUGH: core::time::Duration = ms(2_000);

fn paused<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

macro_rules! on_every_runtime {
    ($($tests:ident { $($test:ident)* })*) => {
        mod on_tokio {$($(
            #[test] fn $test() {
                super::paused(async { crate::$tests::$test(crate::Host::new(crate::Tokio::new()), crate::EXACT).await });
            }
        )*)*}
        mod on_a_virtual_clock {$($(
            #[test] fn $test() {
                let clock = crate::VirtualClock::new();
                clock.run(crate::$tests::$test(crate::Host::new(clock.clone()), crate::VIRTUAL));
            }
        )*)*}
        mod on_async_std {$($(
            #[test] fn $test() {
                async_std::task::block_on(crate::$tests::$test(crate::Host::new(crate::AsyncStd::new()), crate::ROUGH));
            }
        )*)*}
        mod on_smol {$($(
            #[test] fn $test() {
                smol::block_on(crate::$tests::$test(crate::Host::new(crate::Smol::new()), crate::ROUGH));
            }
        )*)*}
    };
}

on_every_runtime! {
    conformance {
    dials_on_the_ladder
    retry_now_cuts_a_backoff_wait
    a_deadline_that_moves_earlier_during_a_sleep
    stop_during_a_dial
    stop_during_a_backoff_wait
    stop_during_a_pending_send
    stop_during_a_goodbye
    a_goodbye_ends_during_a_long_wait
    a_goodbye_delays_no_dial
    facts_before_timers
    a_flood_starves_nobody
    a_blocked_send_stops_no_heartbeat
    a_failed_send_is_a_loss
    a_close_frame_before_a_failed_send
    a_dial_that_hangs_is_dropped
    a_dial_is_dropped_when_its_time_is_over
    giving_up_is_a_value
    a_dropped_run_leaves_nothing
    handles_may_go_first_or_last
    a_stop_before_the_run
    a_hold_parks
    a_long_suspend_is_one_timeout
    never_two_transports
    }
    sessions {
        credentials_are_refreshed
        subscriptions_are_restored
        a_resume_has_its_session
        a_policy_without_a_session_dials_afresh
    }
    messages {
        no_message_before_the_subscriptions
        a_peer_that_stops_reading_holds_up_no_sender
        a_send_has_its_limit
        a_slow_application_is_not_a_dead_peer
        a_trickle_is_not_a_dead_peer
        a_heartbeat_before_a_pause_is_not_missed
        a_pause_that_blocks_the_writer_is_not_a_dead_peer
        a_stop_ends_what_waits_to_be_sent
        a_peer_that_died_in_a_pause_is_found
        a_full_buffer_lets_a_session_begin
        a_stale_number_takes_its_message_along
        messages_that_nobody_takes_are_counted
    }
    frequent {
        traffic_moves_the_deadline
        numbers_and_epochs_arrive_whole
        all_that_came_before_the_end_arrives
    }
    handles {
        offline_messages_come_back
        the_offline_queue_is_bounded
        the_offline_queue_outlives_a_loss
        a_dropped_send_takes_its_message_along
        a_crowd_of_messages_is_written
        a_subscription_goes_before_a_later_message
        handles_know_how_it_is
        changes_are_transitions
    }
    handover {
        unsent_messages_go_out_on_the_successor
        a_write_under_way_ends_before_the_close
        what_was_given_up_is_given_up_on_the_successor
        a_failing_successor_disturbs_nothing
        a_successor_too_slow_for_the_deadline_is_the_attempt
        a_connection_that_ends_while_its_successor_waits_is_lost
        a_draining_connection_is_heard_to_its_end
        a_stop_in_the_middle_closes_both
        a_dropped_run_leaves_neither
        a_successor_that_floods_is_paused
        a_handover_is_seen_as_one_transition
        never_three_transports
    }
    streams {
        nothing_is_lost_where_the_session_moves
        nothing_comes_twice_where_both_get_everything
        numbers_of_a_draining_connection
        what_has_no_number_is_no_repetition
        what_was_taken_comes_before_what_was_held
    }
    supervised {
        lives_end_before_the_next_begins
        the_first_connect_has_its_own_limits
        heartbeats_can_be_answered
        a_supervised_connection_is_handed_over
    }
}

/// P27: the runtimes are features that exclude nothing. A run can be spawned where tasks move between threads, and a handle
/// used from another thread.
#[test]
fn a_run_is_send_on_every_runtime() {
    fn spawned<F: Future<Output = Outcome> + Send + 'static>(run: F) {
        let mut run = pin!(run);
        assert_eq!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Outcome::Stopped));
    }
    macro_rules! run {
        ($runtime:expr) => {
            let policy = Policy::new(&redial::presets::RECOMMENDED, SplitMix64::new(7))
                .with_session_type()
                .with_subscriptions(SubscriptionList::new());
            let mut driver = Driver::new(policy, Transport::new($runtime), $runtime);
            let handle = driver.handle();
            std::thread::spawn(move || handle.stop_keeping_session()).join().unwrap();
            spawned(async move { driver.run().await });
        };
    }
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = tokio.enter();
    run!(Tokio::new());
    run!(AsyncStd::new());
    run!(Smol::new());
}
