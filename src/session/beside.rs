//! The session of a connection and of the successor that is to continue it.

use super::{SessionState, UNKNOWN};
use crate::time::OptInstant;

impl<T> SessionState<T> {
    /// This is the session of a successor now, beside the connection that carries it: no time to live runs.
    pub(crate) const fn outlive(&mut self) {
        self.ends = OptInstant::NONE;
        self.ttl_ms = UNKNOWN;
    }

    /// A successor is to resume the session of the `connection`: from where that is now, at an endpoint that was not found to be
    /// unreachable.
    pub(crate) fn follow(&mut self, connection: &Self)
    where
        T: Clone + PartialEq,
    {
        if self.token != connection.token {
            *self = connection.clone();
        }
        self.outlive();
        (self.sequence, self.has_sequence) = (connection.sequence, connection.has_sequence);
    }

    /// The successor continues the session of the `connection`, from the newer of both numbers.
    pub(crate) fn join(&mut self, connection: &Self)
    where
        T: Clone + PartialEq,
    {
        if self.token != connection.token {
            self.token.clone_from(&connection.token);
            self.endpoint.clone_from(&connection.endpoint);
        }
        if let Some(sequence) = connection.sequence() {
            self.observe(sequence);
        }
        (self.ends, self.ttl_ms) = (connection.ends, connection.ttl_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F64: a token and the endpoint that belongs to it are one session; the newer of two numbers is where it is.
    #[test]
    fn a_successor_takes_the_endpoint_of_another_session_only() {
        let connection = SessionState::resumable("token", Some("node7"), Some(20));
        let mut same = SessionState::resumable("token", Some("node8"), Some(22));
        same.join(&connection);
        assert_eq!((same.endpoint(), same.sequence()), (Some(&"node8"), Some(22)));
        let mut other = SessionState::resumable("older", Some("node8"), Some(3));
        other.join(&connection);
        assert_eq!((other.token(), other.endpoint()), (Some(&"token"), Some(&"node7")));
        assert_eq!(other.sequence(), Some(20));
    }
}
