//! Parses PROXY protocol headers, versions 1 and 2. A pure function over the bytes that have been received so far.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is accepted, in bytes: version 2 with 2 KiB of addresses and extensions.
pub const MAX_HEADER: usize = V2_FIXED + V2_MAX_VARIABLE;

const V1_MAX: usize = 107;
const V1_PREFIX: &[u8] = b"PROXY ";
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED: usize = 16;
const V2_MAX_VARIABLE: usize = 2048;

/// A complete header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The client's address. `None` if the connection is the load balancer's own (a health check), or the address is
    /// unknown or none of TCP.
    pub address: Option<SocketAddr>,
    /// The length of the header in bytes. What follows belongs to the connection.
    pub consumed: usize,
}

/// Why the bytes are not a complete header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// All of them belong to a header that is incomplete.
    #[error("the PROXY header is not complete")]
    NeedMore,
    /// They are not the beginning of a header, whatever follows.
    #[error("not a PROXY header: {0}")]
    Invalid(&'static str),
}

use ParseError::{Invalid, NeedMore};

/// Parses the header at the start of the bytes.
pub fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    match bytes.first() {
        None => Err(NeedMore),
        Some(b'P') => parse_v1(bytes),
        Some(_) => parse_v2(bytes),
    }
}

fn parse_v1(bytes: &[u8]) -> Result<Parsed, ParseError> {
    expect_prefix(bytes, V1_PREFIX)?;
    let window = &bytes[..bytes.len().min(V1_MAX)];
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        return Err(if bytes.len() < V1_MAX { NeedMore } else { Invalid("the line is too long") });
    };
    let line = window[..end].strip_suffix(b"\r").ok_or(Invalid("the line does not end with CR LF"))?;
    let line = line.get(V1_PREFIX.len()..).ok_or(Invalid("the line is too short"))?;
    let line = std::str::from_utf8(line).map_err(|_| Invalid("the line is not text"))?;
    Ok(Parsed { address: v1_address(line)?, consumed: end + 1 })
}

fn v1_address(line: &str) -> Result<Option<SocketAddr>, ParseError> {
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let mut fields = line.split(' ');
    let mut next = || fields.next().ok_or(Invalid("a field is missing"));
    let (family, source, destination, source_port, destination_port) =
        (next()?, next()?, next()?, next()?, next()?);
    if fields.next().is_some() {
        return Err(Invalid("there are too many fields"));
    }
    let ip = |text| v1_ip(family, text);
    let (source, _) = (ip(source)?, ip(destination)?);
    let (source_port, _) = (v1_port(source_port)?, v1_port(destination_port)?);
    Ok(Some(SocketAddr::new(source, source_port)))
}

fn v1_ip(family: &str, text: &str) -> Result<IpAddr, ParseError> {
    let ip = match family {
        "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::V6),
        _ => return Err(Invalid("the protocol is neither TCP4 nor TCP6")),
    };
    ip.map_err(|_| Invalid("an address is malformed"))
}

/// Decimal digits only: the standard library would also accept a plus sign.
fn v1_port(text: &str) -> Result<u16, ParseError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Invalid("a port is malformed"))
}

fn parse_v2(bytes: &[u8]) -> Result<Parsed, ParseError> {
    expect_prefix(bytes, V2_SIGNATURE)?;
    let &[.., version_command, family, high, low] = bytes.first_chunk::<V2_FIXED>().ok_or(NeedMore)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_MAX_VARIABLE {
        return Err(Invalid("the header is too long"));
    }
    let local = match version_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Invalid("the version or the command is unknown")),
    };
    let consumed = V2_FIXED + length;
    let variable = bytes.get(V2_FIXED..consumed).ok_or(NeedMore)?;
    let address = if local { None } else { v2_address(family, variable)? };
    Ok(Parsed { address, consumed })
}

/// Source and destination addresses, then source and destination ports. Extensions after them are ignored.
fn v2_address(family: u8, variable: &[u8]) -> Result<Option<SocketAddr>, ParseError> {
    const TOO_SHORT: ParseError = Invalid("the addresses are cut short");
    match family {
        0x11 => {
            let &[a, b, c, d, _, _, _, _, high, low, _, _] = variable.first_chunk::<12>().ok_or(TOO_SHORT)?;
            Ok(Some(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low]))))
        }
        0x21 => {
            let variable = variable.first_chunk::<36>().ok_or(TOO_SHORT)?;
            let (source, rest) = variable.split_first_chunk::<16>().ok_or(TOO_SHORT)?;
            Ok(Some(SocketAddr::new(
                Ipv6Addr::from(*source).into(),
                u16::from_be_bytes([rest[16], rest[17]]),
            )))
        }
        // Unspecified, UDP, Unix sockets and what is yet to come: there is no address to use, but the client is as good as any.
        _ => Ok(None),
    }
}

/// Fails as soon as a byte differs, so that a client that speaks TLS does not wait for the rest of a header.
fn expect_prefix(bytes: &[u8], prefix: &[u8]) -> Result<(), ParseError> {
    let common = bytes.len().min(prefix.len());
    if bytes[..common] != prefix[..common] {
        return Err(Invalid("it does not begin with a known signature"));
    }
    if common < prefix.len() { Err(NeedMore) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
