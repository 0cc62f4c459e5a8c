//! A usage report as CSV (RFC 4180), safe to open in a spreadsheet.

use super::calendar::day_text;
use super::query::Grouping;
use super::{Counter, UsageRow};
use crate::video::money::budget::Day;

/// The report, with a header row.
#[must_use]
pub fn usage_csv(rows: &[UsageRow], Grouping { day, client, model }: Grouping) -> String {
    let keys = [("day", day), ("client", client), ("model", model)];
    let mut header: Vec<&str> =
        keys.into_iter().filter(|(_, chosen)| *chosen).map(|(name, _)| name).collect();
    header.extend(["submitted", "completed", "failed", "cancelled", "seconds", "spent_usd", "reserved_usd"]);
    header.extend(failures().map(Counter::name));
    let mut csv = line(header.into_iter().map(str::to_owned));
    for row in rows {
        let key = &row.key;
        let mut fields: Vec<String> = Vec::new();
        fields.extend(key.day.map(|day| day_text(Day::numbered(day))));
        fields.extend([&key.client, &key.model].into_iter().flatten().map(|name| field(name)));
        fields.push(row.count(Counter::Submitted).to_string());
        fields.push(row.count(Counter::Completed).to_string());
        fields.push(row.failed().to_string());
        fields.push(row.count(Counter::Cancelled).to_string());
        fields.push(row.count(Counter::Seconds).to_string());
        fields.extend([row.spent, row.reserved].map(|amount| amount.to_string()));
        fields.extend(failures().map(|counter| row.count(counter).to_string()));
        csv.push_str(&line(fields.into_iter()));
    }
    csv
}

fn failures() -> impl Iterator<Item = Counter> {
    Counter::ALL.into_iter().filter(|counter| matches!(counter, Counter::Failed(_)))
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",") + "\r\n"
}

/// Quotes a name where needed. Spreadsheets run a field that starts with one of these characters as a formula, so an
/// apostrophe comes before it.
fn field(name: &str) -> String {
    let is_formula = name.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{name}") } else { name.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::money::Usd;
    use crate::video::usage::UsageKey;

    #[test]
    fn a_report_has_a_header_and_a_line_for_each_row() {
        let key =
            UsageKey { day: Some(20_787), client: Some("alice".to_owned()), model: Some("h".to_owned()) };
        let mut row = UsageRow::empty(key);
        row.counts = vec![5, 2, 1, 12, 1, 0, 0, 0, 0, 1];
        row.spent = Usd::from_micros(560_000);
        let grouping = Grouping { day: true, client: true, model: true };
        assert_eq!(
            usage_csv(&[row], grouping),
            "day,client,model,submitted,completed,failed,cancelled,seconds,spent_usd,reserved_usd,\
             generation_failed,upstream_rejected,upstream_unavailable,upstream_timeout,submission_unknown,\
             storage_failed\r\n\
             2026-11-30,alice,h,5,2,2,1,12,0.56,0.00,1,0,0,0,0,1\r\n"
        );
    }

    #[test]
    fn a_report_without_rows_is_a_header() {
        let csv = usage_csv(&[], Grouping { client: true, ..Grouping::default() });
        assert!(csv.starts_with("client,submitted,") && csv.lines().count() == 1, "{csv}");
    }

    #[test]
    fn names_are_quoted_and_never_formulas() {
        for (name, written) in [
            ("alice", "alice"),
            ("a,b", "\"a,b\""),
            ("say\"hi\"", "\"say\"\"hi\"\"\""),
            ("=1+2", "'=1+2"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(field(name), written);
        }
    }
}
