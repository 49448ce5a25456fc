//! The token that is sent to the hub.

use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use super::{Credentials, Entry, HubAddress, Provider, SignIn};
use crate::Failure;

/// The variable that holds a token, for commands that do not sign in.
pub(crate) const TOKEN_VARIABLE: &str = "CLUSTER_MANAGER_TOKEN";

/// An access token that expires sooner is refreshed first: it could expire on its way to the hub.
const REFRESH_MARGIN: Duration = Duration::seconds(30);

/// Where the token comes from.
#[derive(Debug)]
pub(crate) enum Session {
    /// `CLUSTER_MANAGER_TOKEN` holds it.
    Environment(SecretString),
    /// `login` kept it for this hub.
    Kept(HubAddress),
    /// It was just entered and is not kept yet.
    Given(SecretString),
    /// There is none.
    SignedOut,
}

impl Session {
    /// Returns the session at a hub. The environment wins over a kept sign-in.
    pub(crate) fn at(hub: &HubAddress, credentials: &Credentials) -> Result<Self, Failure> {
        if let Some(token) = std::env::var_os(TOKEN_VARIABLE).filter(|token| !token.is_empty()) {
            let token = token.into_string().unwrap_or_default().trim().to_owned();
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) || token.is_empty() {
                return Err(Failure::Usage(format!("{TOKEN_VARIABLE} does not contain a token")));
            }
            let is_ours = token.starts_with(fleet::service_account::TOKEN_PREFIX);
            if is_ours && fleet::ServiceToken::parse(&token).is_err() {
                return Err(Failure::Usage(format!(
                    "{TOKEN_VARIABLE} does not contain a whole token: copy all of it"
                )));
            }
            return Ok(Self::Environment(token.into()));
        }
        Ok(if credentials.entry(hub).is_some() { Self::Kept(hub.clone()) } else { Self::SignedOut })
    }

    /// Returns the token to send, refreshed if it has expired.
    pub(crate) async fn bearer(&self) -> Result<Option<SecretString>, Failure> {
        match self {
            Self::Environment(token) | Self::Given(token) => Ok(Some(token.clone())),
            Self::SignedOut => Ok(None),
            Self::Kept(hub) => match Credentials::load()?.entry(hub) {
                None => Ok(None),
                Some(entry) if expires_soon(&entry.sign_in) => refresh(hub).await.map(Some),
                Some(entry) => Ok(Some(token(&entry.sign_in))),
            },
        }
    }
}

/// Gets a new access token, while no other command does.
async fn refresh(hub: &HubAddress) -> Result<SecretString, Failure> {
    let locked = Credentials::lock()?;
    let mut credentials = locked.load()?;
    let expired = || {
        Failure::Other(format!(
            "your sign-in to {hub} has expired: run `cluster-manager --remote {hub} login`"
        ))
    };
    let entry = credentials.entry(hub).cloned().ok_or_else(expired)?;
    if !expires_soon(&entry.sign_in) {
        // Another command refreshed it while this one waited for the lock.
        return Ok(token(&entry.sign_in));
    }
    let SignIn::Provider { issuer, client_id, refresh_token: Some(refresh_token), .. } = &entry.sign_in
    else {
        return Err(expired());
    };
    let trust = entry.trust();
    let provider = Provider::discover(issuer, &trust).await?;
    let sign_in = provider.refresh(client_id, refresh_token.clone()).await?;
    let fresh = token(&sign_in);
    let current = credentials.current.take();
    credentials.keep(hub, Entry::new(&trust, sign_in));
    credentials.current = current;
    locked.store(&credentials)?;
    Ok(fresh)
}

fn expires_soon(sign_in: &SignIn) -> bool {
    let SignIn::Provider { expires_at: Some(end), .. } = sign_in else { return false };
    *end <= OffsetDateTime::now_utc() + REFRESH_MARGIN
}

fn token(sign_in: &SignIn) -> SecretString {
    match sign_in {
        SignIn::ServiceAccount { token } => token.clone(),
        SignIn::Provider { access_token, .. } => access_token.clone(),
    }
}
