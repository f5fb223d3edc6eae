//! The vocabulary of a policy as numbers. They are part of the byte forms: a number is never used again for something else.

mod cause;

use crate::classify::Cause;
use crate::codec::{CheckpointError, Reader, Writer, impossible};
use crate::mode::Mode;

use super::action::{DropReason, Endpoint, GiveUp};
use super::explain::{Trigger, WaitReason};
use super::state::{Credential, Reached};

pub(crate) use cause::{from_code as cause_from_code, to_code as cause_to_code};

/// A word with a number.
pub(crate) trait Code: Copy {
    fn to_code(self) -> u8;
    fn from_code(code: u8) -> Option<Self>;
}

macro_rules! codes {
    ($($words:ident { $($word:ident = $code:literal,)* })*) => {$(
        impl Code for $words {
            fn to_code(self) -> u8 {
                match self {
                    $(Self::$word => $code,)*
                }
            }

            fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$word),)*
                    _ => None,
                }
            }
        }
    )*};
}

codes! {
    Mode { Fresh = 0, Resume = 1, }
    Endpoint { Base = 0, Session = 1, Redirect = 2, }
    Reached { Nothing = 0, Opened = 1, Identified = 2, Settled = 3, }
    Credential { Fine = 0, Needed = 1, Pending = 2, }
    DropReason { Gone = 0, Invalid = 1, ResumeFailed = 2, Incomplete = 3, Expired = 4, Stop = 5, Fatal = 6, }
    GiveUp { Fatal = 0, Repeated = 1, Auth = 2, MaxAttempts = 3, MaxElapsed = 4, TableSpent = 5, }
    WaitReason {
        Backoff = 0, RetryAfter = 1, InvalidSession = 2, Class = 3, MinInterval = 4, Breaker = 5, Requested = 6, Spread = 7,
        ConnectTimeout = 8, GreetingTimeout = 9, ReadyTimeout = 10, AuthTimeout = 11, Heartbeat = 12, Stable = 13,
        Restore = 14, Confirm = 15, Endpoint = 16, NotNow = 17, Answer = 18, MaxAge = 19, SessionExpiry = 20,
        CredentialLead = 21, CredentialTimeout = 22, Hold = 23, Network = 24, Hidden = 25, Credential = 26,
        Handover = 27, Drain = 28, Appointment = 29, Window = 30,
    }
}

/// The triggers, but for those with a word of their own in them.
macro_rules! triggers {
    ($($word:ident = $code:literal,)*) => {
        /// Writes a trigger.
        pub(super) fn put_trigger(to: &mut Writer<'_>, trigger: Trigger) -> Result<(), CheckpointError> {
            match trigger {
                $(Trigger::$word => to.bytes(&[$code]),)*
                Trigger::Gate(reason) => to.bytes(&[GATE, reason.to_code()]),
                Trigger::GaveUp(reason) => to.bytes(&[GAVE_UP, reason.to_code()]),
                Trigger::Lost(cause) => {
                    to.bytes(&[LOST])?;
                    put_cause(to, Some(cause))
                }
            }
        }

        /// Reads a trigger.
        pub(super) fn take_trigger(from: &mut Reader<'_>) -> Result<Trigger, CheckpointError> {
            Ok(match from.byte()? {
                $($code => Trigger::$word,)*
                GATE => Trigger::Gate(take(from)?),
                GAVE_UP => Trigger::GaveUp(take(from)?),
                LOST => Trigger::Lost(take_cause(from)?.ok_or(impossible("a loss without a cause"))?),
                _ => return Err(impossible("a trigger that is not known")),
            })
        }
    };
}

triggers! {
    New = 0, Start = 1, RetryNow = 2, Stop = 3, NotNow = 4, HostResumed = 5, NetworkChanged = 6, Visible = 7, Redial = 8,
    MaxAge = 9, Requested = 10, SessionExpired = 11, Opened = 12, Ready = 13, Resumed = 14, Authenticated = 15,
    Restored = 16,
}

const GATE: u8 = 17;
const LOST: u8 = 18;
const GAVE_UP: u8 = 19;

/// Writes a word.
pub(crate) fn put(to: &mut Writer<'_>, word: impl Code) -> Result<(), CheckpointError> {
    to.bytes(&[word.to_code()])
}

/// Reads a word.
pub(crate) fn take<W: Code>(from: &mut Reader<'_>) -> Result<W, CheckpointError> {
    W::from_code(from.byte()?).ok_or(impossible("a word that is not known"))
}

/// Writes a cause, or that there is none.
pub(crate) fn put_cause(to: &mut Writer<'_>, cause: Option<Cause>) -> Result<(), CheckpointError> {
    let (kind, number) = cause_to_code(cause);
    to.bytes(&[kind])?;
    to.number(number)
}

/// Reads a cause, or that there is none.
pub(crate) fn take_cause(from: &mut Reader<'_>) -> Result<Option<Cause>, CheckpointError> {
    let (kind, number) = (from.byte()?, from.number()?);
    cause_from_code(kind, number).ok_or(impossible("a cause that is not known"))
}
