//! How a journal's records look on disk: a header of eight bytes, then the body.
//!
//! | bytes | hold |
//! |---|---|
//! | 0..4, 4..8 | the CRC-32 and the length of the body |
//! | 8 | kind: 1 an exposition, 2 the news that some are spooled |
//! | 9.. | of news: the expositions' numbers, eight bytes each |
//! | 9..17 | of an exposition: its number; numbers ascend |
//! | 17..25 | the moment of receipt |
//! | 25..29, 29..33, 33..37 | the lengths of the cluster's name, the member's and the service's |
//! | 37.. | these, and then the text |
//!
//! Numbers are little-endian.

use std::io;

use bytes::Bytes;
use protocol::ClusterName;

use crate::intake::Exposition;
use crate::time::UnixMillis;

const HEADER: usize = 8;
const EXPOSITION: u8 = 1;
const SPOOLED: u8 = 2;

#[derive(Debug)]
pub(super) enum Record {
    Exposition(u64, Exposition),
    Spooled(Vec<u64>),
}

/// Makes the buffer the record of an exposition.
pub(super) fn write_exposition(number: u64, exposition: &Exposition, buffer: &mut Vec<u8>) -> io::Result<()> {
    let Exposition { cluster, member, service, received, escaped } = exposition;
    let names = [cluster.as_str(), member, service];
    begin(EXPOSITION, buffer);
    buffer.extend(number.to_le_bytes());
    buffer.extend(received.0.to_le_bytes());
    for name in names {
        buffer.extend(length(name.as_bytes())?);
    }
    for name in names {
        buffer.extend_from_slice(name.as_bytes());
    }
    buffer.extend_from_slice(escaped);
    end(buffer)
}

/// Makes the buffer the record that the expositions of these numbers are spooled.
pub(super) fn write_spooled(numbers: &[u64], buffer: &mut Vec<u8>) -> io::Result<()> {
    begin(SPOOLED, buffer);
    buffer.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    end(buffer)
}

fn begin(kind: u8, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend([0; HEADER]);
    buffer.push(kind);
}

fn end(buffer: &mut [u8]) -> io::Result<()> {
    let (header, body) = buffer.split_at_mut(HEADER);
    header[..4].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    header[4..].copy_from_slice(&length(body)?);
    Ok(())
}

fn length(bytes: &[u8]) -> io::Result<[u8; 4]> {
    u32::try_from(bytes.len()).map(u32::to_le_bytes).map_err(io::Error::other)
}

/// The next record of a file, which is cut off. None at the end, and for what was not written completely.
pub(super) fn next(rest: &mut Bytes) -> Option<Record> {
    let checksum = u32::from_le_bytes(array(rest)?);
    let length = u32::from_le_bytes(array(rest)?);
    let mut body = cut(rest, length as usize)?;
    if crc32fast::hash(&body) != checksum {
        return None;
    }
    match array(&mut body)? {
        [EXPOSITION] => exposition(body),
        [SPOOLED] => Some(Record::Spooled(std::iter::from_fn(|| number(&mut body)).collect())),
        _ => None,
    }
}

fn exposition(mut body: Bytes) -> Option<Record> {
    let number = number(&mut body)?;
    let received = UnixMillis(i64::from_le_bytes(array(&mut body)?));
    let mut lengths = [0; 3];
    for length in &mut lengths {
        *length = u32::from_le_bytes(array(&mut body)?) as usize;
    }
    let mut text = |length| String::from_utf8(cut(&mut body, length)?.into()).ok();
    let cluster = ClusterName::from_stored(text(lengths[0])?);
    let (member, service) = (text(lengths[1])?, text(lengths[2])?);
    Some(Record::Exposition(number, Exposition { cluster, member, service, received, escaped: body }))
}

fn number(from: &mut Bytes) -> Option<u64> {
    array(from).map(u64::from_le_bytes)
}

fn array<const N: usize>(from: &mut Bytes) -> Option<[u8; N]> {
    cut(from, N)?.as_ref().try_into().ok()
}

fn cut(from: &mut Bytes, length: usize) -> Option<Bytes> {
    (from.len() >= length).then(|| from.split_to(length))
}
