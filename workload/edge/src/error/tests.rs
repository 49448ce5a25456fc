//! What the client reads of each error, and what only the log contains.

use http_body_util::BodyExt as _;

use super::*;

async fn body(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn forbidden_has_no_explanation() {
    let response = Error::Forbidden.into_response();
    assert_eq!(response.status(), 403);
    insta::assert_snapshot!(body(response).await, @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":403,"error":"Forbidden","metadata":null}"#);
}

#[tokio::test]
async fn too_many_requests_has_a_retry_after() {
    let response = Error::TooManyRequests { retry_after: Duration::from_millis(1200) }.into_response();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()[RETRY_AFTER], "2");
    insta::assert_snapshot!(body(response).await, @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":429,"error":"Too Many Requests","metadata":{"retry_after_seconds":"2"}}"#);
}

#[test]
fn retry_after_is_at_least_one_second() {
    let response = Error::TooManyRequests { retry_after: Duration::ZERO }.into_response();
    assert_eq!(response.headers()[RETRY_AFTER], "1");
}

#[tokio::test]
async fn cause_is_logged_with_its_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("the query failed")]
    struct Query(#[source] std::io::Error);

    let cause = Query(std::io::Error::other("password=hunter2"));
    let mut response = Error::unavailable(cause).into_response();
    let logged = response.extensions_mut().remove::<LoggedCause>().unwrap();
    assert_eq!(logged.to_string(), "the query failed: password=hunter2");
    insta::assert_snapshot!(body(response).await, @r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":503,"error":"Service Unavailable","metadata":{"retry_after_seconds":"10"}}"#);
}

#[test]
fn repeated_source_is_logged_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("wrapped: {0}")]
    struct Wrapped(#[source] std::io::Error);

    let error = LoggedCause(Arc::new(Wrapped(std::io::Error::other("inner"))));
    assert_eq!(error.to_string(), "wrapped: inner");
}
