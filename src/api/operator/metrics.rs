//! `GET /operator/metrics`: usage and the state of the service for Prometheus and other collectors.

use super::authenticate;
use crate::api::error::ApiError;
use crate::api::{RequestContext, internal};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::health::Circuit;
use crate::runtime::clock;
use crate::runtime::http::{Body, Request, Response};
use crate::video::money::budget::Day;
use crate::video::usage::calendar::first_day_of_year;
use crate::video::usage::open_metrics::{ServiceState, open_metrics};
use crate::video::usage::query::{Grouping, UsageQuery};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Usage begins with the year, because it is kept for 400 days: once a year the figures fall to zero.
pub async fn metrics(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let dispatcher = DispatcherClient::new(context.env)?;
    let health = dispatcher.health().await.map_err(internal)?;
    let today = Day::of(clock::now());
    let group_by = Grouping { model: true, ..Grouping::default() };
    let query = UsageQuery { from: first_day_of_year(today).number(), to: today.number(), group_by };
    let report = dispatcher.usage_report(query).await.map_err(internal)?;
    let report = report.ok_or_else(|| internal("more models than a report may have"))?;
    let state = ServiceState {
        waiting: health.waiting,
        active: health.active,
        is_paused: health.paused,
        is_circuit_open: !matches!(health.circuit, Circuit::Closed),
        last_sweep_at: health.last_sweep_at,
        daily_budget: context.config.daily_budget,
    };
    let text = open_metrics(env!("CARGO_PKG_VERSION"), &state, &report);
    Ok(Response::new(200, Body::Bytes(text.into_bytes()))
        .with("content-type", CONTENT_TYPE)
        .with("cache-control", "private, no-store"))
}
