//! Frames of HTTP/2, as no well-behaved client sends them.

/// What every connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The beginning of a connection on which the server may send no byte of any body.
pub(crate) fn begin_with_closed_window() -> Vec<u8> {
    // SETTINGS_INITIAL_WINDOW_SIZE = 0.
    [PREFACE, &frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])].concat()
}

/// The beginning of an ordinary connection.
pub(crate) fn begin() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// Settings that say nothing, which the server must acknowledge.
pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// A ping.
pub(crate) fn ping() -> Vec<u8> {
    frame(PING, 0, 0, b"attackme")
}

/// A whole GET request.
pub(crate) fn get(stream: u32, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(path, headers))
}

/// A request whose headers do not end.
pub(crate) fn unfinished_get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM, stream, &block(path, &[]))
}

/// More of such headers.
pub(crate) fn continuation(stream: u32, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = Vec::new();
    add_fields(&mut fields, headers);
    frame(CONTINUATION, 0, stream, &fields)
}

/// Takes a request back.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    // CANCEL.
    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A header block without compression: the method GET, the scheme, the path, the authority.
fn block(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04];
    add_text(&mut block, path);
    block.push(0x01);
    add_text(&mut block, "localhost");
    add_fields(&mut block, headers);
    block
}

fn add_fields(block: &mut Vec<u8>, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        block.push(0);
        add_text(block, name);
        add_text(block, value);
    }
}

/// A length with a prefix of seven bits, and the text.
fn add_text(block: &mut Vec<u8>, text: &str) {
    let length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(127);
        let mut rest = length - 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap());
    }
    block.extend(text.as_bytes());
}
