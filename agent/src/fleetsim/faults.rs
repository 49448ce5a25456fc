//! Faults injected into heartbeats.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

use crate::client::Payload;

/// The pause in the middle of a slow body.
const SLOW_BODY_PAUSE: Duration = Duration::from_secs(2);

/// The probability of each fault, from 0 to 1. Their sum is at most 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// The client drops the connection in the middle of the body.
    pub abort: f64,
    /// The body is not a heartbeat. The hub must respond with 400.
    pub garbage: f64,
    /// The client pauses in the middle of the body.
    pub slow: f64,
}

/// A fault of one heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// See [`Faults::abort`].
    Abort,
    /// See [`Faults::garbage`].
    Garbage,
    /// See [`Faults::slow`].
    Slow,
}

impl Faults {
    /// Picks the fault of a heartbeat, if any, by a random number from 0 to 1.
    pub fn pick(&self, random: f64) -> Option<Fault> {
        let mut rest = random;
        for (probability, fault) in
            [(self.abort, Fault::Abort), (self.garbage, Fault::Garbage), (self.slow, Fault::Slow)]
        {
            if rest < probability {
                return Some(fault);
            }
            rest -= probability;
        }
        None
    }
}

impl Fault {
    /// The name on the command line and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Garbage => "garbage",
            Self::Slow => "slow",
        }
    }

    /// The body as sent under this fault.
    pub fn apply(self, body: Bytes) -> Payload {
        match self {
            Self::Abort => Payload::aborted(body),
            // Half a body is invalid JSON in a valid HTTP request.
            Self::Garbage => Payload::whole(body.slice(..body.len() / 2)),
            Self::Slow => Payload::slow(body, SLOW_BODY_PAUSE),
        }
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (kind, probability) =
                part.split_once('=').ok_or_else(|| format!("{part}: expected KIND=PROBABILITY"))?;
            let probability = probability
                .parse()
                .ok()
                .filter(|p| (0.0..=1.0).contains(p))
                .ok_or_else(|| format!("{part}: the probability must be from 0 to 1"))?;
            match kind {
                "abort" => faults.abort = probability,
                "garbage" => faults.garbage = probability,
                "slow" => faults.slow = probability,
                _ => return Err(format!("{kind}: expected abort, garbage or slow")),
            }
        }
        if faults.abort + faults.garbage + faults.slow > 1.0 {
            return Err("the probabilities add up to more than 1".to_owned());
        }
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (kind, probability) in [("abort", self.abort), ("garbage", self.garbage), ("slow", self.slow)] {
            if probability > 0.0 {
                write!(f, "{separator}{kind}={probability}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed_faults_display_as_written() {
        for text in ["", "abort=0.01", "abort=0.01,garbage=0.5,slow=0.25"] {
            assert_eq!(text.parse::<Faults>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_faults_are_refused() {
        for text in ["abort", "abort=2", "abort=x", "rain=0.1", "abort=0.6,slow=0.6"] {
            assert!(text.parse::<Faults>().is_err(), "{text}");
        }
    }

    #[test]
    fn faults_are_picked_by_their_probability() {
        let faults: Faults = "abort=0.25,slow=0.25".parse().unwrap();
        assert_eq!(faults.pick(0.1), Some(Fault::Abort));
        assert_eq!(faults.pick(0.3), Some(Fault::Slow));
        assert_eq!(faults.pick(0.5), None);
    }
}
