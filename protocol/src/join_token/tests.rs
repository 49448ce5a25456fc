//! What tokens hold, and what they survive.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn token() -> JoinToken {
    JoinToken {
        secret: Secret::from_random(&[7; 32]),
        expires_at: datetime!(2030-01-02 03:04:05.6 UTC),
        addresses: vec!["hub.example.com:30000".parse().unwrap(), "[::1]:9000".parse().unwrap()],
        server_name: "a/b \"c\" 🦀".to_owned(),
        fingerprint: Fingerprint::of_der(b"leaf"),
    }
}

#[test]
fn encoded_token_is_padded_base64_of_the_documented_json() {
    let json = STANDARD.decode(token().encode().expose_secret()).unwrap();
    insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"secret":"0707070707070707070707070707070707070707070707070707070707070707","expires_at":"2030-01-02T03:04:05.6Z","addresses":["hub.example.com:30000","[::1]:9000"],"server_name":"a/b \"c\" 🦀","fingerprint":"9f91161f43433e49a6de6db680d79f60159f2e4ac9172621a12846428158440b"}"#);
}

#[test]
fn encoded_token_decodes_to_the_same_fields() {
    let decoded = JoinToken::decode(&format!(" {}\n", token().encode().expose_secret())).unwrap();
    assert_eq!(decoded.secret.expose(), token().secret.expose());
    assert_eq!(decoded.server_name, token().server_name);
    assert_eq!(decoded.addresses, token().addresses);
    assert_eq!(decoded.expires_at, token().expires_at);
}

