//! Days as `YYYY-MM-DD`, in UTC.

use crate::video::money::budget::Day;

/// The years that a day may have.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=9999;

/// Reads a day of the Gregorian calendar.
#[must_use]
pub fn parse_day(text: &str) -> Option<Day> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let is_separated = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let is_date = is_separated && YEARS.contains(&year) && (1..=12).contains(&month) && day > 0;
    // A day that the month does not have is another day when it is written again.
    let found = is_date.then(|| Day::numbered(days_before(year, month) + day - 1))?;
    (day_text(found) == text).then_some(found)
}

/// Writes a day.
#[must_use]
pub fn day_text(day: Day) -> String {
    let number = day.number();
    // A month before `number` may be up to 30 days earlier, a year up to 365.
    let mut year = 1970 + number.div_euclid(366);
    while days_before(year + 1, 1) <= number {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days_before(year, month + 1) <= number {
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", number - days_before(year, month) + 1)
}

/// The days from 1970-01-01 to the first day of this month.
fn days_before(year: i64, month: i64) -> i64 {
    const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let is_leap = leap_days(year) > leap_days(year - 1);
    let before = usize::try_from(month - 1).ok().and_then(|month| BEFORE_MONTH.get(month));
    let before = before.copied().unwrap_or_default() + i64::from(is_leap && month > 2);
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + before
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_read_and_written() {
        for (text, number) in [
            ("1970-01-01", 0),
            ("1970-12-31", 364),
            ("1972-02-29", 789),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2026-11-30", 20_787),
            ("2100-03-01", 47_541),
        ] {
            assert_eq!(parse_day(text), Some(Day::numbered(number)), "{text}");
            assert_eq!(day_text(Day::numbered(number)), text);
        }
    }

    #[test]
    fn other_texts_are_no_days() {
        for text in [
            "",
            "2026-11",
            "2026-11-31",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "26-11-30",
            "2026/11/30",
            "2026-11-30T00:00",
            "+026-11-30",
            "1969-12-31",
            "２026-11-3",
        ] {
            assert_eq!(parse_day(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn each_day_is_read_as_it_was_written(number in 0_i64..2_932_897) {
            prop_assert_eq!(parse_day(&day_text(Day::numbered(number))), Some(Day::numbered(number)));
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in ".{0,12}") {
            let _ = parse_day(&text);
        }
    }
}
