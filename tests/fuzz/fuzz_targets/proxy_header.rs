//! Parsing a PROXY header never panics, whatever a connection begins with. It consumes no byte after the header, and the
//! result does not depend on how the bytes were split on their way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parse::{MAX_HEADER, ParseError, parse};

// The source file of `edge::proxy` itself: depending on `edge` would build a web server and a TLS library.
#[path = "../../../workload/edge/src/proxy/parse.rs"]
#[allow(dead_code)]
mod parse;

fuzz_target!(|data: &[u8]| match parse(data) {
    Ok(parsed) => {
        assert!(0 < parsed.consumed && parsed.consumed <= data.len().min(MAX_HEADER));
        let (header, _) = data.split_at(parsed.consumed);
        assert_eq!(parse(header), Ok(parsed), "the bytes after the header changed it");
        all_need_more(header);
    }
    Err(ParseError::NeedMore) => {
        assert!(data.len() < MAX_HEADER, "a complete header cannot be longer");
        all_need_more(data);
    }
    Err(ParseError::Invalid(_)) => {
        let longer = [data, b"\r\n"].concat();
        assert!(matches!(parse(&longer), Err(ParseError::Invalid(_))), "more bytes made an invalid header valid");
    }
});

/// Checks that every incomplete part of the header needs more bytes.
fn all_need_more(header: &[u8]) {
    for length in 0..header.len() {
        assert_eq!(parse(&header[..length]), Err(ParseError::NeedMore), "after {length} bytes");
    }
}
