//! Any text is either refused as a join token or parsed, without a panic. A token that a cluster accepts is the same after
//! being written and parsed again, and the hub finds the same secret and name in it.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use protocol::JoinToken;
use protocol::join_token::PresentedToken;
use secrecy::ExposeSecret as _;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    // The same bytes as the JSON inside a token: few mutations of base64 are valid again.
    check(&STANDARD.encode(data));
});

fn check(text: &str) {
    let presented = PresentedToken::decode(text);
    let Ok(token) = JoinToken::decode(text) else { return };

    let written = token.encode();
    let again = JoinToken::decode(written.expose_secret()).expect("a written token can be parsed");
    assert_eq!(again.secret.expose(), token.secret.expose());
    assert_eq!(again.expires_at, token.expires_at);
    assert_eq!(again.addresses, token.addresses);
    assert_eq!(again.server_name, token.server_name);
    assert_eq!(again.fingerprint, token.fingerprint);

    let rewritten = PresentedToken::decode(written.expose_secret()).expect("the hub parses what it wrote");
    agrees(&rewritten, &token);
    // Both agree only on objects; a cluster would also accept the bare list of an object's values.
    if is_object(text) {
        agrees(&presented.expect("the hub parses what a cluster parses"), &token);
    }
}

fn agrees(presented: &PresentedToken, token: &JoinToken) {
    assert!(token.secret.digest().matches(&presented.secret));
    assert_eq!(presented.server_name, token.server_name);
}

fn is_object(text: &str) -> bool {
    let json = STANDARD.decode(text.trim()).unwrap_or_default();
    json.trim_ascii_start().first() == Some(&b'{')
}
