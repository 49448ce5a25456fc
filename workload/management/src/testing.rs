//! Requests of a caller with a role, without a network: for tests and benchmarks.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use edge::peer::ClientCertificate;
use edge::{Draining, Peer, RequestId, Response};
use fleet::service_account::ServiceAccountName;
use fleet::{Actor, Role, ServiceToken};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use store::access::{CreateServiceAccountError, NewServiceAccount};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;
use warp::filters::BoxedFilter;

use crate::Management;

/// The API as one caller sees it. The caller is a service account.
#[derive(Clone)]
pub struct Client {
    routes: BoxedFilter<(Response,)>,
    authorization: HeaderValue,
}

impl Client {
    /// A new service account with this role.
    pub async fn with_role(
        management: &Arc<Management>,
        role: Role,
    ) -> Result<Self, CreateServiceAccountError> {
        let token = ServiceToken::from_random(&rand::random());
        let account = NewServiceAccount {
            name: ServiceAccountName::new(format!("{role}-{}", rand::random::<u64>())).unwrap(),
            role,
            description: "created for a test".to_owned(),
            expiry: management.store.now().await? + time::Duration::DAY,
        };
        let origin = Actor::command_line("test").locally();
        management.store.put_service_account(&account, &token, &origin).await?;
        let authorization = HeaderValue::try_from(format!("Bearer {}", token.expose())).unwrap();
        Ok(Self { routes: management.routes(), authorization })
    }

    /// The response to a request of this caller.
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Response {
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        request.extensions_mut().insert(Peer::new(address, ClientCertificate::None));
        request.extensions_mut().insert(RequestId::next());
        request.extensions_mut().insert(Draining(CancellationToken::new()));
        let response: Result<Response, Infallible> = warp::service(self.routes.clone()).call(request).await;
        match response {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
