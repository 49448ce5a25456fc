//! Requests to a hub and its responses.

use std::io::IsTerminal as _;
use std::time::Duration;

use api::WhoAmI;
use protocol::envelope::Envelope;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::retry_budget::RetryBudget;
use super::session::TOKEN_VARIABLE;
use super::trust::{Notes, client_config};
use super::{HubAddress, Session, Trust};
use crate::Failure;
use crate::output::{note, one_line};

/// Timeout of one request, from connecting to the end of the body.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("cluster-manager/", env!("CARGO_PKG_VERSION"));

/// A hub's API.
pub(crate) struct Client {
    hub: HubAddress,
    trust: Trust,
    session: Session,
    http: reqwest::Client,
    notes: Notes,
}

/// A hub's response, with the hub's time.
#[derive(Debug)]
pub(crate) struct Response<T> {
    pub(crate) metadata: T,
    pub(crate) now: OffsetDateTime,
}

impl Client {
    /// Creates a client without sending anything.
    pub(crate) fn new(hub: HubAddress, trust: Trust, session: Session) -> Result<Self, Failure> {
        let notes = Notes::default();
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(client_config(&trust, notes.clone())?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(USER_AGENT);
        // A network's proxy cannot reach this machine's own ports.
        let builder = if hub.is_loopback() { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(Failure::other)?;
        Ok(Self { hub, trust, session, http, notes })
    }

    pub(crate) fn hub(&self) -> &HubAddress {
        &self.hub
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Sends GET.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Response<T>, Failure> {
        self.call(self.request(Method::GET, path, None)?).await
    }

    /// Sends GET with a query.
    pub(crate) async fn get_matching<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Response<T>, Failure> {
        let mut request = self.request(Method::GET, path, None)?;
        request.url_mut().query_pairs_mut().extend_pairs(query);
        self.call(request).await
    }

    /// Sends GET without a token.
    pub(crate) async fn get_publicly<T: DeserializeOwned>(
        &self,
        path: &[&str],
    ) -> Result<Response<T>, Failure> {
        let (status, headers, body) = self.send(self.request(Method::GET, path, None)?).await?;
        if status.is_success() { self.read(&headers, &body) } else { Err(self.failure(status, &body)) }
    }

    /// Sends a JSON body.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(Failure::other)?;
        Ok(self.call(self.request(method, path, Some(body))?).await?.metadata)
    }

    /// Sends DELETE. Returns whether there was something to remove.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<bool, Failure> {
        match self.call::<IgnoredAny>(self.request(Method::DELETE, path, None)?).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn call<T: DeserializeOwned>(&self, mut request: Request) -> Result<Response<T>, Failure> {
        let is_who_am_i = request.url().path() == "/1.0";
        self.sign(&mut request).await?;
        let (status, headers, body) = self.send(request).await?;
        match status {
            status if status.is_success() => self.read(&headers, &body),
            StatusCode::FORBIDDEN if !is_who_am_i => Err(self.forbidden(&body).await),
            status => Err(self.failure(status, &body)),
        }
    }

    fn request(&self, method: Method, path: &[&str], body: Option<Vec<u8>>) -> Result<Request, Failure> {
        let url: Url = self.hub.url(path).ok_or_else(|| {
            let name = path.last().copied().unwrap_or_default();
            Failure::Usage(format!(
                "the API cannot address the name {name:?}: run this command on the hub, without --remote"
            ))
        })?;
        let mut request = Request::new(method, url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        Ok(request)
    }

    async fn sign(&self, request: &mut Request) -> Result<(), Failure> {
        let token = self.session.bearer().await?.ok_or_else(|| self.not_signed_in())?;
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| Failure::Other("the stored token is invalid: sign in again".to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Sends a request. A GET is retried if the hub asks to retry later.
    async fn send(&self, request: Request) -> Result<(StatusCode, HeaderMap, Vec<u8>), Failure> {
        let mut budget = RetryBudget::new();
        let mut request = Some(request);
        while let Some(current) = request.take() {
            let retry = (current.method() == Method::GET).then(|| current.try_clone()).flatten();
            let response = self.http.execute(current).await.map_err(|error| self.unreachable(&error))?;
            if matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
                && retry.is_some()
                && let Some(wait) = budget.wait(retry_after(&response))
            {
                if std::io::stderr().is_terminal() {
                    note(&format!("({} is busy; retrying in {} s)", self.hub, wait.as_secs()));
                }
                tokio::time::sleep(wait).await;
                request = retry;
                continue;
            }
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
            return Ok((status, headers, body.into()));
        }
        // Not reached: the loop ends by returning.
        Err(Failure::Unavailable(format!("{} does not respond", self.hub)))
    }

    fn read<T: DeserializeOwned>(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response<T>, Failure> {
        let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|error| {
            Failure::Other(format!(
                "{}: cannot read the response: {error}. Check that this is a hub, and that its version matches",
                self.hub
            ))
        })?;
        let now = date(headers).unwrap_or_else(OffsetDateTime::now_utc);
        Ok(Response { metadata: envelope.metadata, now })
    }

    /// Turns an unsuccessful response into the failure that is shown.
    fn failure(&self, status: StatusCode, body: &[u8]) -> Failure {
        let hub = &self.hub;
        let text = error_text(body);
        let problem = text.clone().unwrap_or_else(|| format!("the hub responded with {status}"));
        match status {
            StatusCode::UNAUTHORIZED => self.not_accepted(),
            StatusCode::BAD_REQUEST => Failure::Usage(problem),
            StatusCode::NOT_FOUND if text.is_some() => Failure::NotFound(format!("{hub}: {problem}")),
            StatusCode::CONFLICT => Failure::Conflict(problem),
            StatusCode::TOO_MANY_REQUESTS => {
                Failure::Unavailable(format!("{hub} receives too many requests: try again later"))
            }
            StatusCode::SERVICE_UNAVAILABLE => Failure::Unavailable(format!(
                "{hub}: the hub is not available because it cannot reach its database: try again later"
            )),
            _ if text.is_none() => {
                Failure::Other(format!("{hub} does not look like a hub (status {status}): check the address"))
            }
            _ => Failure::Other(format!("{hub}: {problem} ({})", status.as_u16())),
        }
    }

    fn not_signed_in(&self) -> Failure {
        let hub = &self.hub;
        Failure::Other(format!(
            "you are not signed in to {hub}: run `cluster-manager --remote {hub} login`, or set {TOKEN_VARIABLE}"
        ))
    }

    fn not_accepted(&self) -> Failure {
        let hub = &self.hub;
        Failure::Other(match &self.session {
            Session::Environment(_) => {
                format!(
                    "{hub} does not accept the token in {TOKEN_VARIABLE}: it has expired, was revoked, or belongs to another hub"
                )
            }
            Session::Given(_) => {
                format!(
                    "{hub} does not accept this token: it has expired, was revoked, or belongs to another hub"
                )
            }
            Session::Kept(_) | Session::SignedOut => format!(
                "{hub} does not accept your sign-in: it has expired or was revoked. Run `cluster-manager --remote \
                 {hub} login`"
            ),
        })
    }

    /// Names the account that is refused. The hub itself only gives reasons other than the role.
    async fn forbidden(&self, body: &[u8]) -> Failure {
        if let Some(reason) = error_text(body).filter(|text| text != "Forbidden") {
            return Failure::Other(format!("{}: {reason}", self.hub));
        }
        let who = async {
            let mut request = self.request(Method::GET, &["1.0"], None)?;
            self.sign(&mut request).await?;
            let (_, headers, body) = self.send(request).await?;
            Ok::<WhoAmI, Failure>(self.read(&headers, &body)?.metadata)
        };
        let who = match who.await {
            Ok(WhoAmI { name, role: Some(role), .. }) => format!("{} ({role})", one_line(&name)),
            Ok(WhoAmI { name, role: None, .. }) => format!("{} (no role)", one_line(&name)),
            Err(_) => "you".to_owned(),
        };
        Failure::Other(format!(
            "{}: {who} may not do this: ask an administrator of the hub for a role that allows it",
            self.hub
        ))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let hub = &self.hub;
        let Some(refused) = self.notes.get() else {
            return Failure::Unavailable(format!("{hub} cannot be reached: {}", reason(error)));
        };
        let (presented, why) = (refused.presented, &refused.why);
        Failure::Other(match self.trust {
            Trust::Fingerprint(wanted) => format!(
                "{hub} presents the certificate {presented}, but {wanted} is trusted. If it was changed on purpose, pass \
                 --fingerprint {presented}"
            ),
            _ => format!(
                "{hub} presents a certificate that is not trusted: {why}. Its fingerprint is {presented}. If your own CA \
                 signed it, pass the CA's certificate: --ca-file FILE. If it is self-signed, compare the fingerprint \
                 with the one on the hub, then pass --fingerprint {presented}"
            ),
        })
    }
}

/// The error text in a response, if it is a hub's.
fn error_text(body: &[u8]) -> Option<String> {
    let envelope: Envelope<IgnoredAny> = serde_json::from_slice(body).ok()?;
    Some(one_line(&envelope.error)).filter(|text| !text.is_empty())
}

fn retry_after(response: &reqwest::Response) -> Option<u64> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// The hub's time at which it responded.
fn date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let text = headers.get(DATE)?.to_str().ok()?;
    PrimitiveDateTime::parse(text, form).ok().map(PrimitiveDateTime::assume_utc)
}

/// The innermost cause: "connection refused" rather than "error sending request".
pub(super) fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timeout".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn hub_time_is_read_from_the_response() {
        let mut headers = HeaderMap::new();
        assert_eq!(date(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Fri, 20 Nov 2026 13:34:39 GMT"));
        assert_eq!(date(&headers), Some(datetime!(2026-11-20 13:34:39 UTC)));
        headers.insert(DATE, HeaderValue::from_static("yesterday"));
        assert_eq!(date(&headers), None);
    }
}
