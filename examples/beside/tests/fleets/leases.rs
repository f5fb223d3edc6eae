//! What ends by itself, and what a process decides while Redis does not answer, at times of the test's.

use std::time::Duration;

use redial::breaker::Config;
use redial::budget::{RetryBudgetConfig, StartBudgetConfig};
use redial::driver::DialError;
use redial::fleet::{Breaker, Retries, Share, Starts};

use super::{Fake, RATIO, now, wait};

const MILLI: u64 = 1_000;
const SECOND: Duration = Duration::from_secs(1);
const ONE_A_SECOND: StartBudgetConfig = StartBudgetConfig::new(1, 1, SECOND).build_const();

/// A budget with leases of 2 s and 3 s, when the time in which a new one grants nothing is over.
fn starts(fake: &Fake, name: &str, config: StartBudgetConfig) -> Starts {
    let starts = Starts::new(name, config).with_lease(2 * SECOND).with_place_lease(3 * SECOND);
    now(starts.withdraw(fake, 0));
    fake.pass(3_000 * MILLI);
    starts
}

/// After how many milliseconds this ticket, which asks as often as it is told, is granted a start that it makes at once.
fn granted_after(fake: &Fake, starts: &Starts, ticket: u32) -> u64 {
    let before = fake.now.get();
    for _ in 0..1_000 {
        match now(starts.ask(fake, ticket)) {
            Ok(permit) => {
                now(permit.started(fake));
                return (fake.now.get() - before) / MILLI;
            }
            refused => fake.pass(wait(refused).unwrap()),
        }
    }
    panic!("{ticket} starves");
}

#[test]
fn a_permit_comes_back_when_its_holder_is_dead_and_earlier_when_it_reports() {
    let Some(fake) = Fake::start() else { return };
    let starts = starts(&fake, "permits", ONE_A_SECOND);
    let dead = now(starts.ask(&fake, 1)).unwrap();
    assert_eq!(dead.until().as_micros(), fake.now.get() + 2_000 * MILLI);
    drop(dead);
    assert_eq!(granted_after(&fake, &starts, 2), 3_000);
    fake.pass(1_000 * MILLI);
    let permit = now(starts.ask(&fake, 1)).unwrap();
    fake.pass(500 * MILLI);
    now(permit.started(&fake));
    assert_eq!(granted_after(&fake, &starts, 2), 1_000);
    fake.pass(1_000 * MILLI);
    now(now(starts.ask(&fake, 1)).unwrap().release(&fake));
    assert_eq!(granted_after(&fake, &starts, 2), 0);
}

#[test]
fn a_place_is_lost_with_its_process_and_kept_by_asking() {
    let Some(fake) = Fake::start() else { return };
    let starts = starts(&fake, "places", ONE_A_SECOND);
    assert_eq!(granted_after(&fake, &starts, 1), 0);
    for ticket in [2, 3] {
        assert_eq!(wait(now(starts.ask(&fake, ticket))), Some(1_000 * MILLI), "a third of its lease at most");
    }
    // The first in the line is never seen again.
    fake.pass(1_000 * MILLI);
    let waited = granted_after(&fake, &starts, 3);
    assert!((2_000..=3_000).contains(&waited), "{waited}");
    // One that was late for its turn keeps its place ahead of those that came later.
    assert!(wait(now(starts.ask(&fake, 4))).is_some());
    fake.pass(1_500 * MILLI);
    assert!(wait(now(starts.ask(&fake, 5))).is_some());
    assert_eq!(granted_after(&fake, &starts, 4), 0);
}

#[test]
fn a_budget_that_was_lost_grants_nothing_that_those_before_it_forbid() {
    let Some(fake) = Fake::start() else { return };
    let starts = starts(&fake, "lost", ONE_A_SECOND);
    let old = now(starts.ask(&fake, 1)).unwrap();
    fake.forget();
    assert_eq!(granted_after(&fake, &starts, 2), 3_000);
    // A start that the new budget does not know counts when it is reported.
    fake.pass(1_000 * MILLI);
    now(old.started(&fake));
    assert_eq!(granted_after(&fake, &starts, 2), 1_000);
    // And a permit of an old budget is none of a new one, though each was the first.
    fake.pass(1_000 * MILLI);
    fake.forget();
    fake.pass(3_000 * MILLI);
    assert!(wait(now(starts.ask(&fake, 1))).is_some());
    fake.pass(3_000 * MILLI);
    let old = now(starts.ask(&fake, 1)).unwrap();
    fake.forget();
    assert_eq!(granted_after(&fake, &starts, 2), 3_000);
    now(old.release(&fake));
    assert_eq!(granted_after(&fake, &starts, 2), 1_000);
}

