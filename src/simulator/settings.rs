//! How a simulator is set up.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;

use super::behaviour::Behaviour;
use super::faults::Faults;
use super::generator::GeneratorSettings;

/// How a simulator is set up. The default is an open door for tests: a free loopback port, no rate
/// limit, no latency.
#[derive(Clone, PartialEq, Eq)]
pub struct SimulatorSettings {
    /// Which records there are, and of which account and streams.
    pub data: GeneratorSettings,
    /// Client id, the claim `appId` of a token (F6).
    pub client_id: String,
    /// Secret that tokens are signed with (F6).
    pub client_secret: String,
    /// Requests a minute that the account may make (F5: 60 in the real service); none: no limit.
    pub rate_per_minute: Option<u32>,
    /// Time that every answer waits. Only over HTTP.
    pub latency: Option<Duration>,
    /// Whether tokens need a `jti` of their own for every request and an `exp` within the hour (F6).
    pub require_jti: bool,
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// What the documents leave open.
    pub behaviour: Behaviour,
    /// What goes wrong on the way to a client. Only over HTTP.
    pub faults: Faults,
    /// What the clock shows at first; none: there is no clock, and rows never change with time. See
    /// [`Simulator::set_now`](super::Simulator::set_now).
    pub now: Option<Timestamp>,
    /// Whether the clock goes on by itself, as fast as the real one. Else it stands until it is moved.
    pub clock_runs: bool,
    /// Whether every version of a record that is served is remembered, see
    /// [`Simulator::last_served`](super::Simulator::last_served). Takes memory: for tests.
    pub record: bool,
}

impl Default for SimulatorSettings {
    fn default() -> Self {
        Self {
            data: GeneratorSettings::default(),
            client_id: "cs-8a4f2b16-7d03-5c9e-b1a5-3e60d97c42f8".to_owned(),
            client_secret: "not a secret: signs tokens for simulated data only".to_owned(),
            rate_per_minute: None,
            latency: None,
            require_jti: false,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            behaviour: Behaviour::default(),
            faults: Faults::default(),
            now: None,
            clock_runs: false,
            record: false,
        }
    }
}

impl fmt::Debug for SimulatorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorSettings")
            .field("data", &self.data)
            .field("client_id", &self.client_id)
            .field("client_secret", &"…")
            .field("rate_per_minute", &self.rate_per_minute)
            .field("latency", &self.latency)
            .field("require_jti", &self.require_jti)
            .field("bind", &self.bind)
            .field("behaviour", &self.behaviour)
            .field("faults", &self.faults)
            .field("now", &self.now)
            .field("clock_runs", &self.clock_runs)
            .field("record", &self.record)
            .finish()
    }
}
