//! Responses to HEAD.

use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use http_body::Body as _;

use crate::Response;

/// The response to HEAD: status and headers as for GET, but no body (RFC 9110 section 9.3.2). HTTP/1.1 would leave the
/// body out anyway, HTTP/2 would send it, and clients end a connection that does so.
pub(crate) fn without_body(response: Response, version: Version) -> Response {
    let size = response.body().size_hint().exact();
    let (mut head, _body) = response.into_parts();
    let may_have_length = !head.status.is_informational()
        && !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        && !head.headers.contains_key(TRANSFER_ENCODING);
    // Over HTTP/2, the end of the stream says that a body is empty, and responses to GET do not name its length.
    if let Some(size) = size.filter(|size| *size > 0 || version < Version::HTTP_2)
        && may_have_length
    {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(size));
    }
    Response::from_parts(head, Vec::new().into())
}
