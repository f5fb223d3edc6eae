//! A protocol whose every transport and step is entered in a journal.

use std::sync::Arc;
use std::time::Duration;

use redial::driver::{Command, Dial, DialError, Notice, Protocol, RefreshFailed, SendFailed};
use redial::{Cause, Epoch, IoKind};

use super::journal::{Journal, Transport};

pub(crate) struct Recorded<P> {
    pub(crate) inner: P,
    journal: Arc<Journal>,
}

impl<P> Recorded<P> {
    pub(crate) const fn new(inner: P, journal: Arc<Journal>) -> Self {
        Self { inner, journal }
    }
}

/// A half of a transport, which is dropped before its mark.
pub(crate) struct Half<T> {
    half: T,
    _mark: Arc<Transport>,
}

impl<P: Protocol<Token = String, Key = String>> Protocol for Recorded<P> {
    type Reader = Half<P::Reader>;
    type Writer = Half<P::Writer>;
    type Token = String;
    type Key = String;
    type Message = P::Message;
    type Incoming = P::Incoming;
    type Received = P::Received;

    async fn dial(&self, dial: Dial<String>) -> Result<(Self::Reader, Self::Writer), DialError> {
        let transport = Arc::new(self.journal.dial(dial.epoch));
        match self.inner.dial(dial).await {
            Ok((reader, writer)) => {
                transport.opened();
                let reader = Half { half: reader, _mark: Arc::clone(&transport) };
                Ok((reader, Half { half: writer, _mark: transport }))
            }
            Err(error) => {
                const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);
                if matches!(error, DialError::Failed { cause: REFUSED, .. }) {
                    self.journal.refused();
                }
                Err(error)
            }
        }
    }

    async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        self.inner.receive(&mut reader.half, epoch).await
    }

    async fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<String, String, P::Message>,
    ) -> Result<(), SendFailed> {
        self.inner.send(&mut writer.half, command).await
    }

    async fn close(&self, reader: Self::Reader, writer: Self::Writer, code: u16) {
        let (Half { half: reader, _mark }, Half { half: writer, .. }) = (reader, writer);
        self.inner.close(reader, writer, code).await;
    }

    async fn refresh_credential(&self) -> Result<Option<Duration>, RefreshFailed> {
        self.inner.refresh_credential().await
    }

    fn observe(&self, notice: &Notice<'_, String, String>) {
        self.inner.observe(notice);
        self.journal.observe(notice);
    }
}
