//! The API's own description: the OpenAPI document, and a page to read it at.

use std::sync::LazyLock;

use edge::{Error, Response};
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use warp::Reply as _;

use crate::call::Call;
use crate::openapi;

mod page;

/// The document, as it is served. It is the same for everybody.
#[utoipa::path(
    get, path = "/1.0/openapi.json", operation_id = "openapi_document", tag = "server", security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document", body = serde_json::Value), crate::model::Anywhere)
)]
pub(crate) async fn document(_call: Call) -> Result<Response, Error> {
    static DOCUMENT: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::to_value(openapi::document()).unwrap_or_default());
    Ok(warp::reply::json(&*DOCUMENT).into_response())
}

/// A page to read the description at.
pub(crate) async fn read(_call: Call) -> Result<Response, Error> {
    static PAGE: LazyLock<String> = LazyLock::new(|| page::render(&openapi::document()));
    let mut response = warp::reply::html(PAGE.as_str()).into_response();
    // One style sheet in the page itself, nothing else.
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
