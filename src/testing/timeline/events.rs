//! The events of a timeline, each at the present time and with the number of the epoch that it is of.

use core::time::Duration;

use crate::classify::Cause;
use crate::policy::{Epoch, Event, HoldReason, RetryAfter};
use crate::subscriptions::Subscriptions;

use super::super::checked::Checkable;
use super::Timeline;

/// Events. For any other, and for more fields, there is [`Timeline::event`].
///
/// # Panics
///
/// Beside the promises: if an epoch is 0, or a hold is above 31.
impl<D: Checkable> Timeline<D> {
    /// [`Event::Start`].
    #[track_caller]
    pub fn start(&mut self) -> &mut Self {
        self.event(Event::Start)
    }

    /// [`Event::Stop`], which ends the session.
    #[track_caller]
    pub fn stop(&mut self) -> &mut Self {
        self.event(Event::Stop { keep: false })
    }

    /// [`Event::Stop`] that keeps the session.
    #[track_caller]
    pub fn stop_keeping_session(&mut self) -> &mut Self {
        self.event(Event::Stop { keep: true })
    }

    /// [`Event::RetryNow`].
    #[track_caller]
    pub fn retry_now(&mut self) -> &mut Self {
        self.event(Event::RetryNow)
    }

    /// [`Event::Redial`].
    #[track_caller]
    pub fn redial(&mut self) -> &mut Self {
        self.event(Event::Redial)
    }

    /// [`Event::Hold`].
    #[track_caller]
    pub fn hold(&mut self, reason: u8) -> &mut Self {
        self.event(Event::Hold(reason_of(reason)))
    }

    /// [`Event::Release`].
    #[track_caller]
    pub fn release(&mut self, reason: u8) -> &mut Self {
        self.event(Event::Release(reason_of(reason)))
    }

    /// [`Event::HostResumed`] after so many milliseconds, which the clock counted.
    #[track_caller]
    pub fn host_resumed(&mut self, gap: u64) -> &mut Self {
        self.event(Event::HostResumed { gap: Duration::from_millis(gap), counted: true })
    }

    /// [`Event::Opened`].
    #[track_caller]
    pub fn opened(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Opened { epoch: number(epoch) })
    }

    /// [`Event::OpenFailed`].
    #[track_caller]
    pub fn open_failed(&mut self, epoch: u32, cause: Cause) -> &mut Self {
        self.event(Event::OpenFailed { epoch: number(epoch), cause, retry_after: None })
    }

    /// [`Event::OpenFailed`] with this HTTP status, and with the `Retry-After` that came with it, which is
    /// [at least](RetryAfter::AtLeast) so long.
    #[track_caller]
    pub fn refused(&mut self, epoch: u32, status: u16, retry_after: Option<Duration>) -> &mut Self {
        self.event(Event::OpenFailed {
            epoch: number(epoch),
            cause: Cause::Http(status),
            retry_after: retry_after.map(RetryAfter::from),
        })
    }

    /// [`Event::NotNow`].
    #[track_caller]
    pub fn not_now(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::NotNow { epoch: number(epoch), retry_after: None })
    }

    /// [`Event::Closed`].
    #[track_caller]
    pub fn closed(&mut self, epoch: u32, cause: Cause) -> &mut Self {
        self.event(Event::Closed { epoch: number(epoch), cause })
    }

    /// [`Event::SendFailed`].
    #[track_caller]
    pub fn send_failed(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::SendFailed { epoch: number(epoch) })
    }

    /// [`Event::Greeting`] that asks for a heartbeat every so many milliseconds; 0: for none.
    #[track_caller]
    pub fn greeting(&mut self, epoch: u32, interval: u64) -> &mut Self {
        self.event(Event::Greeting { epoch: number(epoch), heartbeat: Some(Duration::from_millis(interval)) })
    }

    /// [`Event::Ready`].
    #[track_caller]
    pub fn ready(&mut self, epoch: u32, token: Option<D::Token>, sequence: Option<u64>) -> &mut Self {
        self.event(Event::Ready { epoch: number(epoch), token, endpoint: None, sequence, ttl: None })
    }

    /// [`Event::Resumed`].
    #[track_caller]
    pub fn resumed(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Resumed { epoch: number(epoch) })
    }

    /// [`Event::Sequence`].
    #[track_caller]
    pub fn sequence(&mut self, epoch: u32, sequence: u64) -> &mut Self {
        self.event(Event::Sequence { epoch: number(epoch), sequence })
    }

    /// [`Event::ReconnectRequested`], at once.
    #[track_caller]
    pub fn reconnect_requested(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::ReconnectRequested { epoch: number(epoch), retry_after: None, deadline: None })
    }

    /// [`Event::HeartbeatAcked`].
    #[track_caller]
    pub fn heartbeat_acked(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::HeartbeatAcked { epoch: number(epoch) })
    }

    /// [`Event::HeartbeatRequested`].
    #[track_caller]
    pub fn heartbeat_requested(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::HeartbeatRequested { epoch: number(epoch) })
    }

    /// [`Event::Received`].
    #[track_caller]
    pub fn received(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Received { epoch: number(epoch) })
    }

    /// [`Event::CredentialOk`] for the newest request, without a time to live.
    #[track_caller]
    pub fn credential_ok(&mut self) -> &mut Self {
        self.event(Event::CredentialOk { request: None, ttl: None })
    }

    /// [`Event::AuthOk`].
    #[track_caller]
    pub fn auth_ok(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::AuthOk { epoch: number(epoch) })
    }

    /// [`Event::Subscribe`].
    #[track_caller]
    pub fn subscribe(&mut self, key: <D::Subscriptions as Subscriptions>::Key, priority: i32) -> &mut Self {
        self.event(Event::Subscribe { key, priority })
    }

    /// [`Event::Unsubscribe`].
    #[track_caller]
    pub fn unsubscribe(&mut self, key: <D::Subscriptions as Subscriptions>::Key) -> &mut Self {
        self.event(Event::Unsubscribe { key })
    }

    /// [`Event::SubscriptionConfirmed`] for the newest send.
    #[track_caller]
    pub fn subscription_confirmed(
        &mut self,
        epoch: u32,
        key: <D::Subscriptions as Subscriptions>::Key,
    ) -> &mut Self {
        self.event(Event::SubscriptionConfirmed { epoch: number(epoch), key, send: None })
    }
}

#[track_caller]
fn number(epoch: u32) -> Epoch {
    let Some(epoch) = Epoch::from_raw(epoch) else { panic!("epochs count from 1") };
    epoch
}

#[track_caller]
fn reason_of(number: u8) -> HoldReason {
    let Some(reason) = HoldReason::new(number) else {
        panic!("holds have the numbers 0 to 31, not {number}")
    };
    reason
}