#[test]
fn a_clock_that_ran_backwards_prolongs_nothing_beyond_its_length() {
    let Some(fake) = Fake::start() else { return };
    fake.pass(7_200_000 * MILLI);
    let starts = starts(&fake, "clock", ONE_A_SECOND);
    drop(now(starts.ask(&fake, 1)).unwrap());
    assert!(wait(now(starts.ask(&fake, 2))).is_some());
    fake.now.set(fake.now.get() - 3_600_000 * MILLI);
    // The permit and the place of the dead have their whole leases again, at most.
    assert_eq!(granted_after(&fake, &starts, 3), 3_000);
    fake.forget();
    assert!(wait(now(starts.ask(&fake, 1))).is_some());
    fake.now.set(fake.now.get() - 3_600_000 * MILLI);
    assert_eq!(granted_after(&fake, &starts, 1), 3_000);
}

/// Over all members together, from the last moment at which one start may be made to the first of the next is a window.
#[test]
fn members_without_redis_take_turns() {
    let Some(fake) = Fake::start() else { return };
    let share = |member| Share { member, of: 3 };
    let members: Vec<_> =
        (0..3).map(|member| starts(&fake, "turns", ONE_A_SECOND).with_share(share(member))).collect();
    let alone = starts(&fake, "turns", ONE_A_SECOND);
    for member in members.iter().chain([&alone]) {
        now(member.withdraw(&fake, 0));
    }
    let never = Starts::new("turns", ONE_A_SECOND).with_share(share(0));
    let last = now(members[0].ask(&fake, 0)).unwrap().until().as_micros();
    fake.reachable.set(false);

    let (mut free, mut counts) = (last + 1_000 * MILLI, [0; 9]);
    for _ in 0..6_000 {
        assert!(now(alone.ask(&fake, 1)).is_err() && now(never.ask(&fake, 1)).is_err());
        for ticket in 0..9 {
            if let Ok(permit) = now(members[ticket % 3].ask(&fake, ticket as u32)) {
                assert!(permit.is_local());
                assert!(fake.now.get() >= free, "a start {} µs early", free - fake.now.get());
                free = permit.until().as_micros() + 1_000 * MILLI;
                counts[ticket] += 1;
            }
        }
        fake.pass(17 * MILLI);
    }
    // In 102 s there are 14 turns of 7 s, for 9 tickets in the order of their asks.
    assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");

    fake.reachable.set(true);
    fake.pass(100_000 * MILLI);
    assert_eq!(granted_after(&fake, &members[0], 0), 0, "the start without Redis is long ago");
}

#[test]
fn a_start_without_redis_counts_when_redis_is_back() {
    let Some(fake) = Fake::start() else { return };
    let starts = starts(&fake, "back", ONE_A_SECOND).with_share(Share { member: 0, of: 1 });
    now(starts.withdraw(&fake, 0));
    fake.reachable.set(false);
    assert!(granted_after(&fake, &starts, 1) >= 3_000);
    fake.reachable.set(true);
    assert_eq!(granted_after(&fake, &starts, 1), 3_000);
}

#[test]
fn a_day_is_shared_without_redis() {
    let Some(fake) = Fake::start() else { return };
    let config = ONE_A_SECOND.to_builder().daily(7, 3_600 * SECOND).build().unwrap();
    let starts = starts(&fake, "day", config).with_share(Share { member: 1, of: 2 });
    now(now(starts.ask(&fake, 1)).unwrap().started(&fake));
    fake.reachable.set(false);
    let mut granted = 0;
    let mut spend = |micros: u64| {
        for _ in 0..micros / (500 * MILLI) {
            granted += u32::from(now(starts.ask(&fake, 1)).is_ok());
            fake.pass(500 * MILLI);
        }
        granted
    };
    assert_eq!(spend(1_000_000 * MILLI), 3, "half of the 6 that were left");
    assert_eq!(spend(3_600_000 * MILLI), 6, "and half of 7 in the next day");
}

