//! Sign-in by OpenID Connect (code flow with PKCE), the sessions that follow, and the tokens that programs present.
//!
//! | module | holds |
//! |---|---|
//! | [`sign_in`] | `SignIn`, its options, and the request that it is given |
//! | `authenticate`, [`principal`] | who calls, by session, access token or a service account's token |
//! | `login`, `callback`, `logout` | the three pages that a browser visits |
//! | `attempt` | a sign-in under way, in a sealed cookie |
//! | `session` | how a session begins, is renewed and ends; its content, sealed under a key that only the cookie has |
//! | `cookie` | cookies, and the two halves of the session's |
//! | `provider` | the provider's metadata and keys, and the back-off while it does not respond |
//! | `tokens`, `token_error`, `claims` | the token endpoint, its failures, and what an ID token must and may say |
//! | `jwt` | signatures of ID tokens and access tokens |
//! | `bearer` | access tokens that programs present |
//! | `service_account` | tokens of service accounts |
//! | `host`, `redirect` | the hub's own names, and where a person continues |
//! | `page` | what a browser shows when a sign-in fails |
//! | [`errors`] | the store's errors as HTTP errors |

pub mod errors;
pub mod principal;
pub mod sign_in;

mod attempt;
mod authenticate;
mod bearer;
mod callback;
mod claims;
mod cookie;
mod host;
mod jwt;
mod login;
mod logout;
mod page;
mod provider;
mod redirect;
mod service_account;
mod session;
mod token_error;
mod tokens;

pub use callback::Callback;
pub use openidconnect::IssuerUrl;
pub use principal::Principal;
pub use provider::http::{InvalidCaFile, ProviderHttp};
pub use sign_in::{BrowserRequest, SignIn, SignInOptions};
