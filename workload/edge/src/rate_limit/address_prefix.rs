//! What strangers are told apart by.

use std::net::IpAddr;

/// The network that an address most likely shares with its owner's others: /24 of IPv4, /56 of IPv6. A limit on single
/// addresses would mean nothing to somebody with a whole network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressPrefix {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 56 bits.
    V6([u8; 7]),
}

impl AddressPrefix {
    /// The prefix of an address. An IPv4-mapped one counts as IPv4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(ip) => {
                let [prefix @ .., _] = ip.octets();
                Self::V4(prefix)
            }
            IpAddr::V6(ip) => {
                let [prefix @ .., _, _, _, _, _, _, _, _, _] = ip.octets();
                Self::V6(prefix)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> AddressPrefix {
        AddressPrefix::of(address.parse().unwrap())
    }

    #[test]
    fn neighbours_share_one_and_others_do_not() {
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:ff00::1"), of("2001:db8:0:ffff::2"));
        assert_ne!(of("2001:db8:0:ff00::1"), of("2001:db8:0:fe00::1"));
    }

    #[test]
    fn mapped_addresses_count_as_ipv4() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.77"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.3.1"));
    }
}