#[test]
fn a_probe_ends_with_its_lease_and_a_process_alone_judges_for_itself() {
    let Some(fake) = Fake::start() else { return };
    let config = Config::new(2, 10 * SECOND).lease(5 * SECOND).build().unwrap();
    let (breaker, other) = (Breaker::new("endpoint", config, 1), Breaker::new("endpoint", config, 2));
    for breaker in [&breaker, &other] {
        now(now(breaker.ask(&fake)).unwrap().failure(&fake));
    }
    assert_eq!(wait(now(other.ask(&fake))), Some(10_000 * MILLI), "two failures of two processes");
    // Without Redis the open time goes on.
    fake.reachable.set(false);
    assert_eq!(wait(now(other.ask(&fake))), Some(10_000 * MILLI));
    fake.reachable.set(true);
    fake.pass(10_000 * MILLI);
    let dead = now(breaker.ask(&fake)).unwrap();
    assert!(dead.is_probe());
    assert_eq!(wait(now(other.ask(&fake))), Some(1_000 * MILLI), "its result may come soon");
    fake.pass(5_000 * MILLI);
    assert_eq!(wait(now(other.ask(&fake))), Some(10_000 * MILLI), "it failed when its lease was over");
    fake.pass(10_000 * MILLI);
    let probe = now(other.ask(&fake)).unwrap();
    assert!(probe.is_probe());
    now(dead.success(&fake));
    assert!(now(breaker.ask(&fake)).is_err(), "a late result says nothing");
    now(probe.success(&fake));

    fake.reachable.set(false);
    let granted = now(breaker.ask(&fake)).unwrap();
    now(granted.failure(&fake));
    now(now(breaker.ask(&fake)).unwrap().failure(&fake));
    assert!(now(breaker.ask(&fake)).is_err(), "two failures of this process");
    now(now(other.ask(&fake)).unwrap().release(&fake));
    fake.reachable.set(true);
    now(now(breaker.ask(&fake)).unwrap().success(&fake));
}

#[test]
fn calls_are_told_together_and_a_process_alone_has_its_part() {
    let Some(fake) = Fake::start() else { return };
    let config = RetryBudgetConfig::new().share(RATIO).reserve(0).build().unwrap();
    let (ours, theirs) = (Retries::new("retries", config, 2), Retries::new("retries", config, 2));
    for _ in 0..5 {
        now(ours.deposit(&fake));
    }
    assert_eq!(now(theirs.withdraw(&fake)), Err(DialError::NotNow { retry_after: None }), "one was told");
    fake.pass(900 * MILLI);
    now(ours.withdraw(&fake)).unwrap();
    for _ in 0..5 {
        now(theirs.deposit(&fake));
    }
    fake.pass(1_100 * MILLI);
    assert!(now(theirs.withdraw(&fake)).is_err(), "what is old is not told");

    let config = RetryBudgetConfig::new().reserve(2).build().unwrap();
    let alone = Retries::new("alone", config, 4);
    fake.reachable.set(false);
    assert!(now(alone.withdraw(&fake)).is_err(), "a quarter of two a second is none");
    for _ in 0..5 {
        now(alone.deposit(&fake));
    }
    now(alone.withdraw(&fake)).unwrap();
    fake.reachable.set(true);
    for _ in 0..20 {
        now(alone.withdraw(&fake)).unwrap();
    }
    assert!(wait(now(alone.withdraw(&fake))).is_some_and(|wait| wait <= 11_000 * MILLI));
}

#[test]
fn every_key_expires_and_all_of_a_budget_are_in_one_slot() {
    let Some(fake) = Fake::in_a_cluster() else { return };
    let starts = starts(&fake, "keys", ONE_A_SECOND);
    drop(now(starts.ask(&fake, 1)));
    drop(now(starts.ask(&fake, 2)));
    drop(now(Breaker::new("keys", Config::new(1, SECOND).build().unwrap(), 1).ask(&fake)));
    now(Retries::new("keys", RetryBudgetConfig::DEFAULT, 1).withdraw(&fake)).unwrap();
    let connection = &mut *fake.connection.borrow_mut();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    assert_eq!(keys.len(), 6, "{keys:?}");
    for key in keys {
        let millis: i64 = redis::cmd("PTTL").arg(&key).query(connection).unwrap();
        assert!((1..=2 * 86_400_000).contains(&millis), "{key}: {millis}");
    }
}
