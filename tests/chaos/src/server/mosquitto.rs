//! Mosquitto, whose log says who connects, with which session, and who subscribes to what.

use std::collections::BTreeSet;
use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use nix::sys::signal::Signal;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Connect, Packet, PubAckReason, Publish};

use super::{Asker, Site, compare};
use crate::speech::{NAME, mqtt};

#[derive(Default)]
pub(super) struct Service(Arc<Mutex<Seen>>);

/// What the log has said of the client.
#[derive(Debug, Default)]
struct Seen {
    is_connected: bool,
    /// The topics of the session.
    session: BTreeSet<String>,
    /// The lines that follow are topics.
    in_subscribe: bool,
}

impl super::Service for Service {
    fn command(&self, site: &Site) -> io::Result<Command> {
        let user = if site.is_root { "user root\n" } else { "" };
        let text = format!(
            "listener {} {}\nallow_anonymous true\nlog_dest stderr\nlog_type all\nlog_timestamp false\n{user}",
            site.port, site.bind
        );
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(site.write("mosquitto.conf", &text)?);
        Ok(command)
    }

    fn ear(&mut self) -> Arc<dyn Fn(&str) + Send + Sync> {
        // Nothing that the process before it has written late.
        self.0 = Arc::default();
        let seen = Arc::clone(&self.0);
        Arc::new(move |line| seen.lock().unwrap_or_else(PoisonError::into_inner).hear(line))
    }

    fn end(&self) -> &'static [(u64, Signal)] {
        &[(0, Signal::SIGTERM)]
    }

    fn audit(&mut self, _: &Site, keys: &BTreeSet<String>) -> Result<(), String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.is_connected {
            return Err("the client is not connected".to_owned());
        }
        compare(keys, &seen.session.iter().cloned().collect::<Vec<_>>())
    }

    fn nobody(&mut self, _: &Site) -> Result<(), String> {
        let is_connected = self.0.lock().unwrap_or_else(PoisonError::into_inner).is_connected;
        if is_connected { Err("the client is connected".to_owned()) } else { Ok(()) }
    }

    fn publish(&mut self, site: &Site, key: &str, text: &str) -> Result<Option<usize>, String> {
        let mut asker = Asker::connect(site.address())?;
        let connect =
            Connect { keep_alive: 9, client_id: String::new(), clean_start: true, properties: None };
        exchange(&mut asker, &Packet::Connect(connect, None, None))?;
        let mut message = Publish::new(key, QoS::AtLeastOnce, text.to_owned(), None);
        message.pkid = 1;
        match exchange(&mut asker, &Packet::Publish(message))? {
            Packet::PubAck(ack) => Ok((ack.reason != PubAckReason::Success).then_some(0)),
            packet => Err(format!("no answer to PUBLISH: {packet:?}")),
        }
    }
}

fn exchange(asker: &mut Asker, packet: &Packet) -> Result<Packet, String> {
    let mut out = BytesMut::new();
    mqtt::write(packet, &mut out);
    asker.say(&out)?;
    asker.hear(|input| mqtt::take(input).map_err(|cause| format!("no packet: {cause}")))
}

impl Seen {
    fn hear(&mut self, line: &str) {
        let topic = line.strip_prefix('\t').and_then(|line| line.split(" (QoS").next());
        if let (true, Some(topic)) = (self.in_subscribe, topic) {
            self.session.insert(topic.to_owned());
            return;
        }
        // Between the topics it says who has subscribed to them.
        self.in_subscribe = match line.strip_prefix("Received SUBSCRIBE from ") {
            Some(name) => name == NAME,
            None => self.in_subscribe && line.starts_with(&format!("{NAME} ")),
        };
        let is_end = line.strip_prefix(&format!("Client {NAME} ")).is_some();
        if is_end {
            self.is_connected = false;
        } else if line.starts_with("New client connected") && line.contains(&format!(" as {NAME} ")) {
            self.is_connected = true;
        } else if line == format!("Sending CONNACK to {NAME} (0, 0)") {
            self.session.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn the_log_tells_connections_sessions_and_subscriptions() {
        let mut seen = Seen::default();
        let mut hear = |lines: &[&str]| {
            lines.iter().for_each(|line| seen.hear(line));
            (seen.is_connected, seen.session.len())
        };
        let connected = "New client connected from 198.18.0.1:4711 as redial (p5, c1, k2).";
        let subscribed =
            ["Received SUBSCRIBE from redial", "\ta (QoS 1)", "redial 1 a", "\tb (QoS 1)", "redial 1 b"];
        assert_eq!(hear(&["New connection from 198.18.0.1:4711 on port 4000.", connected]), (true, 0));
        assert_eq!(hear(&["Sending CONNACK to redial (0, 0)"]), (true, 0));
        assert_eq!(hear(&subscribed), (true, 2));
        assert_eq!(hear(&["Sending SUBACK to redial", "\tc (QoS 1)"]), (true, 2));
        assert_eq!(hear(&["Client redial closed its connection."]), (false, 2));
        assert_eq!(hear(&[connected, "Sending CONNACK to redial (1, 0)"]), (true, 2));
        assert_eq!(hear(&["Client redial already connected, closing old connection.", connected]), (true, 2));
        assert_eq!(hear(&["Sending CONNACK to redial (0, 0)"]), (true, 0));
        assert_eq!(hear(&["Received SUBSCRIBE from publisher", "\ta (QoS 1)"]), (true, 0));
    }
}
