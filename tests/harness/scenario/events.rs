//! The events of a script, each with the epoch that it speaks of.

use core::time::Duration;

use redial::policy::HoldReason;
use redial::{Cause, Epoch, Event};

use super::super::ms;
use super::Scenario;

impl Scenario {
    #[track_caller]
    pub fn start(&mut self) -> &mut Self {
        self.event(Event::Start)
    }

    #[track_caller]
    pub fn stop(&mut self, keep: bool) -> &mut Self {
        self.event(Event::Stop { keep })
    }

    #[track_caller]
    pub fn retry_now(&mut self) -> &mut Self {
        self.event(Event::RetryNow)
    }

    #[track_caller]
    pub fn hold(&mut self, reason: u8) -> &mut Self {
        self.event(Event::Hold(HoldReason::new(reason).unwrap()))
    }

    #[track_caller]
    pub fn release(&mut self, reason: u8) -> &mut Self {
        self.event(Event::Release(HoldReason::new(reason).unwrap()))
    }

    #[track_caller]
    pub fn woke(&mut self, gap: u64) -> &mut Self {
        self.event(Event::HostResumed { gap: ms(gap), counted: true })
    }

    #[track_caller]
    pub fn opened(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Opened { epoch: number(epoch) })
    }

    #[track_caller]
    pub fn open_failed(&mut self, epoch: u32, cause: Cause) -> &mut Self {
        self.event(Event::OpenFailed { epoch: number(epoch), cause, retry_after: None })
    }

    #[track_caller]
    pub fn refused(&mut self, epoch: u32, status: u16, retry_after: Option<Duration>) -> &mut Self {
        self.event(Event::OpenFailed { epoch: number(epoch), cause: Cause::Http(status), retry_after })
    }

    #[track_caller]
    pub fn not_now(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::NotNow { epoch: number(epoch), retry_after: None })
    }

    #[track_caller]
    pub fn closed(&mut self, epoch: u32, cause: Cause) -> &mut Self {
        self.event(Event::Closed { epoch: number(epoch), cause })
    }

    #[track_caller]
    pub fn send_failed(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::SendFailed { epoch: number(epoch) })
    }

    /// 0: a greeting without an interval.
    #[track_caller]
    pub fn greeting(&mut self, epoch: u32, interval: u64) -> &mut Self {
        self.event(Event::Greeting { epoch: number(epoch), heartbeat: Some(ms(interval)) })
    }

    /// A session "s<epoch>" with no endpoint of its own.
    #[track_caller]
    pub fn ready(&mut self, epoch: u32, sequence: Option<u64>) -> &mut Self {
        self.ready_at(epoch, sequence, None)
    }

    #[track_caller]
    pub fn ready_at(
        &mut self,
        epoch: u32,
        sequence: Option<u64>,
        endpoint: Option<&'static str>,
    ) -> &mut Self {
        let token = ["s0", "s1", "s2", "s3"].get(epoch as usize).copied().unwrap_or("s");
        let epoch = number(epoch);
        self.event(Event::Ready { epoch, token: Some(token), endpoint, sequence, ttl: None })
    }

    #[track_caller]
    pub fn resumed(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Resumed { epoch: number(epoch) })
    }

    #[track_caller]
    pub fn seq(&mut self, epoch: u32, n: u64) -> &mut Self {
        self.event(Event::Sequence { epoch: number(epoch), sequence: n })
    }

    #[track_caller]
    pub fn reconnect_requested(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::ReconnectRequested { epoch: number(epoch), retry_after: None, deadline: None })
    }

    #[track_caller]
    pub fn session_invalid(&mut self, epoch: u32, resumable: bool) -> &mut Self {
        self.event(Event::SessionInvalid { epoch: number(epoch), resumable })
    }

    #[track_caller]
    pub fn beat_ack(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::HeartbeatAcked { epoch: number(epoch) })
    }

    #[track_caller]
    pub fn beat_requested(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::HeartbeatRequested { epoch: number(epoch) })
    }

    #[track_caller]
    pub fn rx(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Received { epoch: number(epoch) })
    }

    #[track_caller]
    pub fn auth_ok(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::AuthOk { epoch: number(epoch) })
    }

    #[track_caller]
    pub fn auth_failed(&mut self, epoch: u32, fatal: bool) -> &mut Self {
        self.event(Event::AuthFailed { epoch: number(epoch), fatal })
    }

    #[track_caller]
    pub fn credential_failed(&mut self, fatal: bool) -> &mut Self {
        self.event(Event::CredentialFailed { request: None, fatal })
    }

    #[track_caller]
    pub fn subscribe(&mut self, key: &'static str, priority: i32) -> &mut Self {
        self.event(Event::Subscribe { key, priority })
    }

    #[track_caller]
    pub fn unsubscribe(&mut self, key: &'static str) -> &mut Self {
        self.event(Event::Unsubscribe { key })
    }

    #[track_caller]
    pub fn confirmed(&mut self, epoch: u32, key: &'static str) -> &mut Self {
        self.event(Event::SubscriptionConfirmed { epoch: number(epoch), key, send: None })
    }

    #[track_caller]
    pub fn sub_failed(&mut self, epoch: u32, key: &'static str, retryable: bool) -> &mut Self {
        self.event(Event::SubscriptionFailed { epoch: number(epoch), key, send: None, retryable })
    }
}

pub fn number(epoch: u32) -> Epoch {
    Epoch::from_raw(epoch).expect("epochs count from 1")
}
