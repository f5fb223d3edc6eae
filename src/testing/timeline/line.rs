//! An action as a line of text.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::policy::{Action, Endpoint, Role};
use crate::subscriptions::Subscriptions;

use super::super::checked::Checkable;

pub(super) fn of<D: Checkable>(policy: &D, action: Action) -> String {
    let word = action.as_str();
    match action {
        Action::Open { epoch, mode, endpoint, attempt, role } => {
            let at = match (endpoint, policy.endpoint_index()) {
                (Endpoint::Session, _) => String::from("@session"),
                (Endpoint::Redirect, _) => String::from("@redirect"),
                (Endpoint::Base, 0) => String::new(),
                (Endpoint::Base, index) => format!("@{index}"),
            };
            let role = if role == Role::Successor { " successor" } else { "" };
            format!("{word} {epoch} {mode}{at} #{attempt}{role}")
        }
        Action::Close { epoch, code: Some(code) } => format!("{word} {epoch} {code}"),
        Action::Close { epoch, code: None } => format!("{word} {epoch} null"),
        Action::Resume { epoch } => {
            let session = policy.session();
            let token = session.and_then(|session| session.token()).map(|token| format!(" {}", plain(token)));
            let sequence = session.and_then(|session| session.sequence()).map(|number| format!(" {number}"));
            format!("{word} {epoch}{}{}", token.unwrap_or_default(), sequence.unwrap_or_default())
        }
        Action::Restore { epoch, .. } => {
            let keys: Vec<String> = policy.subscriptions().batch().map(plain).collect();
            format!("{word} {epoch} {}", keys.join(","))
        }
        Action::RefreshCredential { .. } => String::from(word),
        Action::DropSession { reason } => format!("{word} {reason}"),
        Action::GaveUp { reason, cause } => format!("{word} {reason} {cause}"),
        Action::Promote { epoch }
        | Action::Identify { epoch }
        | Action::Heartbeat { epoch }
        | Action::Authenticate { epoch } => format!("{word} {epoch}"),
    }
}

/// As `Debug` shows it, without quotes around a text.
fn plain(name: &impl fmt::Debug) -> String {
    let shown = format!("{name:?}");
    match shown.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) => String::from(text),
        None => shown,
    }
}
