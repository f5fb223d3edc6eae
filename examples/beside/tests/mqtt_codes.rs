//! Issue 15, item 2: what a real MQTT broker says becomes its cause. The packets are written by hand, so that both versions of the
//! protocol are spoken by one client of 30 lines.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[path = "../../../tests/common/port.rs"]
mod port;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redial::classify::{Class, Classifier, tables};
use redial::{Cause, causes};

use port::free_port;

const TABLE: Classifier = Classifier::new(&tables::MQTT5).build_const();

/// A broker of one test. It does not outlive the test.
struct Broker {
    port: u16,
    process: Child,
    config: PathBuf,
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Gone already is as good.
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
        fs::remove_file(&self.config).unwrap_or_default();
    }
}

impl Broker {
    /// With this configuration, as soon as it listens; `None` where there is none to be had.
    fn start(config: &str) -> Option<Self> {
        let port = free_port();
        let path = std::env::temp_dir().join(format!("redial-mqtt-{}-{port}.conf", std::process::id()));
        fs::write(&path, format!("listener {port} 127.0.0.1\nuser root\n{config}\n")).unwrap();
        let mut broker = Command::new("mosquitto");
        let Ok(process) = broker.arg("-c").arg(&path).stderr(Stdio::null()).spawn() else {
            eprintln!("SKIPPED: there is no mosquitto here");
            return None;
        };
        let mut broker = Self { port, process, config: path };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(broker.process.try_wait().unwrap(), None, "the broker has ended");
            pause();
        }
        Some(broker)
    }

    /// Connects, and gives back the connection with the code of the CONNACK.
    fn connect(&self, version: u8, flags: u8, client: &str, login: &[&str]) -> (TcpStream, u8) {
        let string =
            |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
        let mut body = [string("MQTT"), vec![version, flags, 0, 60]].concat();
        if version == 5 {
            body.push(0);
        }
        body.extend(string(client));
        login.iter().for_each(|text| body.extend(string(text)));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(&[&[0x10, u8::try_from(body.len()).unwrap()], &body[..]].concat()).unwrap();
        let packet = packet(&mut stream);
        assert_eq!(packet[0], 0x20, "a CONNACK: {packet:02X?}");
        (stream, packet[3])
    }

    #[track_caller]
    fn refuses(&self, version: u8, flags: u8, client: &str, login: &[&str], class: Class) {
        let code = self.connect(version, flags, client, login).1;
        let cause = if version == 5 { causes::mqtt5(code) } else { causes::mqtt3(code) };
        assert_eq!(TABLE.classify(cause).class, class, "{cause} of {code:#04x}");
    }
}

/// The next packet; all of these are short.
fn packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 2];
    stream.read_exact(&mut packet).unwrap();
    packet.resize(2 + usize::from(packet[1]), 0);
    stream.read_exact(&mut packet[2..]).unwrap();
    packet
}

#[expect(clippy::disallowed_methods, reason = "a real server takes its time")]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

const CLEAN: u8 = 0x02;
const WITH_LOGIN: u8 = 0xC2;

#[test]
fn a_refused_connack_says_the_same_in_both_versions() {
    let Some(broker) = Broker::start("allow_anonymous false") else { return };
    for version in [4, 5] {
        broker.refuses(version, CLEAN, "a", &[], Class::Auth);
        broker.refuses(version, WITH_LOGIN, "a", &["nobody", "wrong"], Class::Auth);
    }
    let broker = Broker::start("allow_anonymous true").unwrap();
    // A client without a name can't keep a session, and a version that there is not can't be spoken.
    broker.refuses(4, 0, "", &[], Class::Fatal);
    broker.refuses(9, CLEAN, "a", &[], Class::Fatal);
    assert_eq!(broker.connect(4, CLEAN, "a", &[]).1, 0);
}

/// What the client has done wrong is said in a DISCONNECT of MQTT 5. Debian's mosquitto, 2.0.11, sends none when another client
/// takes a session over, or when it is stopped: those packets are in `tests/causes/codes.rs`.
#[test]
fn a_disconnect_of_the_broker_says_why() {
    let Some(broker) = Broker::start("allow_anonymous true\nmax_packet_size 100") else { return };
    let too_large = [&[0x30, 0xFF, 0x7F, 0, 1, b'a'], &[b'x'; 200][..]].concat();
    let no_filter = vec![0x82, 6, 0, 1, 0, 0, 0, 0];
    let wrong_topic = vec![0x30, 5, 0, 2, b'a', b'#', 0];
    for (sent, code, class) in
        [(too_large, 0x95, Class::Fatal), (no_filter, 0x81, Class::Fresh), (wrong_topic, 0x82, Class::Fresh)]
    {
        let mut stream = broker.connect(5, CLEAN, "a", &[]).0;
        stream.write_all(&sent).unwrap();
        let disconnect = packet(&mut stream);
        let cause = causes::mqtt5(disconnect[2]);
        assert_eq!((disconnect[0], cause), (0xE0, Cause::CloseFrame(code)));
        assert_eq!(TABLE.classify(cause).class, class, "{cause}");
    }
}
