//! The kinds of clients that need different responses to the same call (contract 1.1).

use std::convert::Infallible;

use edge::{Response, response};
use http::HeaderValue;
use http::header::{HOST, USER_AGENT};
use serde::Serialize;
use warp::Filter;

/// The `Host` of the daemon's calls, whatever address it calls.
const DAEMON_HOST: &[u8] = b"remote";
/// The beginning of the daemon's `User-Agent`.
const DAEMON_USER_AGENT: &[u8] = b"Go-http-client/";

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// MicroCloud's daemon. It neither reads nor closes the body of a 200, so each body would cost it a descriptor and some
    /// 95 kB for ever.
    Daemon,
    /// Anybody else, who reads what they get.
    Reader,
}

impl Caller {
    fn of(host: Option<&HeaderValue>, user_agent: Option<&HeaderValue>) -> Self {
        let is_daemon = host.is_some_and(|host| host.as_bytes() == DAEMON_HOST)
            && user_agent.is_some_and(|agent| agent.as_bytes().starts_with(DAEMON_USER_AGENT));
        if is_daemon { Self::Daemon } else { Self::Reader }
    }

    /// The 200 for this caller: without a body, or with this metadata in the envelope.
    pub(crate) fn success(self, metadata: impl Serialize) -> Response {
        match self {
            Self::Daemon => response::empty(),
            Self::Reader => response::success(metadata),
        }
    }
}

/// The filter for handlers that need to know it. It copies two headers only, for the sake of heartbeats, and never rejects.
pub(crate) fn caller() -> impl Filter<Extract = (Caller,), Error = Infallible> + Clone {
    header(HOST.as_str()).and(header(USER_AGENT.as_str())).map(
        |host: Option<HeaderValue>, agent: Option<HeaderValue>| Caller::of(host.as_ref(), agent.as_ref()),
    )
}

fn header(name: &'static str) -> impl Filter<Extract = (Option<HeaderValue>,), Error = Infallible> + Clone {
    warp::header::value(name).map(Some).or(warp::any().map(|| None)).unify()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn called_with(headers: &[(&'static str, &'static [u8])]) -> Caller {
        let request = headers.iter().fold(warp::test::request(), |request, (name, value)| {
            request.header(*name, HeaderValue::from_bytes(value).unwrap())
        });
        request.filter(&caller()).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_daemons_host_and_user_agent_together_are_the_daemon() {
        for agent in [&b"Go-http-client/1.1"[..], b"Go-http-client/2.0"] {
            assert_eq!(called_with(&[("host", b"remote"), ("user-agent", agent)]).await, Caller::Daemon);
        }
        let go = ("user-agent", &b"Go-http-client/1.1"[..]);
        for headers in [
            &[][..],
            &[go],
            &[("host", b"remote")],
            &[("host", b"hub.example.com:30000"), go],
            &[("host", b"remote:30000"), go],
            &[("host", b"remote"), ("user-agent", b"curl/8.0")],
            &[("host", b"remote"), ("user-agent", b"a Go-http-client/1.1")],
            &[("host", b"\xff"), ("user-agent", b"\xff")],
        ] {
            assert_eq!(called_with(headers).await, Caller::Reader, "{headers:?}");
        }
    }

    #[test]
    fn daemon_gets_no_body() {
        use http_body::Body as _;
        assert_eq!(Caller::Daemon.success(1).body().size_hint().exact(), Some(0));
        assert!(Caller::Reader.success(1).body().size_hint().exact() > Some(0));
    }
}
