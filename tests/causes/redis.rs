//! The crate `redis` and a server that says one thing.

use std::io::{Read, Write};
use std::thread;

use redial::classify::Class;
use redial::{Cause, IoKind, causes};
use redis::RedisError;

use crate::sockets::{Library, listener, nobody};

fn ask(url: String) -> RedisError {
    let client = redis::Client::open(url).unwrap();
    let answer = client
        .get_connection()
        .and_then(|mut connection| redis::cmd("GET").arg("x").query::<i64>(&mut connection));
    answer.unwrap_err()
}

/// What the client makes of a server that answers every command with this.
fn answered(answer: &'static str) -> RedisError {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut read = [0; 4096];
        while let Ok(1..) = stream.read(&mut read) {
            // More answers than questions do no harm.
            drop(stream.write_all(answer.repeat(4).as_bytes()));
            if answer.is_empty() {
                break;
            }
        }
    });
    let error = ask(format!("redis://{address}/"));
    drop(server);
    error
}

/// The words that the crate knows and those that it only passes on.
#[test]
fn an_answer_is_read_by_its_first_word() {
    for (answer, cause) in [
        ("-LOADING Redis is loading the dataset in memory\r\n", Cause::Class(Class::Transient)),
        ("-MISCONF Redis is configured to save\r\n", Cause::Class(Class::Transient)),
        ("-READONLY You can't write against a read only replica.\r\n", Cause::Class(Class::Transient)),
        ("-ERR max number of clients reached\r\n", Cause::Class(Class::RateLimited)),
        ("-NOAUTH Authentication required.\r\n", Cause::AuthRejected),
        ("-NOPERM this user has no permissions\r\n", Cause::AuthDenied),
        ("-NOPROTO unsupported protocol version\r\n", Cause::Class(Class::Fatal)),
        ("-WRONGTYPE Operation against a key\r\n", Cause::Unknown),
        ("+words\r\n", Cause::Io(IoKind::InvalidData)),
        ("?\r\n", Cause::Io(IoKind::InvalidData)),
    ] {
        let error = answered(answer);
        assert_eq!(Cause::from(&error), cause, "{answer}: {error}");
        let library = Library(Some(Box::new(error)));
        assert_eq!(causes::of(&library), cause, "{answer}");
    }
}

/// Kinds that the crate makes by itself, here by hand: most need a cluster or sentinels.
#[test]
fn every_other_kind_of_the_crate_has_a_cause() {
    use redis::ErrorKind as Kind;
    for (kind, cause) in [
        (Kind::AuthenticationFailed, Cause::AuthRejected),
        (Kind::EmptySentinelList, Cause::Io(IoKind::InvalidInput)),
        (Kind::MasterNameNotFoundBySentinel, Cause::Class(Class::Transient)),
        (Kind::NoValidReplicasFoundBySentinel, Cause::Class(Class::Transient)),
        (Kind::ClusterConnectionNotFound, Cause::Class(Class::Transient)),
        (Kind::RESP3NotSupported, Cause::Class(Class::Fatal)),
        (Kind::Io, Cause::Io(IoKind::Other)),
        (Kind::Client, Cause::Unknown),
        (Kind::UnexpectedReturnType, Cause::Unknown),
    ] {
        assert_eq!(Cause::from(&RedisError::from((kind, "by hand"))), cause, "{kind:?}");
    }
}

#[test]
fn an_error_of_the_socket_or_of_the_set_up_is_told_from_an_answer() {
    let error = ask(format!("redis://{}/", nobody()));
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::ConnectionRefused), "{error}");
    let error = ask("redis://no-such-name.invalid/".to_owned());
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::NameNotFound), "{error}");
    let error = answered("");
    let lost = [IoKind::UnexpectedEof, IoKind::ConnectionReset, IoKind::BrokenPipe].map(Cause::Io);
    assert!(lost.contains(&Cause::from(&error)), "{error}");
    for url in ["redis:///", "http://127.0.0.1", "redis://127.0.0.1/x", "redis://0.0.0.0"] {
        let error = redis::Client::open(url).err().unwrap();
        assert_eq!(Cause::from(&error), Cause::Io(IoKind::InvalidInput), "{url}: {error}");
    }
}
