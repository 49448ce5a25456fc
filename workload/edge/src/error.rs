//! The error type of both APIs. It decides the status and the public text. Causes go to the log, never to the client.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, HeaderValue, RETRY_AFTER};
use protocol::envelope::{Envelope, RetryAfter};

use crate::response::{self, Response};

/// The cause of an error.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a request failed. Its `Display` is the text that the client reads, without the cause.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// 400, with an explanation.
    BadRequest(String),
    /// 401.
    Unauthorized,
    /// 403, without an explanation.
    Forbidden,
    /// 403, with the reason, for callers that may know it.
    ForbiddenBecause(String),
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408: the client took too long to send its request.
    RequestTimeout,
    /// 409, with what conflicts.
    Conflict(String),
    /// 413.
    TooLarge,
    /// 415: the body has a media type that the handler does not read.
    UnsupportedMediaType,
    /// 415: the body is compressed or encoded in another way.
    CodedBody,
    /// 421: the request is meant for another server, with the reason. Browsers try again on a connection of their own.
    Misdirected(String),
    /// 429.
    TooManyRequests {
        /// The wait until a retry can succeed.
        retry_after: Duration,
    },
    /// 500. The cause is logged with the request id.
    Internal(Cause),
    /// 501, with what is missing.
    NotImplemented(String),
    /// 502: a service that was called for the client did not respond properly. The text names it, the log has the reason.
    BadGateway(String),
    /// 503: the server protects itself. Nothing is logged for the single request.
    Overloaded {
        /// The wait until a retry can succeed.
        retry_after: Duration,
    },
    /// 503. The cause is logged with the request id.
    Unavailable {
        /// The wait until a retry makes sense.
        retry_after: Duration,
        /// What is unavailable.
        cause: Cause,
    },
}

impl Error {
    /// A 500 with this cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// A 503 with this cause, to be retried after ten seconds.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(10), cause: cause.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ForbiddenBecause(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::CodedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Overloaded { .. } | Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The response. Its extensions contain the cause for the server, which logs it with the request id.
    pub fn into_response(self) -> Response {
        let status = self.status();
        let text = self.to_string();
        let mut response = match self.retry_after() {
            Some(seconds) => retry_later(status, text, seconds),
            None => response::error(status, text),
        };
        if matches!(self, Self::CodedBody) {
            response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Self::Internal(cause) | Self::Unavailable { cause, .. } = self {
            response.extensions_mut().insert(LoggedCause(Arc::from(cause)));
        }
        response
    }

    /// The wait in whole seconds, at least one: a client that waits zero seconds does not wait.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after }
            | Self::Overloaded { retry_after }
            | Self::Unavailable { retry_after, .. } => {
                let whole = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                Some(whole.max(1))
            }
            _ => None,
        }
    }

    fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Internal(cause) | Self::Unavailable { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

fn retry_later(status: StatusCode, text: String, seconds: u64) -> Response {
    let seconds_text = seconds.to_string();
    let mut envelope = Envelope::error(status.as_u16(), text);
    envelope.metadata = Some(RetryAfter { retry_after_seconds: seconds_text });
    let mut response = response::json(status, &envelope);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(text)
            | Self::ForbiddenBecause(text)
            | Self::Conflict(text)
            | Self::Misdirected(text)
            | Self::NotImplemented(text)
            | Self::BadGateway(text) => f.write_str(text),
            Self::CodedBody => {
                f.write_str("The request's body must not be compressed: send it without Content-Encoding")
            }
            _ => f.write_str(self.status().canonical_reason().unwrap_or_default()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().map(|cause| cause.as_ref() as &(dyn StdError + 'static))
    }
}

/// The response of a handler, whether it succeeded or failed.
pub fn respond(result: Result<Response, Error>) -> Response {
    result.unwrap_or_else(Error::into_response)
}

impl warp::Reply for Error {
    fn into_response(self) -> Response {
        Error::into_response(self)
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        error.into_response()
    }
}

/// A cause, passed from the handler to the log.
#[derive(Clone)]
pub(crate) struct LoggedCause(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for LoggedCause {
    /// The error and its sources, on one line. A source whose text is already part of the one above is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = self.0.to_string();
        f.write_str(&written)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !written.contains(&text) {
                write!(f, ": {text}")?;
                written = text;
            }
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
