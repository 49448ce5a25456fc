//! The one error type of both APIs: it decides status and public text. Causes go to the log, never to the client.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use protocol::envelope::{Envelope, RetryAfter};

use crate::response::{self, Response};

/// Any error's cause.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a request was not done. Its `Display` is the text that the client reads; a cause is not part of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// 400, with what is wrong.
    BadRequest(String),
    /// 401.
    Unauthorized,
    /// 403, saying nothing more.
    Forbidden,
    /// 403, with the reason, where the caller may know it.
    ForbiddenBecause(String),
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 408: the client took too long to send its request.
    RequestTimeout,
    /// 409, with what is in the way.
    Conflict(String),
    /// 413.
    TooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 429.
    TooManyRequests {
        /// When the next try can succeed.
        retry_after: Duration,
    },
    /// 500. The cause is logged with the request id.
    Internal(Cause),
    /// 501, with what is missing.
    NotImplemented(String),
    /// 502: who was asked on the client's behalf did not answer properly. The text says who, the log says why.
    BadGateway(String),
    /// 503. The cause is logged with the request id.
    Unavailable {
        /// When a retry is worth it.
        retry_after: Duration,
        /// What is away.
        cause: Cause,
    },
}

impl Error {
    /// A 500 from anything.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// A 503 from anything, worth a retry in ten seconds.
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
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer. A cause travels in its extensions to the server, which logs it with the request id.
    pub fn into_response(self) -> Response {
        let status = self.status();
        let text = self.to_string();
        let mut response = match self.retry_after() {
            Some(seconds) => retry_later(status, text, seconds),
            None => response::error(status, text),
        };
        if let Self::Internal(cause) | Self::Unavailable { cause, .. } = self {
            response.extensions_mut().insert(LoggedCause(Arc::from(cause)));
        }
        response
    }

    /// In whole seconds, never less than one: a client that waits zero seconds does not wait.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after } | Self::Unavailable { retry_after, .. } => {
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
            | Self::NotImplemented(text)
            | Self::BadGateway(text) => f.write_str(text),
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

/// A cause on its way from the handler to the log.
#[derive(Clone)]
pub(crate) struct LoggedCause(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for LoggedCause {
    /// The error and everything under it, on one line. Layers that only repeat the one below are said once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
