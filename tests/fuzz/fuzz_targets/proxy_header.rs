//! Whatever a load balancer's connection begins with, reading its PROXY header ends without a panic, takes no byte
//! behind the header, and comes to the same verdict however the bytes were cut on their way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parse::{MAX_HEADER, ParseError, parse};

// The very file that `edge::proxy` is made of. To depend on `edge` would build a web server and a TLS library first.
#[path = "../../../workload/edge/src/proxy/parse.rs"]
#[allow(dead_code)]
mod parse;

fuzz_target!(|data: &[u8]| match parse(data) {
    Ok(parsed) => {
        assert!(0 < parsed.consumed && parsed.consumed <= data.len().min(MAX_HEADER));
        let (header, _) = data.split_at(parsed.consumed);
        assert_eq!(parse(header), Ok(parsed), "what follows the header changed it");
        all_need_more(header);
    }
    Err(ParseError::NeedMore) => {
        assert!(data.len() < MAX_HEADER, "it would never be enough");
        all_need_more(data);
    }
    Err(ParseError::Invalid(_)) => {
        let longer = [data, b"\r\n"].concat();
        assert!(matches!(parse(&longer), Err(ParseError::Invalid(_))), "more bytes made a header of it");
    }
});

/// Whatever part of it has come, the rest is waited for.
fn all_need_more(header: &[u8]) {
    for length in 0..header.len() {
        assert_eq!(parse(&header[..length]), Err(ParseError::NeedMore), "after {length} bytes");
    }
}
