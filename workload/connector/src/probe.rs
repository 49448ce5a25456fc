//! `GET /`: what every call of today's clients begins with, to read the certificate. `GET /1.0/status`: readiness.

use std::net::IpAddr;

use edge::{Error, Response, response};

use crate::connector::Connector;
use crate::errors::from_store;
use crate::limits::Action;

impl Connector {
    /// Any quick answer will do: only the certificate of the connection is looked at.
    pub(crate) fn probe(&self, address: IpAddr) -> Result<Response, Error> {
        self.limits.check_address(Action::Probe, address)?;
        Ok(response::routine(response::success(())))
    }

    /// 200 when heartbeats can be stored, else 503.
    pub(crate) async fn status(&self, address: IpAddr) -> Result<Response, Error> {
        self.limits.check_address(Action::Status, address)?;
        self.ensure_prepared()?;
        self.readiness.check().await.map_err(from_store)?;
        Ok(response::routine(response::success(())))
    }
}
