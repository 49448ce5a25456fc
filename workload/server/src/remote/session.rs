//! Which token is sent to the hub.

use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use super::{Credentials, Entry, HubAddress, Provider, SignIn};
use crate::failure::Failure;

/// Where programs leave a token for us.
pub(crate) const TOKEN_VARIABLE: &str = "CLUSTER_MANAGER_TOKEN";

/// An access token that ends so soon may have ended when it arrives.
const MARGIN: Duration = Duration::seconds(30);

/// Where the token comes from.
#[derive(Debug)]
pub(crate) enum Session {
    /// `CLUSTER_MANAGER_TOKEN` holds it.
    Environment(SecretString),
    /// `login` kept it, for this hub.
    Kept(HubAddress),
    /// It was given just now and is kept nowhere yet.
    Given(SecretString),
    /// From nowhere.
    Nobody,
}

impl Session {
    /// The session at a hub: what the environment says goes before what is kept.
    pub(crate) fn at(hub: &HubAddress, credentials: &Credentials) -> Result<Self, Failure> {
        if let Some(token) = std::env::var_os(TOKEN_VARIABLE).filter(|token| !token.is_empty()) {
            let token = token.into_string().unwrap_or_default().trim().to_owned();
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) || token.is_empty() {
                return Err(Failure::Usage(format!("{TOKEN_VARIABLE} does not hold a token")));
            }
            let is_ours = token.starts_with(fleet::service_account::TOKEN_PREFIX);
            if is_ours && fleet::ServiceToken::parse(&token).is_err() {
                return Err(Failure::Usage(format!(
                    "{TOKEN_VARIABLE} does not hold a whole token: copy all of it"
                )));
            }
            return Ok(Self::Environment(token.into()));
        }
        Ok(if credentials.entry(hub).is_some() { Self::Kept(hub.clone()) } else { Self::Nobody })
    }

    /// The token to send now; a fresh one where the last has ended.
    pub(crate) async fn bearer(&self) -> Result<Option<SecretString>, Failure> {
        match self {
            Self::Environment(token) | Self::Given(token) => Ok(Some(token.clone())),
            Self::Nobody => Ok(None),
            Self::Kept(hub) => match Credentials::load()?.entry(hub) {
                None => Ok(None),
                Some(entry) if ends_soon(&entry.sign_in) => refreshed(hub).await.map(Some),
                Some(entry) => Ok(Some(token(&entry.sign_in))),
            },
        }
    }
}

/// Gets a new access token while nobody else does.
async fn refreshed(hub: &HubAddress) -> Result<SecretString, Failure> {
    let locked = Credentials::lock()?;
    let mut credentials = locked.load()?;
    let ended = || {
        Failure::Other(format!(
            "your sign-in to {hub} has ended: sign in again with `cluster-manager --remote {hub} login`"
        ))
    };
    let entry = credentials.entry(hub).cloned().ok_or_else(ended)?;
    if !ends_soon(&entry.sign_in) {
        // Whoever held the file before us was quicker.
        return Ok(token(&entry.sign_in));
    }
    let SignIn::Provider { issuer, client_id, refresh_token: Some(refresh_token), .. } = &entry.sign_in
    else {
        return Err(ended());
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

fn ends_soon(sign_in: &SignIn) -> bool {
    let SignIn::Provider { expires_at: Some(end), .. } = sign_in else { return false };
    *end <= OffsetDateTime::now_utc() + MARGIN
}

fn token(sign_in: &SignIn) -> SecretString {
    match sign_in {
        SignIn::ServiceAccount { token } => token.clone(),
        SignIn::Provider { access_token, .. } => access_token.clone(),
    }
}
