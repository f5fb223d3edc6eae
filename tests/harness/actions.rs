//! What is in a list of actions.

use redial::policy::{DropReason, Endpoint};
use redial::{Action, Cause, GiveUp, Mode};

pub fn opens(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Open { .. })).count()
}

pub fn open(actions: &[Action]) -> Option<(Mode, Endpoint, u32)> {
    actions.iter().find_map(|action| match *action {
        Action::Open { mode, endpoint, attempt, .. } => Some((mode, endpoint, attempt)),
        _ => None,
    })
}

/// The code of the close, if there is one: `Some(None)` where no transport was open yet.
pub fn closed(actions: &[Action]) -> Option<Option<u16>> {
    actions.iter().find_map(|action| match *action {
        Action::Close { code, .. } => Some(code),
        _ => None,
    })
}

pub fn beats(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Heartbeat { .. })).count()
}

pub fn restores(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Restore { .. })).count()
}

pub fn refreshes(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::RefreshCredential { .. })).count()
}

pub fn dropped(actions: &[Action]) -> Option<DropReason> {
    actions.iter().find_map(|action| match *action {
        Action::DropSession { reason } => Some(reason),
        _ => None,
    })
}

pub fn gave_up(actions: &[Action]) -> Option<(GiveUp, Cause)> {
    actions.iter().find_map(|action| match *action {
        Action::GaveUp { reason, cause } => Some((reason, cause)),
        _ => None,
    })
}

pub fn sent_resume(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Resume { .. }))
}

pub fn sent_fresh(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Identify { .. }))
}

/// A close that keeps the session alive and that every platform can send.
pub fn keeps_session(actions: &[Action]) -> bool {
    matches!(closed(actions), Some(None | Some(3000..=4999)))
}
