//! `GET /operator/usage`: videos, seconds and money by day, client and model.

use serde_json::{Map, Value, json};

use super::authenticate;
use super::videos::parameters;
use crate::api::error::ApiError;
use crate::api::{RequestContext, internal, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::runtime::clock;
use crate::runtime::http::{Body, Request, Response};
use crate::video::money::budget::Day;
use crate::video::request::FieldError;
use crate::video::usage::calendar::day_text;
use crate::video::usage::csv::usage_csv;
use crate::video::usage::query::{Format, UsageQuery};
use crate::video::usage::{Counter, UsageKey, UsageReport, UsageRow};

pub async fn usage(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let (query, format) =
        UsageQuery::read(&parameters(request), Day::of(clock::now())).map_err(ApiError::InvalidParameter)?;
    let report = DispatcherClient::new(context.env)?.usage_report(query).await.map_err(internal)?;
    let report = report.ok_or_else(too_many_rows)?;
    let [from, to] = [query.from, query.to].map(|day| day_text(Day::numbered(day)));
    let response = match format {
        Format::Json => respond::json(200, &to_json(context, &report, &from, &to))?,
        Format::Csv => {
            let csv = usage_csv(&report.rows, query.group_by);
            let disposition = format!("attachment; filename=\"usage-{from}-{to}.csv\"");
            Response::new(200, Body::Bytes(csv.into_bytes()))
                .with("content-type", "text/csv; charset=utf-8; header=present")
                .with("content-disposition", &disposition)
        }
    };
    Ok(response.with("cache-control", "private, no-store"))
}

fn to_json(context: &RequestContext<'_>, report: &UsageReport, from: &str, to: &str) -> Value {
    let mut totals = UsageRow::empty(UsageKey::default());
    report.rows.iter().for_each(|row| totals.add(row));
    let (spent, reserved) = report.today;
    json!({
        "object": "usage",
        "from": from,
        "to": to,
        "data": report.rows.iter().map(row_to_json).collect::<Vec<_>>(),
        "totals": row_to_json(&totals),
        "today": {
            "spent_usd": spent.to_string(),
            "reserved_usd": reserved.to_string(),
            "limit_usd": context.config.daily_budget.map(|limit| limit.to_string()),
        },
    })
}

/// Members that the query does not ask for are absent.
fn row_to_json(row: &UsageRow) -> Value {
    let UsageKey { day, client, model } = &row.key;
    let mut members = Map::new();
    let keys = [
        ("day", day.map(|day| json!(day_text(Day::numbered(day))))),
        ("client", client.as_ref().map(|name| if name.is_empty() { Value::Null } else { json!(name) })),
        ("model", model.as_ref().map(|name| json!(name))),
    ];
    members.extend(keys.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let videos = json!({
        "submitted": row.count(Counter::Submitted),
        "completed": row.count(Counter::Completed),
        "failed": row.failed(),
        "cancelled": row.count(Counter::Cancelled),
    });
    let failures: Map<String, Value> =
        row.failures().map(|(code, count)| (code.as_str().to_owned(), json!(count))).collect();
    let figures = [
        ("videos", videos),
        ("seconds", json!(row.count(Counter::Seconds))),
        ("spent_usd", json!(row.spent.to_string())),
        ("reserved_usd", json!(row.reserved.to_string())),
        ("failures", json!(failures)),
    ];
    members.extend(figures.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(members)
}

fn too_many_rows() -> ApiError {
    let message = "gives too many rows: ask for fewer days or keys".to_owned();
    ApiError::InvalidParameter(vec![FieldError { field: "group_by".to_owned(), message }])
}
