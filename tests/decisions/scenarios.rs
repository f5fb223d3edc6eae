//! The conformance scenarios (S01 …): each test names its rule. Events in, decisions out, through the public API only.

mod a_one_loss;
mod b_timers;
mod c_backoff;
mod c_server_waits;
mod d_session;
mod e_heartbeat;
mod f_host;
mod g_credentials;
mod h_restoration;
mod i_breaker;
mod j_clock;
