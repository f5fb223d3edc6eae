//! What happens on a connection: its stages, its session, its heartbeat, its subscriptions.

use super::*;

impl Model {
    /// F12, F30, F73: an open transport is no success, and nothing is sent before an expected greeting.
    pub(super) fn opened(&mut self) -> bool {
        (self.link.2, self.due) = (true, vec![]);
        self.unreachable = self.unreachable.filter(|_| !self.link.1);
        if !self.config.greeting() {
            return self.identify();
        }
        self.at = At::Greeting;
        self.limit(Why::GreetingTimeout, self.config.greeting_timeout())
    }

    /// F82, F86: a greeting has an interval, or the config has, or it fails where a heartbeat is required.
    pub(super) fn greeting(&mut self, asked: Option<Duration>) -> bool {
        let (config, expected) = (self.config.heartbeat(), self.at == At::Greeting);
        let interval = asked.filter(|asked| !asked.is_zero()).or(config.interval());
        if !expected && self.heartbeat.interval.is_some() {
            return false;
        } else if interval.is_none() && config.required() {
            return self.lose(Cause::BadGreeting, None, true);
        }
        let first = self.heartbeat.start(interval, &config);
        first.map(|first| self.set(Why::Heartbeat, self.now, first));
        let ended =
            [Why::GreetingTimeout, if self.watched() { Why::ReadyTimeout } else { Why::GreetingTimeout }];
        self.due.retain(|due| !ended.contains(&due.0));
        !expected || self.identify()
    }

    /// F90: whether a heartbeat waits for the session.
    pub(super) fn watched(&self) -> bool {
        let longest = us(self.config.retry_after_max());
        self.config.ready_timeout().is_none() && self.heartbeat.interval.is_some_and(|every| every <= longest)
    }

    /// F13, F58, F90: it resumes or identifies, with a deadline unless a heartbeat watches.
    pub(super) fn identify(&mut self) -> bool {
        self.at = At::Session;
        _ = self.watched() || self.limit(Why::ReadyTimeout, self.config.ready_timeout());
        let resume = self.link.0;
        self.act(|epoch| if resume { Action::Resume { epoch } } else { Action::Identify { epoch } })
    }

    /// F75, F78, lifecycle 18: a new session restores everything; a later word is about the session alone.
    pub(super) fn ready(&mut self, token: Option<u8>, endpoint: Option<u8>, sequence: Option<u64>) -> bool {
        if !matches!(self.at, At::Session | At::Auth | At::Live) {
            return false;
        }
        let (new, seen) = (self.at == At::Session, self.session.2);
        if self.config.resume().enabled() && new && token.is_some() {
            self.session = (token, endpoint, sequence.or(self.delivered));
        } else if new || self.session.0.is_none() && token.is_none() {
            self.session = (None, None, None);
        } else if self.config.resume().enabled() && token.is_some() {
            let same = self.session.0.is_none() || self.session.0 == token;
            self.session = (token, endpoint.or(self.session.1), sequence.or(seen.filter(|_| same)));
        }
        if !new {
            return true;
        }
        self.stats.fresh += 1;
        self.wishes.list.iter_mut().for_each(|wish| wish.2 = Wish::Pending);
        self.established(true)
    }

    /// F31, F91, F103: the attempt has succeeded, and once it has held the outage is over.
    pub(super) fn established(&mut self, authenticate: bool) -> bool {
        (self.link.3, self.failed_resumes, self.breaker) = (Some(self.now), 0, Breaker::default());
        self.stats.established += 1;
        self.ever = true;
        self.due.retain(|due| due.0 == Why::Heartbeat);
        let (stable, config) = (us(self.config.reset_after_stable()), self.config.heartbeat());
        _ = if stable == 0. { self.outage_over() } else { self.set(Why::Stable, self.now, (stable, stable)) };
        if self.heartbeat.interval.is_none() {
            let first = self.heartbeat.start(config.interval(), &config);
            first.map(|first| self.set(Why::Heartbeat, self.now, first));
        }
        if !(authenticate && self.config.restore().authentication()) {
            return self.live();
        }
        (self.at, self.unauthenticated) = (At::Auth, true); // F92
        self.act(|epoch| Action::Authenticate { epoch });
        self.limit(Why::AuthTimeout, self.config.ready_timeout())
    }

    pub(super) fn live(&mut self) -> bool {
        (self.at, self.restored, self.last_batch, self.unauthenticated) = (At::Live, false, None, false);
        self.due.retain(|due| due.0 != Why::AuthTimeout);
        self.restore()
    }

    /// F96, F99, lifecycle 65 and 66: a batch, if one is due.
    pub(super) fn restore(&mut self) -> bool {
        let due = self.deadlines().iter().any(|due| due.0 == Why::Restore && due.1.1 <= self.now);
        if due && self.wishes.send(self.now, self.config.restore().batches().0.into()) {
            (self.sends, self.last_batch) = (self.sends + 1, Some(self.now));
            let send = self.sends;
            self.act(|epoch| Action::Restore { epoch, send });
        }
        self.restored_if_sent()
    }

    pub(super) fn restored_if_sent(&mut self) -> bool {
        let left = self.wishes.due(self.now).is_some_and(|due| due.1 <= self.now);
        self.restored |= self.at == At::Live && !(left && self.config.restore().enabled());
        true
    }

    /// F60, F61: it never moves back, and not before the resume is out.
    pub(super) fn sequence(&mut self, number: u64) -> bool {
        let ours = self.config.resume().enabled() && (self.at != At::Greeting || !self.link.0);
        let moves = ours && self.session.2.is_none_or(|newest| number > newest);
        self.delivered = if ours { self.delivered.max(Some(number)) } else { self.delivered };
        self.session.2 = if moves { Some(number) } else { self.session.2 };
        moves
    }

    /// F80, S62, S67.
    pub(super) fn beat(&mut self) -> bool {
        let (missed, dead) = self.heartbeat.due(&self.config.heartbeat());
        if dead {
            self.stats.zombies += 1;
            return self.lose(Cause::HeartbeatMissed, None, true);
        }
        self.stats.heartbeats_missed += u32::from(missed);
        let interval = self.heartbeat.interval.unwrap_or(0.);
        self.set(Why::Heartbeat, self.now, (interval, interval));
        self.act(|epoch| Action::Heartbeat { epoch })
    }
}
