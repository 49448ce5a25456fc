//! The format of a journal's records on disk: a header of eight bytes, then the body.
//!
//! | bytes | contents |
//! |---|---|
//! | 0..4, 4..8 | the CRC-32 and the length of the body |
//! | 8 | kind: 1 for an exposition, 2 for the record that expositions are spooled |
//! | 9.. | of kind 2: the numbers of the expositions, eight bytes each |
//! | 9..17 | of kind 1: the number of the exposition, in ascending order |
//! | 17..25 | the time of receipt |
//! | 25..29, 29..33, 33..37 | the lengths of the names of the cluster, the member and the service |
//! | 37.. | these names, then the text |
//!
//! Numbers are little-endian.

use std::io;

use bytes::Bytes;
use protocol::ClusterName;

use crate::intake::Exposition;
use crate::time::UnixMillis;

const HEADER_BYTES: usize = 8;
const EXPOSITION: u8 = 1;
const SPOOLED: u8 = 2;

#[derive(Debug)]
pub(super) enum Record {
    Exposition(u64, Exposition),
    Spooled(Vec<u64>),
}

/// Writes the record of an exposition to the buffer, replacing its contents, except for the text that ends the record.
pub(super) fn write_exposition(number: u64, exposition: &Exposition, buffer: &mut Vec<u8>) -> io::Result<()> {
    let Exposition { cluster, member, service, received, escaped } = exposition;
    let names = [cluster.as_str(), member, service];
    begin(EXPOSITION, buffer);
    buffer.extend(number.to_le_bytes());
    buffer.extend(received.0.to_le_bytes());
    for name in names {
        buffer.extend(length(name.len())?);
    }
    for name in names {
        buffer.extend_from_slice(name.as_bytes());
    }
    end(buffer, escaped)
}

/// Writes the record that the expositions with these numbers are spooled to the buffer, replacing its contents.
pub(super) fn write_spooled(numbers: &[u64], buffer: &mut Vec<u8>) -> io::Result<()> {
    begin(SPOOLED, buffer);
    buffer.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    end(buffer, &[])
}

fn begin(kind: u8, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend([0; HEADER_BYTES]);
    buffer.push(kind);
}

/// Completes the header of a record whose body ends with this text.
fn end(buffer: &mut [u8], text: &[u8]) -> io::Result<()> {
    let (header, body) = buffer.split_at_mut(HEADER_BYTES);
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(body);
    checksum.update(text);
    header[..4].copy_from_slice(&checksum.finalize().to_le_bytes());
    header[4..].copy_from_slice(&length(body.len() + text.len())?);
    Ok(())
}

fn length(bytes: usize) -> io::Result<[u8; 4]> {
    u32::try_from(bytes).map(u32::to_le_bytes).map_err(io::Error::other)
}

/// Takes the next record off the contents of a file. `None` at the end and for an incomplete record.
pub(super) fn next(rest: &mut Bytes) -> Option<Record> {
    let checksum = u32::from_le_bytes(array(rest)?);
    let length = u32::from_le_bytes(array(rest)?);
    let mut body = take(rest, length as usize)?;
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
    let mut text = |length| String::from_utf8(take(&mut body, length)?.into()).ok();
    let cluster = ClusterName::from_stored(text(lengths[0])?);
    let (member, service) = (text(lengths[1])?, text(lengths[2])?);
    Some(Record::Exposition(number, Exposition { cluster, member, service, received, escaped: body }))
}

fn number(from: &mut Bytes) -> Option<u64> {
    array(from).map(u64::from_le_bytes)
}

fn array<const N: usize>(from: &mut Bytes) -> Option<[u8; N]> {
    take(from, N)?.as_ref().try_into().ok()
}

fn take(from: &mut Bytes, length: usize) -> Option<Bytes> {
    (from.len() >= length).then(|| from.split_to(length))
}
