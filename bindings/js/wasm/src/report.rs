//! What a policy decided and says of itself, as numbers.

use redial::policy::{Action, Trigger};
use redial::{Actions, Explanation};

use crate::cause::number;
use crate::mail::Writer;
use crate::mailbox::Core;

/// Writes the state of the policy, and the actions of a call.
pub(crate) fn report(policy: &Core, actions: Option<Actions>) {
    let mut mail = Writer::new();
    let explained: Explanation = policy.explain();
    mail.word(explained.phase as u32);
    mail.option(explained.waiting_for.map(|reason| reason as u32));
    mail.option(policy.deadline().map(|(_, reason)| reason as u32));
    mail.word(explained.epoch.map_or(0, |epoch| epoch.get()));
    mail.word(explained.attempt);
    mail.word(explained.failures);
    mail.word(explained.mode as u32);
    mail.option(explained.last_cause.map(number));
    let (kind, detail) = of_trigger(explained.trigger);
    mail.word(kind);
    mail.word(detail);
    mail.long(Some(explained.since.as_micros()));
    mail.long(explained.until.map(|at| at.as_micros()));
    mail.long(explained.not_before.map(|at| at.as_micros()));
    mail.long(policy.session().sequence());
    mail.option(policy.session().token().copied());
    if let Some(actions) = actions {
        mail.word(actions.disposition() as u32);
        mail.word(actions.len() as u32);
        for action in actions {
            of_action(action, &mut mail);
        }
        #[cfg(feature = "subscriptions")]
        {
            use redial::subscriptions::Subscriptions;
            // The keys of the newest batch, and where they end.
            policy.subscriptions().batch().for_each(|key| mail.word(*key));
            mail.option(None);
        }
    }
}

/// Four numbers: the kind, the epoch, and two of its own.
fn of_action(action: Action, mail: &mut Writer) {
    let (kind, epoch, first, second) = match action {
        Action::Open { epoch, mode, attempt, .. } => (0, Some(epoch), mode as u32, attempt),
        Action::Promote { epoch } => (1, Some(epoch), 0, 0),
        Action::Close { epoch, code } => (2, Some(epoch), code.unwrap_or(0).into(), 0),
        Action::Identify { epoch } => (3, Some(epoch), 0, 0),
        Action::Resume { epoch } => (4, Some(epoch), 0, 0),
        Action::Heartbeat { epoch } => (5, Some(epoch), 0, 0),
        Action::RefreshCredential { request } => (6, None, request.into(), 0),
        Action::Authenticate { epoch } => (7, Some(epoch), 0, 0),
        Action::Restore { epoch, send } => (8, Some(epoch), send, 0),
        Action::DropSession { reason } => (9, None, reason as u32, 0),
        Action::GaveUp { reason, cause } => (10, None, reason as u32, number(cause)),
    };
    mail.word(kind);
    mail.word(epoch.map_or(0, |epoch| epoch.get()));
    mail.word(first);
    mail.word(second);
}

/// The kind, and what it carries.
pub(crate) fn of_trigger(trigger: Trigger) -> (u32, u32) {
    match trigger {
        Trigger::New => (0, 0),
        Trigger::Start => (1, 0),
        Trigger::RetryNow => (2, 0),
        Trigger::Stop => (3, 0),
        Trigger::Gate(reason) => (4, reason as u32),
        Trigger::Lost(cause) => (5, number(cause)),
        Trigger::NotNow => (6, 0),
        Trigger::HostResumed => (7, 0),
        Trigger::NetworkChanged => (8, 0),
        Trigger::Visible => (9, 0),
        Trigger::Redial => (10, 0),
        Trigger::MaxAge => (11, 0),
        Trigger::Requested => (12, 0),
        Trigger::SessionExpired => (13, 0),
        Trigger::Opened => (14, 0),
        Trigger::Ready => (15, 0),
        Trigger::Resumed => (16, 0),
        Trigger::Authenticated => (17, 0),
        Trigger::Restored => (18, 0),
        Trigger::GaveUp(reason) => (19, reason as u32),
        _ => (u32::MAX, 0),
    }
}
