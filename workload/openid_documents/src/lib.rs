//! Reads the documents that identity providers send: metadata, token responses, claims.
//!
//! Providers differ in what the standards leave open, and in what they get wrong. Only fields that are needed are read, so
//! a field that nobody needs may have any type or be missing. What is needed and cannot be read is named in the error with
//! its place. An error never repeats a value, which may be a token.
//!
//! | module | holds |
//! |---|---|
//! | [`document`] | a JSON object whose fields are read one by one |
//! | [`metadata`] | the discovery document |
//! | [`tokens`] | responses of the token endpoint and of the device authorization endpoint |
//! | [`address`] | which addresses may be called |

pub mod address;
pub mod document;
pub mod metadata;
pub mod tokens;

pub use document::{Document, Unreadable};
pub use metadata::Metadata;
pub use tokens::{DeviceAuthorization, ErrorResponse, TokenResponse};
