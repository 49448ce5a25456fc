//! `GET /`, which today's clients send before every call to read the certificate, and `GET /1.0/status`, the readiness.

use std::net::IpAddr;

use edge::{Error, Response, response};

use crate::connector::Connector;
use crate::deadline::Deadline;
use crate::errors::from_store;
use crate::limits::Action;

impl Connector {
    /// Responds quickly: clients only look at the certificate of the connection.
    pub(crate) fn probe(&self, address: IpAddr) -> Result<Response, Error> {
        self.limits.check_address(Action::Probe, address)?;
        Ok(response::routine(response::success(())))
    }

    /// 200 if heartbeats can be stored, otherwise 503.
    pub(crate) async fn status(&self, address: IpAddr) -> Result<Response, Error> {
        self.limits.check_address(Action::Status, address)?;
        self.ensure_prepared()?;
        Deadline::of_status().within(self.readiness.check()).await?.map_err(from_store)?;
        Ok(response::routine(response::success(())))
    }
}
