#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Read as _;

use bytes::Bytes;
use edge::response;
use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

async fn delivered(method: Method, asked: &[(&'static str, &str)], response: Response) -> (Response, Bytes) {
    let (head, body) = Delivery::requested_by(&method, &headers(asked)).deliver(response).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(head, Vec::new().into()), body)
}

fn decoded(response: &Response, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
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
async fn long_response_is_compressed_in_the_preferred_encoding() {
    let plain = long().into_body().collect().await.unwrap().to_bytes();
    for (accepted, encoding) in [("br, gzip", "br"), ("gzip", "gzip")] {
        let (response, body) = delivered(Method::GET, &[("accept-encoding", accepted)], long()).await;
        assert_eq!(response.headers()[CONTENT_ENCODING], encoding);
        assert_eq!(response.headers()[VARY], "accept-encoding");
        assert!(body.len() < plain.len() / 50, "{} bytes", body.len());
        assert_eq!(decoded(&response, &body), plain);
    }
    let (response, body) = delivered(Method::GET, &[], long()).await;
    assert_eq!(response.headers().get(CONTENT_ENCODING), None);
    assert_eq!(response.headers()[VARY], "accept-encoding");
    assert_eq!(body, plain);
}

#[tokio::test]
async fn short_responses_errors_and_changes_are_not_compressed() {
    let asked = [("accept-encoding", "br, gzip")];
    let error = || edge::Error::BadRequest("long ".repeat(1000)).into_response();
    for (method, response) in
        [(Method::GET, response::success("short")), (Method::GET, error()), (Method::POST, long())]
    {
        let (response, _) = delivered(method, &asked, response).await;
        assert_eq!(response.headers().get(CONTENT_ENCODING), None);
    }
}

#[tokio::test]
async fn response_with_its_own_tag_is_passed_on_unchanged() {
    let mut tagged = long();
    tagged.headers_mut().insert(ETAG, HeaderValue::from_static("\"from a cluster\""));
    let (response, _) = delivered(Method::GET, &[("accept-encoding", "br")], tagged).await;
    assert_eq!(response.headers().get(CONTENT_ENCODING), None);
    assert_eq!(response.headers()[ETAG], "\"from a cluster\"");
}

#[tokio::test]
async fn stream_is_compressed() {
    let pieces = || (0..100).map(|n| format!("piece {n}, ").repeat(500));
    let plain: String = pieces().collect();
    for accepted in ["br", "gzip", "identity"] {
        let mut response = response::success(());
        let body = futures_util::stream::iter(pieces().map(Ok::<_, std::convert::Infallible>));
        *response.body_mut() = stream(body).into_response().into_body();
        let (response, body) = delivered(Method::GET, &[("accept-encoding", accepted)], response).await;
        assert_eq!(decoded(&response, &body), plain.as_bytes());
        assert_eq!(body.len() < plain.len() / 10, accepted != "identity");
    }
}

#[tokio::test]
async fn broken_stream_stays_broken() {
    let pieces = [Ok("a".repeat(100_000)), Err(std::io::Error::other("the database went"))];
    let mut response = response::success(());
    *response.body_mut() = stream(futures_util::stream::iter(pieces)).into_response().into_body();
    let asked = headers(&[("accept-encoding", "br")]);
    let response = Delivery::requested_by(&Method::GET, &asked).deliver(response).await;
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn known_response_is_not_sent_again() {
    let (first, body) =
        delivered(Method::GET, &[], with_tag(EntityTag::of(&"x"), response::success("x"))).await;
    assert_eq!(first.headers()[CACHE_CONTROL], "no-cache, private");
    assert!(!body.is_empty());
    let tag = first.headers()[ETAG].to_str().unwrap();
    assert!(tag.starts_with("W/\""));
    for has in [tag, "*", &format!("\"other\", {tag}"), tag.trim_start_matches("W/")] {
        let asked = [("if-none-match", has), ("accept-encoding", "br")];
        let (response, body) =
            delivered(Method::GET, &asked, with_tag(EntityTag::of(&"x"), response::success("x"))).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{has}");
        assert!(body.is_empty());
        assert_eq!(response.headers()[ETAG], tag);
        assert_eq!(response.headers()[VARY], "accept-encoding");
        assert_eq!(response.headers().get(CONTENT_TYPE), None);
    }
    let (response, _) = delivered(
        Method::GET,
        &[("if-none-match", tag)],
        with_tag(EntityTag::of(&"y"), response::success("y")),
    )
    .await;
    assert_eq!(response.status(), StatusCode::OK);
    let (response, _) = delivered(
        Method::GET,
        &[("if-none-match", "\"other\"")],
        with_tag(EntityTag::of(&"x"), response::success("x")),
    )
    .await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn response_without_tag_is_not_kept() {
    let (response, _) = delivered(Method::GET, &[("if-none-match", "*")], response::success("x")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get(ETAG), None);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
}

proptest! {
    #[test]
    fn any_chunks_are_restored(chunks: Vec<Vec<u8>>) {
        for encoding in [Encoding::Brotli, Encoding::Gzip] {
            let mut encoder = Encoder::new(encoding);
            let mut compressed: Vec<u8> = chunks.iter().flat_map(|chunk| encoder.write(chunk)).collect();
            compressed.extend(encoder.finish());
            let mut response = response::success(());
            response.headers_mut().insert(CONTENT_ENCODING, encoding.header());
            prop_assert_eq!(decoded(&response, &compressed), chunks.concat());
        }
    }
}
