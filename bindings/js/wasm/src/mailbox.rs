//! The functions that the host calls.

use core::cell::RefCell;

use redial::endpoints::SingleEndpoint;
use redial::{Instant, Policy, SessionState, SplitMix64};

use crate::event::event;
use crate::mail::{MAIL, long, optional_long, option};
use crate::report::report;
use crate::settings::Settings;

#[cfg(feature = "subscriptions")]
pub(crate) type Set = redial::subscriptions::FixedSubscriptions<u32, 16>;
#[cfg(not(feature = "subscriptions"))]
pub(crate) type Set = redial::subscriptions::NoSubscriptions;

/// The policy. Sessions, and subscriptions where it has any, are named by numbers of the host's.
pub(crate) type Core = Policy<SplitMix64, u32, Set, Settings, SingleEndpoint>;

/// The one policy.
struct Only(RefCell<Option<Core>>);

// SAFETY: a WebAssembly instance whose memory is not shared has one thread. (Elsewhere only the tests of this crate use it, and
// they take turns.)
unsafe impl Sync for Only {}

static ONLY: Only = Only(RefCell::new(None));

/// Where the mail begins.
#[unsafe(no_mangle)]
extern "C" fn mail() -> *const u32 {
    MAIL.as_ptr().cast()
}

/// Where the bytes of the policy begin.
#[unsafe(no_mangle)]
extern "C" fn state() -> *const u8 {
    (&raw const ONLY).cast()
}

/// How many there are.
#[unsafe(no_mangle)]
extern "C" fn state_bytes() -> usize {
    size_of::<Only>()
}

/// Makes the policy from the settings in the mail. Returns 0, or the number of what is wrong with them.
#[unsafe(no_mangle)]
extern "C" fn create() -> u32 {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(error) => return error as u32 + 1,
    };
    let session = match option(2) {
        Some(token) => SessionState::resumable(token, None, optional_long(3)),
        None => SessionState::new(),
    };
    let policy: Core = Policy::from_parts(settings, SplitMix64::new(long(0)), Set::default(), SingleEndpoint);
    if let Ok(mut only) = ONLY.0.try_borrow_mut() {
        *only = Some(policy.with_session(session));
    }
    0
}

/// Tells the policy the event in the mail, or the time where there is none. The report in the mail then ends with the
/// actions.
#[unsafe(no_mangle)]
extern "C" fn step(now_low: u32, now_high: u32) {
    let now = Instant::from_micros(u64::from(now_high) << 32 | u64::from(now_low));
    with(|policy| {
        let actions = match event() {
            Some(event) => policy.handle_event(now, event),
            None => policy.handle_timeout(now),
        };
        report(policy, Some(actions));
    });
}

/// Writes the report into the mail, without actions.
#[unsafe(no_mangle)]
extern "C" fn tell() {
    with(|policy| report(policy, None));
}

/// Uses the policy, if there is one. It is never in use already, because nothing here calls the host.
fn with(then: impl FnOnce(&mut Core)) {
    if let Ok(mut only) = ONLY.0.try_borrow_mut() {
        if let Some(policy) = &mut *only {
            then(policy);
        }
    }
}
