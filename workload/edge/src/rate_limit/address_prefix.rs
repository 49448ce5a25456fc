//! The key by which unknown clients are limited.

use std::net::IpAddr;

/// The network to which an address belongs: /24 for IPv4, /56 for IPv6. A limit for single addresses would not stop a
/// client that owns a whole network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressPrefix {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 56 bits.
    V6([u8; 7]),
}

impl AddressPrefix {
    /// The prefix of an address. IPv4-mapped addresses count as IPv4.
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
    fn addresses_of_one_network_share_a_prefix() {
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:ff00::1"), of("2001:db8:0:ffff::2"));
        assert_ne!(of("2001:db8:0:ff00::1"), of("2001:db8:0:fe00::1"));
    }

    #[test]
    fn ipv4_mapped_addresses_count_as_ipv4() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.77"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.3.1"));
    }
}
