#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Read as _;

use bytes::Bytes;
use edge::response;
use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

async fn delivered(method: Method, asked: &[(&'static str, &str)], answer: Response) -> (Response, Bytes) {
    let (head, body) = Delivery::asked_for_by(&method, &headers(asked)).deliver(answer).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(head, Vec::new().into()), body)
}

fn decoded(answer: &Response, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(b"br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut plain).unwrap(),
        Some(b"gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap(),
        other => {
            assert_eq!(other, None);
            return body.to_vec();
        }
    };
    plain
}

fn long() -> Response {
    response::success("compressible ".repeat(40_000))
}

#[tokio::test]
async fn long_answers_are_compressed_as_the_client_likes_it() {
    let plain = long().into_body().collect().await.unwrap().to_bytes();
    for (accepted, encoding) in [("br, gzip", "br"), ("gzip", "gzip")] {
        let (answer, body) = delivered(Method::GET, &[("accept-encoding", accepted)], long()).await;
        assert_eq!(answer.headers()[CONTENT_ENCODING], encoding);
        assert_eq!(answer.headers()[VARY], "accept-encoding");
        assert!(body.len() < plain.len() / 50, "{} bytes", body.len());
        assert_eq!(decoded(&answer, &body), plain);
    }
    let (answer, body) = delivered(Method::GET, &[], long()).await;
    assert_eq!(answer.headers().get(CONTENT_ENCODING), None);
    assert_eq!(answer.headers()[VARY], "accept-encoding");
    assert_eq!(body, plain);
}

#[tokio::test]
async fn short_answers_errors_and_answers_to_changes_are_not() {
    let asked = [("accept-encoding", "br, gzip")];
    let error = || edge::Error::BadRequest("long ".repeat(1000)).into_response();
    for (method, answer) in
        [(Method::GET, response::success("short")), (Method::GET, error()), (Method::POST, long())]
    {
        let (answer, _) = delivered(method, &asked, answer).await;
        assert_eq!(answer.headers().get(CONTENT_ENCODING), None);
    }
}

#[tokio::test]
async fn what_is_finished_is_passed_on_as_it_is() {
    let mut tagged = long();
    tagged.headers_mut().insert(ETAG, HeaderValue::from_static("\"from a site\""));
    let (answer, _) = delivered(Method::GET, &[("accept-encoding", "br")], tagged).await;
    assert_eq!(answer.headers().get(CONTENT_ENCODING), None);
    assert_eq!(answer.headers()[ETAG], "\"from a site\"");
}

#[tokio::test]
async fn a_stream_is_compressed_while_it_comes() {
    let pieces = || (0..100).map(|n| format!("piece {n}, ").repeat(500));
    let plain: String = pieces().collect();
    for accepted in ["br", "gzip", "identity"] {
        let mut answer = response::success(());
        let body = futures_util::stream::iter(pieces().map(Ok::<_, std::convert::Infallible>));
        *answer.body_mut() = stream(body).into_response().into_body();
        let (answer, body) = delivered(Method::GET, &[("accept-encoding", accepted)], answer).await;
        assert_eq!(decoded(&answer, &body), plain.as_bytes());
        assert_eq!(body.len() < plain.len() / 10, accepted != "identity");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_stays_broken() {
    let pieces = [Ok("a".repeat(100_000)), Err(std::io::Error::other("the database went"))];
    let mut answer = response::success(());
    *answer.body_mut() = stream(futures_util::stream::iter(pieces)).into_response().into_body();
    let asked = headers(&[("accept-encoding", "br")]);
    let answer = Delivery::asked_for_by(&Method::GET, &asked).deliver(answer).await;
    assert!(answer.into_body().collect().await.is_err());
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let (first, body) =
        delivered(Method::GET, &[], with_tag(EntityTag::of(&"x"), response::success("x"))).await;
    assert_eq!(first.headers()[CACHE_CONTROL], "no-cache, private");
    assert!(!body.is_empty());
    let tag = first.headers()[ETAG].to_str().unwrap();
    assert!(tag.starts_with("W/\""));
    for has in [tag, "*", &format!("\"other\", {tag}"), tag.trim_start_matches("W/")] {
        let asked = [("if-none-match", has), ("accept-encoding", "br")];
        let (answer, body) =
            delivered(Method::GET, &asked, with_tag(EntityTag::of(&"x"), response::success("x"))).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{has}");
        assert!(body.is_empty());
        assert_eq!(answer.headers()[ETAG], tag);
        assert_eq!(answer.headers()[VARY], "accept-encoding");
        assert_eq!(answer.headers().get(CONTENT_TYPE), None);
    }
    let (answer, _) = delivered(
        Method::GET,
        &[("if-none-match", tag)],
        with_tag(EntityTag::of(&"y"), response::success("y")),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let (answer, _) = delivered(
        Method::GET,
        &[("if-none-match", "\"other\"")],
        with_tag(EntityTag::of(&"x"), response::success("x")),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_to_be_kept_has_no_tag() {
    let (answer, _) = delivered(Method::GET, &[("if-none-match", "*")], response::success("x")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers().get(ETAG), None);
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
}

proptest! {
    #[test]
    fn any_pieces_come_back_whole(pieces: Vec<Vec<u8>>) {
        for encoding in [Encoding::Brotli, Encoding::Gzip] {
            let mut encoder = Encoder::new(encoding);
            let mut compressed: Vec<u8> = pieces.iter().flat_map(|piece| encoder.write(piece)).collect();
            compressed.extend(encoder.finish());
            let mut answer = response::success(());
            answer.headers_mut().insert(CONTENT_ENCODING, encoding.header());
            prop_assert_eq!(decoded(&answer, &compressed), pieces.concat());
        }
    }
}
