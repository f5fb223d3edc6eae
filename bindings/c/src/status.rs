//! What a call returns, and what is wrong with a config.

use core::ffi::c_char;

use core_policy::ConfigError;

use crate::names::word;

/// What became of a call. Where it is not `REDIAL_OK`, nothing changed.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum redial_status {
    /// The call did what it says.
    REDIAL_OK = 0,
    /// A pointer is null that must not be.
    REDIAL_ERROR_NULL = 1,
    /// A pointer is not aligned for its type.
    REDIAL_ERROR_ALIGNMENT = 2,
    /// An array is longer than memory can be.
    REDIAL_ERROR_LENGTH = 3,
    /// The policy was not initialized.
    REDIAL_ERROR_UNINITIALIZED = 4,
    /// The policy was copied or moved since it was initialized.
    REDIAL_ERROR_MOVED = 5,
    /// The seed is 0.
    REDIAL_ERROR_SEED = 6,
    /// There are more than `REDIAL_MAX_ENDPOINTS` endpoints.
    REDIAL_ERROR_ENDPOINTS = 7,
    /// There are more than `REDIAL_MAX_SLOTS` slots.
    REDIAL_ERROR_SLOTS = 8,
    /// The kind of an event is not known.
    REDIAL_ERROR_EVENT = 9,
    /// An event of a transport has the epoch 0.
    REDIAL_ERROR_EPOCH = 10,
    /// A cause is none, or its detail is not of its kind.
    REDIAL_ERROR_CAUSE = 11,
    /// The kind of a server's wait is not known.
    REDIAL_ERROR_RETRY_AFTER = 12,
    /// A hold has a number above 31.
    REDIAL_ERROR_REASON = 13,
    /// The key of a subscription is not below the number of slots.
    REDIAL_ERROR_KEY = 14,
    /// An event that needs a token or an endpoint has none.
    REDIAL_ERROR_TOKEN = 15,
    /// No preset has this name.
    REDIAL_ERROR_PRESET = 16,
    /// The settings can't be a config; `redial_error` says which and why.
    REDIAL_ERROR_CONFIG = 17,
    /// A buffer is too small.
    REDIAL_ERROR_FULL = 18,
    /// The bytes are no snapshot, or an altered one.
    REDIAL_ERROR_SNAPSHOT = 19,
    /// The snapshot is of another connection: it has another key.
    REDIAL_ERROR_SNAPSHOT_KEY = 20,
    /// The policy has been started already.
    REDIAL_ERROR_STARTED = 21,
}

/// A [`redial_status`] as a number.
pub type status_number = u32;

impl redial_status {
    /// What a call returns for this result.
    pub(crate) fn of(result: Result<(), Self>) -> Self {
        result.err().unwrap_or(Self::REDIAL_OK)
    }
}

/// Every status with its message: what is wrong, and what to do.
macro_rules! messages {
    ($($name:ident: $text:literal,)+) => {
        fn message(status: u32) -> *const c_char {
            $(if status == redial_status::$name as u32 {
                return word!($text);
            })+
            word!("an unknown status")
        }
    };
}

messages! {
    REDIAL_OK: "no error",
    REDIAL_ERROR_NULL: "a pointer is null that must not be",
    REDIAL_ERROR_ALIGNMENT: "a pointer is not aligned for its type; use a variable of the type that the header names",
    REDIAL_ERROR_LENGTH: "an array is longer than memory can be",
    REDIAL_ERROR_UNINITIALIZED: "the policy is not initialized; call redial_policy_init first",
    REDIAL_ERROR_MOVED: "the policy was copied or moved since it was initialized; keep it in one place and pass its address",
    REDIAL_ERROR_SEED: "the seed is 0, which looks forgotten; give each client another one, see redial_seed",
    REDIAL_ERROR_ENDPOINTS: "there are more endpoints than REDIAL_MAX_ENDPOINTS",
    REDIAL_ERROR_SLOTS: "there are more slots than REDIAL_MAX_SLOTS",
    REDIAL_ERROR_EVENT: "the kind of the event is not known; set it to one of redial_event_kind",
    REDIAL_ERROR_EPOCH: "an event of a transport needs an epoch: that of the REDIAL_ACTION_OPEN which it is about",
    REDIAL_ERROR_CAUSE: "the event needs a cause whose detail is of its kind",
    REDIAL_ERROR_RETRY_AFTER: "the kind of the server's wait is not known; set it to one of redial_retry_after_kind, or to 0 for none",
    REDIAL_ERROR_REASON: "a hold has a reason of 0 to 31",
    REDIAL_ERROR_KEY: "the key of a subscription is below the number of slots that the policy was initialized with",
    REDIAL_ERROR_TOKEN: "the event needs a token or an endpoint that is not 0",
    REDIAL_ERROR_PRESET: "no preset has this name; redial_preset_name lists them",
    REDIAL_ERROR_CONFIG: "the settings are no valid config; redial_error says which and why",
    REDIAL_ERROR_FULL: "the buffer is too small",
    REDIAL_ERROR_SNAPSHOT: "the bytes are no snapshot, or they are cut off or altered; start without it",
    REDIAL_ERROR_SNAPSHOT_KEY: "the snapshot has another key; start without it",
    REDIAL_ERROR_STARTED: "the policy has been started; restore a snapshot before the first event",
}

/// What a status means and what to do about it, in one line.
#[unsafe(no_mangle)]
pub extern "C" fn redial_status_message(status: status_number) -> *const c_char {
    message(status)
}

/// Which setting is wrong, and why. Both are constants.
#[repr(C)]
pub struct redial_error {
    /// The setting, as a path in `redial_settings`: `backoff.max_ms`.
    pub setting: *const c_char,
    /// What is wrong with it and what is allowed, in one line.
    pub message: *const c_char,
}

impl redial_error {
    /// No error.
    pub(crate) const fn none() -> Self {
        Self { setting: word!(""), message: word!("no error") }
    }

    pub(crate) fn of(refused: Refused) -> Self {
        Self { setting: refused.setting, message: refused.why.message() }
    }
}

/// A setting that is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) setting: *const c_char,
    pub(crate) why: Why,
}

/// What is wrong with a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    /// The core refuses it.
    Config(ConfigError),
    /// No value of its enum has this number.
    Choice,
    /// What this says.
    Text(*const c_char),
}

/// The messages of the core's errors as strings of C.
macro_rules! errors {
    ($($variant:ident)+) => {
        impl Why {
            fn message(self) -> *const c_char {
                match self {
                    Self::Choice => word!("not a number of the enum of this setting"),
                    Self::Text(text) => text,
                    $(Self::Config(ConfigError::$variant) => word!(ConfigError::$variant.as_str()),)+
                    Self::Config(_) => word!("not valid"),
                }
            }
        }
    };
}

errors! {
    InitialZero InitialTooShort InitialAboveMax FactorBelowOne RatioNotANumber JitterAboveOne JitterWindow JitterNoRoom
    JitterOnWindows WindowsScale TableEmpty TableRepeatsZero FloorAboveMax BreakerFailuresZero BreakerOpenTime BreakerProbes
    BreakerLeaseZero TimeoutZero MinIntervalTooLong HeartbeatIntervalZero HeartbeatIntervalTooLong HeartbeatMissedZero
    RangeReversed BatchZero TooManyOverrides EndpointCount ResumeFailuresZero CloseCode WindowZero
}