#[test]
fn re_encoded_token_keeps_its_secret_and_name() {
    let other = STANDARD.encode(r#"{"server_name":"x","more":[1],"secret":"s","expires_at":"whenever"}"#);
    let presented = PresentedToken::decode(&other).unwrap();
    assert_eq!(presented.server_name, "x");
    assert!(Secret::from_text("s").digest().matches(&presented.secret));
    assert!(!Secret::from_text("t").digest().matches(&presented.secret));
}

#[test]
fn debug_output_hides_the_secret() {
    let shown = format!("{:?} {:?}", token(), token().secret.digest());
    assert!(!shown.contains("0707"), "{shown}");
}

#[test]
fn token_without_secret_or_too_long_is_refused() {
    for json in ["{}", "[]", r#"{"secret":"","server_name":"x"}"#, r#"{"secret":null,"server_name":"x"}"#] {
        assert!(PresentedToken::decode(&STANDARD.encode(json)).is_err(), "{json}");
    }
    assert!(PresentedToken::decode(&STANDARD.encode(" ".repeat(MAX_ENCODED_BYTES))).is_err());
}

/// What happens to a token between two people.
#[derive(Debug, Clone)]
enum Mishap {
    Wrapped { width: usize, line_break: &'static str, quoting: &'static str },
    Between(usize, &'static str),
    Around(&'static str, &'static str),
    WithoutPadding,
    UrlSafe,
}

impl Mishap {
    fn happen(&self, token: &str) -> String {
        match self {
            Self::Wrapped { width, line_break, quoting } => {
                let characters: Vec<char> = token.chars().collect();
                let lines =
                    characters.chunks(*width).map(|line| format!("{quoting}{}", String::from_iter(line)));
                lines.collect::<Vec<_>>().join(line_break)
            }
            Self::Between(place, what) => {
                let place =
                    token.char_indices().nth(place % token.chars().count()).map_or(0, |(place, _)| place);
                format!("{}{what}{}", &token[..place], &token[place..])
            }
            Self::Around(before, after) => format!("{before}{token}{after}"),
            Self::WithoutPadding => token.replace('=', ""),
            Self::UrlSafe => token.replace('+', "-").replace('/', "_"),
        }
    }
}

fn any_mishap() -> impl Strategy<Value = Mishap> {
    let breaks = prop::sample::select(vec!["\n", "\r\n", "\r", "=\r\n", " \n"]);
    let quoting = prop::sample::select(vec!["", "> ", ">", ">> ", "\t", "    ", "> > "]);
    let between =
        prop::sample::select(vec![" ", "\t", "\n", "\u{a0}", "\u{200b}", "\u{ad}", "\u{feff}", "\u{2028}"]);
    let around = prop::sample::select(vec![
        ("\"", "\""),
        ("'", "'"),
        ("“", "”"),
        ("„", "“"),
        ("«\u{a0}", "\u{a0}»"),
        ("‘", "’"),
        ("`", "`"),
        ("<", ">"),
        ("  ", "\r\n"),
    ]);
    prop_oneof![
        (1..100_usize, breaks, quoting).prop_map(|(width, line_break, quoting)| Mishap::Wrapped {
            width,
            line_break,
            quoting
        }),
        (any::<usize>(), between).prop_map(|(place, what)| Mishap::Between(place, what)),
        around.prop_map(|(before, after)| Mishap::Around(before, after)),
        Just(Mishap::WithoutPadding),
        Just(Mishap::UrlSafe),
    ]
}

#[test]
fn token_survives_what_mail_clients_do_to_it() {
    let encoded = token().encode();
    let written = encoded.expose_secret();
    let wrapped = |width, line_break| Mishap::Wrapped { width, line_break, quoting: "" }.happen(written);
    for text in [
        wrapped(64, "\n"),
        wrapped(76, "\r\n"),
        format!("\"{written}\""),
        format!("“{written}”"),
        Mishap::Wrapped { width: 72, line_break: "\n", quoting: "> " }.happen(written),
        Mishap::WithoutPadding.happen(written),
        Mishap::UrlSafe.happen(written),
        written.replace('=', "=3D"),
    ] {
        assert_eq!(normalised(&text).unwrap().expose_secret(), written, "{text}");
        let presented = PresentedToken::decode(&text).unwrap();
        assert_eq!(presented.server_name, token().server_name);
        assert!(token().secret.digest().matches(&presented.secret));
        assert_eq!(JoinToken::decode(&text).unwrap().secret.expose(), token().secret.expose());
    }
}

#[test]
fn text_with_other_characters_is_no_token() {
    let encoded = token().encode();
    for other in ["!", "*", "\u{0}", "é", "(", "."] {
        assert!(normalised(&format!("{}{other}", encoded.expose_secret())).is_err(), "{other:?}");
    }
    assert!(normalised(&" ".repeat(MAX_TEXT_BYTES + 1)).is_err());
    assert!(JoinToken::decode("").is_err());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}", json: Vec<u8>) {
        let _ = JoinToken::decode(&text);
        let _ = PresentedToken::decode(&STANDARD.encode(json));
    }

    #[test]
    fn any_name_survives_a_round_trip(name in ".{1,255}") {
        let written = JoinToken { server_name: name.clone(), ..token() }.encode();
        prop_assert_eq!(PresentedToken::decode(written.expose_secret()).unwrap().server_name, name);
    }

    #[test]
    fn token_survives_any_mishaps(
        name in ".{1,40}",
        mishaps in prop::collection::vec(any_mishap(), 0..6),
    ) {
        let token = JoinToken { server_name: name, ..token() };
        let written = token.encode();
        let received = mishaps.iter().fold(written.expose_secret().to_owned(), |text, mishap| mishap.happen(&text));
        let normalised = normalised(&received).unwrap();
        prop_assert_eq!(normalised.expose_secret(), written.expose_secret());
        let presented = PresentedToken::decode(&received).unwrap();
        prop_assert_eq!(presented.server_name, token.server_name);
        prop_assert_eq!(presented.secret.expose(), token.secret.expose());
    }

    #[test]
    fn token_with_another_digit_is_another_token(place: usize, digit in "[A-Za-z0-9+/]") {
        let encoded = token().encode();
        let written = encoded.expose_secret().trim_end_matches('=');
        let place = place % written.len();
        prop_assume!(written[place..=place] != digit);
        let other = format!("{}{digit}{}", &written[..place], &written[place + 1..]);
        prop_assert!(normalised(&other).unwrap().expose_secret() != encoded.expose_secret());
    }
}
