//! What goes wrong on the way to a client, by chance or by script.

use std::fmt;
use std::time::Duration;

use super::error::SimulatorError;

macro_rules! faults {
    ($( $fault:ident = $name:literal, $about:literal; )+) => {
        /// One thing that goes wrong with an answer. Only over HTTP.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault { $( #[doc = $about] $fault, )+ }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$fault),+];

            /// What it is called.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)+
                }
            }

            /// What goes wrong.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$fault => $about,)+
                }
            }
        }
    };
}

faults! {
    Throttled = "429", "status 429 without Retry-After";
    ThrottledSeconds = "429-seconds", "status 429 with Retry-After in seconds";
    ThrottledDate = "429-date", "status 429 with Retry-After as an HTTP date";
    Internal = "500", "status 500 in the API's shape";
    BadGateway = "502", "status 502 with a gateway's HTML";
    Busy = "503", "status 503 with a gateway's HTML";
    GatewayTimeout = "504", "status 504 with a gateway's HTML";
    Html = "html", "HTML with status 200";
    Empty = "empty", "no body with status 200";
    Cut = "cut", "a body that ends at any byte, with the content-length of what is left";
    CutShort = "cut-short", "a body that ends at any byte, with the content-length of the whole";
    NoData = "no-data", "JSON without `data`, with status 200";
    Errors = "errors", "`errors` instead of `data`, with status 200";
    ResetBefore = "reset-before", "the connection is reset before the answer";
    ResetWithin = "reset-within", "the connection is reset at any byte of the body";
    ResetAfter = "reset-after", "the connection is reset after the last byte of the body";
    Stall = "stall", "no answer for ten minutes, then the connection closes";
    StallWithin = "stall-within", "a body that stands still at any byte for ten minutes, then the connection closes";
    ExpiredToken = "expired-token", "a token runs out: 401 for it from now on (below a rate of 100 after 20 requests)";
    ReusedJti = "reused-jti", "401 as for a token used before (below a rate of 100 not twice in a row for a request)";
    PageTwice = "page-twice", "the page before of the same window comes again, each page once at most";
    TotalAbove = "total-above", "numResults says more than there is";
    TotalBelow = "total-below", "numResults says less than there is";
}

/// Requests that a token serves before chance lets it run out.
pub(super) const LIFE: u32 = 20;

impl Fault {
    /// The fault of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// What goes wrong, and how often. The default: nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// Of a hundred requests for pages so many have each fault; 100 at most in all. What request has which is
    /// seeded.
    pub rates: Vec<(Fault, u32)>,
    /// Faults of certain requests, counted from 1 in the order in which they come. They go before the rates.
    pub script: Vec<(u64, Fault)>,
    /// Seed of the rates.
    pub seed: u64,
    /// The wait that a 429 names, in whole seconds.
    pub retry_after: Duration,
    /// How long a stall lasts; longer than a client's patience.
    pub stall: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            rates: Vec::new(),
            script: Vec::new(),
            seed: 1,
            retry_after: Duration::from_secs(1),
            stall: Duration::from_mins(10),
        }
    }
}

impl Faults {
    /// These faults, each at so many of a hundred requests.
    pub fn at(rate: u32, faults: &[Fault]) -> Self {
        Self { rates: faults.iter().map(|fault| (*fault, rate)).collect(), ..Self::default() }
    }

    /// Whether nothing goes wrong.
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.script.is_empty()
    }

    /// Adds a fault as a command line names it: `503=10` for ten of a hundred requests, `503@7` for the seventh.
    ///
    /// # Errors
    /// There is no such fault, the number is none, or the rates come to more than 100; the text says which.
    pub fn add(&mut self, text: &str) -> Result<(), SimulatorError> {
        let bad = |expected: &'static str| SimulatorError::Fault { expected, found: text.to_owned() };
        let (name, number) = text.split_once(['=', '@']).ok_or_else(|| bad("`NAME=RATE` or `NAME@REQUEST`"))?;
        let fault = Fault::named(name).ok_or_else(|| SimulatorError::FaultName {
            known: Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join("`, `"),
            found: name.to_owned(),
        })?;
        if text[name.len()..].starts_with('@') {
            let request = number.parse().ok().filter(|request| *request > 0);
            self.script.push((request.ok_or_else(|| bad("the number of a request, from 1 on"))?, fault));
        } else {
            let rate = number.parse().map_err(|_| bad("a rate of a hundred requests"))?;
            self.rates.push((fault, rate));
            self.check()?;
        }
        Ok(())
    }

    /// Checks that all rates together are at most 100.
    pub(super) fn check(&self) -> Result<(), SimulatorError> {
        let sum = self.rates.iter().fold(0_u32, |sum, (_, rate)| sum.saturating_add(*rate));
        if sum <= 100 { Ok(()) } else { Err(SimulatorError::FaultRates { sum }) }
    }

    /// The fault that the script has for a request, counted from 1.
    pub(super) fn scripted(&self, request: u64) -> Option<Fault> {
        self.script.iter().find(|(at, _)| *at == request).map(|(_, fault)| *fault)
    }

    /// The fault that a roll of a hundred gives.
    pub(super) fn by_rate(&self, mut roll: u32) -> Option<Fault> {
        for (fault, rate) in &self.rates {
            match roll.checked_sub(*rate) {
                Some(rest) => roll = rest,
                None => return Some(*fault),
            }
        }
        None
    }

    /// Whether any request may have `fault`.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.rates.iter().any(|(known, _)| *known == fault) || self.script.iter().any(|(_, known)| *known == fault)
    }

    /// Whether every request is to have `fault`.
    pub(super) fn is_permanent(&self, fault: Fault) -> bool {
        self.rates.contains(&(fault, 100))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(texts: &[&str]) -> String {
        let mut faults = Faults::default();
        texts.iter().find_map(|text| faults.add(text).err()).unwrap().to_string()
    }

    #[test]
    fn a_fault_is_named_with_a_rate_or_a_request() {
        let mut faults = Faults::default();
        for text in ["503=10", "reset-within@7", "429-date=90"] {
            faults.add(text).unwrap();
        }
        assert_eq!(faults.rates, [(Fault::Busy, 10), (Fault::ThrottledDate, 90)]);
        assert_eq!(faults.script, [(7, Fault::ResetWithin)]);
    }

    #[test]
    fn what_is_no_fault_is_named() {
        assert_eq!(refused(&["503"]), "expected `NAME=RATE` or `NAME@REQUEST`, found `503`");
        assert_eq!(refused(&["503=x"]), "expected a rate of a hundred requests, found `503=x`");
        assert_eq!(refused(&["503@0"]), "expected the number of a request, from 1 on, found `503@0`");
        assert_eq!(refused(&["503=60", "502=41"]), "expected rates of at most 100 together, found 101");
        assert!(refused(&["404=1"]).starts_with("expected a fault of `429`, `429-seconds`, "));
    }
}
