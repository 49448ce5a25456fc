//! `host:port`, as in join tokens (contract 1.4).

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The address of a hub or of a cluster member: a host name or an IP address, and a port.
///
/// Written as `host:port`, an IPv6 address in brackets: `[::1]:443`. A host name has at most 253 characters from
/// `A`-`Z`, `a`-`z`, `0`-`9`, `-`, `.` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    host: String,
    port: u16,
}

/// Why text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The host is empty.
    #[error("the host is missing: an address has the form HOST:PORT")]
    NoHost,
    /// The port is missing or not a number from 1 to 65535.
    #[error("the port must be from 1 to 65535: an address has the form HOST:PORT")]
    Port,
    /// The host is neither a name nor an IP address.
    #[error("the host is neither a name nor an IP address (an IPv6 address needs brackets: [::1]:443)")]
    Host,
}

impl Address {
    /// Builds an address from its parts. An IPv6 host may have brackets.
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

    /// The host without brackets, as a certificate must name it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 1 to 65535.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address as a URL, `https://host:port`.
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
    fn host_names_ipv4_and_ipv6_addresses_are_accepted() {
        for text in ["hub.example.com:30000", "10.0.0.1:443", "[2001:db8::1]:9000", "localhost:1"] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("[::1]:80".parse::<Address>().unwrap().host(), "::1");
        assert_eq!(Address::new("::1", 80).unwrap().https_url(), "https://[::1]:80");
    }

    #[test]
    fn each_mistake_has_its_own_error() {
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
        fn accepted_text_parses_back_to_the_same_address(text in ".{0,40}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
