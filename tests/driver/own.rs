//! A driver of a user's own under the suite: a right one passes, and one that is wrong is found.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redial::Event;
use redial::driver::{Driver, Outcome};
use redial::testing::VirtualClock;
use redial::testing::conformance::{self, Host, Report, Requests, Subject, TestedPolicy, TestedTransport};

use crate::VIRTUAL;

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It looks at its requests with the next event or timer only.
    Deaf,
    /// It ends without having closed.
    Hasty,
}

/// Stands for a loop of a user's: the crate's, with a fault.
struct Own {
    driver: Driver<TestedTransport, Host, TestedPolicy>,
    fault: Fault,
    stopped: Arc<AtomicBool>,
}

impl Subject for Own {
    fn requests(&self) -> Requests {
        let (requests, fault, stopped) = (self.driver.requests(), self.fault, self.stopped.clone());
        Requests::new(move |event| {
            stopped.fetch_or(matches!(event, Event::Stop { .. }), Ordering::SeqCst);
            match event {
                Event::RetryNow if fault == Fault::Deaf => true,
                event => requests.request(event),
            }
        })
    }

    fn run(&mut self) -> Pin<Box<dyn Future<Output = Outcome> + '_>> {
        let Self { driver, fault, stopped } = self;
        Box::pin(async move {
            let mut run = pin!(driver.run());
            poll_fn(|cx| match run.as_mut().poll(cx) {
                Poll::Pending if *fault == Fault::Hasty && stopped.load(Ordering::SeqCst) => {
                    Poll::Ready(Outcome::Stopped)
                }
                poll => poll,
            })
            .await
        })
    }

    fn policy(&self) -> &TestedPolicy {
        self.driver.policy()
    }
}

fn report(fault: Fault) -> Report {
    let own = move |policy, transport, host| -> Box<dyn Subject> {
        Box::new(Own { driver: Driver::new(policy, transport, host), fault, stopped: Arc::default() })
    };
    let clock = VirtualClock::new();
    conformance::run_driver(own, || clock.clone(), |case| clock.run(case), VIRTUAL)
}

#[test]
fn a_driver_of_a_users_own_conforms() {
    let report = report(Fault::None);
    report.assert_passed();
    assert!(report.cases >= 25, "{report}");
}

#[test]
fn a_fault_of_a_users_own_is_found() {
    let failed = |fault| {
        let report = report(fault);
        report.failures.iter().map(|failure| failure.case.name()).collect::<Vec<_>>()
    };
    assert!(failed(Fault::Deaf).contains(&"retry_now_cuts_a_backoff_wait"));
    assert!(failed(Fault::Hasty).contains(&"stop_during_a_close"));
}
