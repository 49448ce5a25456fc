//! The route table: method, path, who may call it, handler. An end-to-end test calls every route with every role.

use edge::{Error, Response};
use fleet::Role;
use futures_util::future::BoxFuture;
use http::Method;

use crate::endpoints;
use crate::http::call::Call;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, signed in or not.
    Public,
    /// Everybody who is signed in, with or without a role.
    SignedIn,
    /// Everybody with this role or a higher one.
    Role(Role),
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static Method,
    /// The path. `{name}` matches one segment, which is percent-decoded; `{*rest}` matches everything that follows, as it
    /// is.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    pub(crate) handler: Handler,
}

pub(crate) type Handler = fn(Call) -> BoxFuture<'static, Result<Response, Error>>;

macro_rules! routes {
    ($($method:ident $path:literal $access:ident $(($role:ident))? $($handler:ident)::+;)*) => {
        &[$(Route {
            method: &Method::$method,
            path: $path,
            access: Access::$access $((Role::$role))?,
            handler: |call| Box::pin(endpoints::$($handler)::+(call)),
        }),*]
    };
}

/// All routes.
pub static ROUTES: &[Route] = routes! {
    GET "/" Public pages::root;
    GET "/ui" Public pages::root;
    GET "/ui/{*rest}" Public pages::file;
    GET "/api" Public description::read;

    GET "/oidc/login" Public sign_in::login;
    GET "/oidc/callback" Public sign_in::callback;
    GET "/oidc/logout" Public sign_in::logout;
    GET "/1.0" SignedIn who_am_i::show;
    GET "/1.0/sign-in" Public sign_in::show;

    GET "/1.0/status" Public status::show;
    GET "/1.0/openapi.json" Public description::document;
    GET "/1.0/configuration" Role(Viewer) configuration::show;
    GET "/1.0/fleet" Role(Viewer) fleet_totals::show;
    GET "/1.0/metrics-sink" Role(Viewer) metrics_sinks::list;
    GET "/1.0/changes" Role(Viewer) changes::follow;
    GET "/1.0/event" Role(Viewer) events::list;

    GET "/1.0/remote-cluster" Role(Viewer) clusters::list::list;
    GET "/1.0/remote-cluster/{name}" Role(Viewer) clusters::show;
    GET "/1.0/remote-cluster/{name}/history" Role(Viewer) clusters::history::show;
    PATCH "/1.0/remote-cluster/{name}" Role(Operator) clusters::configure;
    DELETE "/1.0/remote-cluster/{name}" Role(Operator) clusters::remove;
    POST "/1.0/remote-cluster-bulk" Role(Operator) clusters::bulk::act;
    GET "/1.0/remote-cluster/{name}/tunnel/{*rest}" Role(Admin) clusters::tunnel;
    POST "/1.0/remote-cluster/{name}/tunnel/{*rest}" Role(Admin) clusters::tunnel;
    PUT "/1.0/remote-cluster/{name}/tunnel/{*rest}" Role(Admin) clusters::tunnel;
    PATCH "/1.0/remote-cluster/{name}/tunnel/{*rest}" Role(Admin) clusters::tunnel;
    DELETE "/1.0/remote-cluster/{name}/tunnel/{*rest}" Role(Admin) clusters::tunnel;

    GET "/1.0/remote-cluster-join-token" Role(Viewer) tokens::list;
    POST "/1.0/remote-cluster-join-token" Role(Operator) tokens::create;
    DELETE "/1.0/remote-cluster-join-token/{name}" Role(Operator) tokens::revoke;

    GET "/1.0/service-account" Role(Admin) service_accounts::list;
    POST "/1.0/service-account" Role(Admin) service_accounts::create;
    DELETE "/1.0/service-account/{name}" Role(Admin) service_accounts::revoke;

    GET "/1.0/session" Role(Viewer) sessions::list;
    DELETE "/1.0/session/{id}" Role(Viewer) sessions::end;
};

/// The method as a word for the audit trail. A method without a route could be any text, so it becomes `other`.
pub(crate) fn method_word(method: &Method) -> &str {
    let is_known = ROUTES.iter().any(|route| route.method == method) || *method == Method::HEAD;
    if is_known { method.as_str() } else { "other" }
}
