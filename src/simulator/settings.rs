//! How a simulator is set up.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

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
            .finish()
    }
}

/// One reading of what the documents leave open (F4, F8–F12, F17). `offset` counts pages from 0,
/// `numResults` is the window's total, and the start of a session is what windows filter; these have
/// one reading so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Rows of a page, and what a larger `limit` is cut to (F1).
    pub page_rows: u32,
    /// Largest `offset` that is answered; a larger one is refused with 400 (F10, F12).
    pub last_page: u32,
    /// Longest range in seconds (F4: 168 hours).
    pub range_seconds: i64,
    /// Whether rows that start in the second of `endDate` belong to the window (F17).
    pub last_second_included: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { page_rows: 100, last_page: 10, range_seconds: 168 * 3_600, last_second_included: true }
    }
}
