//! `host:port` as join tokens carry it, with IPv6 addresses in brackets.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a hub or a member can be reached: a host name or an IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// There is no host before the port.
    #[error("an address is HOST:PORT, the host is missing")]
    NoHost,
    /// The port is missing or not a number from 1 to 65535.
    #[error("an address is HOST:PORT, with a port from 1 to 65535")]
    Port,
    /// The host is neither a name nor an IP address.
    #[error("the host is neither a name nor an IP address (IPv6 with a port needs brackets: [::1]:443)")]
    Host,
}

impl Address {
    /// An address from its parts. An IPv6 host may come with or without brackets.
    pub fn new(host: &str, port: u16) -> Result<Self, InvalidAddress> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err(InvalidAddress::NoHost);
        }
        if port == 0 {
            return Err(InvalidAddress::Port);
        }
        let is_ipv6 = bare.parse::<Ipv6Addr>().is_ok();
        let is_name = bare.len() <= 253
            && bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if is_ipv6 || (is_name && bare.len() == host.len()) {
            Ok(Self { host: bare.to_owned(), port })
        } else {
            Err(InvalidAddress::Host)
        }
    }

    /// The host without brackets: what a certificate must name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `https://host:port`.
    pub fn https_url(&self) -> String {
        format!("https://{self}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidAddress::Port)?;
        if host.contains(':') && !host.starts_with('[') {
            return Err(InvalidAddress::Host);
        }
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or(InvalidAddress::Port)?;
        Self::new(host, port)
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_names_and_addresses_of_both_kinds() {
        for text in ["hub.example.com:30000", "10.0.0.1:443", "[2001:db8::1]:9000", "localhost:1"] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("[::1]:80".parse::<Address>().unwrap().host(), "::1");
        assert_eq!(Address::new("::1", 80).unwrap().https_url(), "https://[::1]:80");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("hub", InvalidAddress::Port),
            ("hub:", InvalidAddress::Port),
            ("hub:0", InvalidAddress::Port),
            ("hub:+1", InvalidAddress::Port),
            ("hub:65536", InvalidAddress::Port),
            (":80", InvalidAddress::NoHost),
            ("[]:80", InvalidAddress::NoHost),
            ("::1:80", InvalidAddress::Host),
            ("[hub]:80", InvalidAddress::Host),
            ("a/b:80", InvalidAddress::Host),
            ("user@hub:80", InvalidAddress::Host),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read_back_the_same(text in ".{0,40}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
