//! Examples of both versions, then properties that hold for any bytes.

use proptest::prelude::*;

use super::*;

fn v2(version_command: u8, family: u8, variable: &[u8]) -> Vec<u8> {
    let mut bytes = V2_SIGNATURE.to_vec();
    bytes.extend([version_command, family]);
    bytes.extend(u16::try_from(variable.len()).unwrap().to_be_bytes());
    bytes.extend(variable);
    bytes
}

/// A version 2 header as a load balancer writes it.
fn v2_of(source: SocketAddr, extensions: &[u8]) -> Vec<u8> {
    let mut variable = Vec::new();
    let family = match source.ip() {
        IpAddr::V4(ip) => {
            variable.extend(ip.octets());
            variable.extend([127, 0, 0, 1]);
            0x11
        }
        IpAddr::V6(ip) => {
            variable.extend(ip.octets());
            variable.extend([0; 16]);
            0x21
        }
    };
    variable.extend(source.port().to_be_bytes());
    variable.extend(443u16.to_be_bytes());
    variable.extend(extensions);
    v2(0x21, family, &variable)
}

fn v1_of(source: SocketAddr) -> Vec<u8> {
    let (family, destination) = if source.is_ipv4() { ("TCP4", "127.0.0.1") } else { ("TCP6", "::1") };
    format!("PROXY {family} {} {destination} {} 443\r\n", source.ip(), source.port()).into_bytes()
}

#[test]
fn version_1_is_read() {
    for (line, address) in [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", Some("192.0.2.7:56324")),
        ("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", Some("[2001:db8::7]:56324")),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
    ] {
        let bytes = format!("{line}\x16\x03\x01");
        let address = address.map(|address| address.parse().unwrap());
        assert_eq!(parse(bytes.as_bytes()), Ok(Parsed { address, consumed: line.len() }), "{line}");
    }
}

#[test]
fn malformed_version_1_is_refused() {
    for line in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1  443\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 56324 443\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY \r\n",
        "PROXY TCP4 \u{fe}\r\n",
        "PROXX",
    ] {
        assert!(matches!(parse(line.as_bytes()), Err(Invalid(_))), "{line}");
    }
}

#[test]
fn version_1_line_without_end_is_refused() {
    let mut line = b"PROXY UNKNOWN ".to_vec();
    line.resize(V1_MAX - 1, b'x');
    assert_eq!(parse(&line), Err(NeedMore));
    line.resize(V1_MAX, b'x');
    assert!(matches!(parse(&line), Err(Invalid(_))));
}

#[test]
fn version_2_local_and_unspecified_have_no_address() {
    for header in
        [v2(0x20, 0x00, &[]), v2(0x20, 0x11, &[1; 12]), v2(0x20, 0xff, &[9; 7]), v2(0x21, 0x00, &[1; 3])]
    {
        assert_eq!(parse(&header), Ok(Parsed { address: None, consumed: header.len() }));
    }
}

/// Load balancers in front of UDP, of Unix sockets, or of a family that this program does not know.
#[test]
fn version_2_of_other_families_has_no_address() {
    for family in (0x00..=0xff).filter(|family| !matches!(family, 0x11 | 0x21)) {
        for length in [0, 12, 36, 216] {
            let header = v2(0x21, family, &vec![1; length]);
            let expected = Parsed { address: None, consumed: header.len() };
            let bytes = [header.as_slice(), b"\x16\x03\x01"].concat();
            assert_eq!(parse(&bytes), Ok(expected), "family {family:#x} with {length} bytes");
        }
    }
}

#[test]
fn malformed_version_2_is_refused() {
    for header in [
        v2(0x11, 0x11, &[1; 12]),
        v2(0x22, 0x11, &[1; 12]),
        v2(0x21, 0x11, &[1; 11]),
        v2(0x21, 0x21, &[1; 35]),
        v2(0x21, 0x11, &[1; V2_MAX_VARIABLE + 1])[..V2_FIXED].to_vec(),
    ] {
        assert!(matches!(parse(&header), Err(Invalid(_))), "{header:?}");
    }
}

#[test]
fn tls_is_refused_at_its_first_byte() {
    assert!(matches!(parse(&[0x16]), Err(Invalid(_))));
}

proptest! {
    #[test]
    fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
        if let Ok(parsed) = parse(&bytes) {
            prop_assert!(parsed.consumed <= bytes.len());
        }
    }

    #[test]
    fn no_bytes_after_a_signature_cause_a_panic(v1: bool, tail: Vec<u8>) {
        let mut bytes = if v1 { V1_PREFIX.to_vec() } else { V2_SIGNATURE.to_vec() };
        bytes.extend(tail);
        if let Ok(parsed) = parse(&bytes) {
            prop_assert!(parsed.consumed <= bytes.len() && parsed.consumed <= MAX_HEADER);
        }
    }

    #[test]
    fn header_is_read_exactly_to_its_end(source: SocketAddr, extensions in prop::collection::vec(any::<u8>(), 0..200), tail: Vec<u8>) {
        let source = SocketAddr::new(source.ip(), source.port());
        for header in [v1_of(source), v2_of(source, &extensions)] {
            let parsed = Parsed { address: Some(source), consumed: header.len() };
            let bytes = [header.as_slice(), &tail].concat();
            prop_assert_eq!(parse(&bytes), Ok(parsed));
            for cut in 0..header.len() {
                prop_assert_eq!(parse(&header[..cut]), Err(NeedMore), "cut at {}", cut);
            }
        }
    }
}
