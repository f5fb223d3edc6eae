//! The status codes of gRPC. Plain numbers: every implementation has them, and tonic's type changes with each of its versions.

use crate::classify::{Cause, Class};

/// A status code of gRPC, with which a stream or a call has ended: [`Cause::Http`] with the status that `google/rpc/code.proto` gives
/// as its equal, so that the tables for HTTP judge it and a config needs no table of its own.
///
/// | code | cause |
/// | --- | --- |
/// | 0 `OK`: the server ended the stream | [`Cause::NoCloseFrame`] |
/// | 1 `CANCELLED` | [`Class::Transient`] |
/// | 2 `UNKNOWN` | HTTP 500 |
/// | 3 `INVALID_ARGUMENT` | HTTP 400 |
/// | 4 `DEADLINE_EXCEEDED` | HTTP 504 |
/// | 5 `NOT_FOUND` | HTTP 404 |
/// | 6 `ALREADY_EXISTS` | HTTP 409 |
/// | 7 `PERMISSION_DENIED` | HTTP 403 |
/// | 8 `RESOURCE_EXHAUSTED` | HTTP 429 |
/// | 9 `FAILED_PRECONDITION` | HTTP 400 |
/// | 10 `ABORTED` | [`Class::Transient`] |
/// | 11 `OUT_OF_RANGE` | HTTP 400 |
/// | 12 `UNIMPLEMENTED` | HTTP 501 |
/// | 13 `INTERNAL` | HTTP 500 |
/// | 14 `UNAVAILABLE` | HTTP 503 |
/// | 15 `DATA_LOSS` | HTTP 500 |
/// | 16 `UNAUTHENTICATED` | HTTP 401 |
/// | any other | [`Cause::Unknown`] |
///
/// Two differ from that file. Its 499 for `CANCELLED` is "client closed request", but a client that reads a cause has not cancelled:
/// a server or proxy that shuts down resets streams so. Its 409 for `ABORTED` would be final, where the file itself says that the
/// client should retry at a higher level, and a new connection is one.
///
/// With tonic: `causes::grpc(status.code() as u32)`.
///
/// Sources: [`google/rpc/code.proto`](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto) and gRPC's
/// [status codes](https://grpc.io/docs/guides/status-codes/).
///
/// ```
/// use redial::classify::{Class, Classifier, tables};
/// use redial::{Cause, causes};
///
/// assert_eq!(causes::grpc(14), Cause::Http(503)); // UNAVAILABLE
/// const CLASSIFIER: Classifier = Classifier::new(&tables::TRANSPORT).build_const();
/// assert_eq!(CLASSIFIER.classify(causes::grpc(16)).class, Class::Auth); // UNAUTHENTICATED
/// ```
#[doc(alias = "tonic")]
#[must_use]
pub const fn grpc(code: u32) -> Cause {
    Cause::Http(match code {
        0 => return Cause::NoCloseFrame,
        1 | 10 => return Cause::Class(Class::Transient),
        2 | 13 | 15 => 500,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => return Cause::Unknown,
    })
}
