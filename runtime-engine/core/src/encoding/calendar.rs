//! Dates of the Gregorian calendar, as days counted from 1970-01-01 and back. Knows no time zone and reads no clock.
//!
//! A year is counted from March here, so that the leap day is its last; 400 such years have 146,097 days, and
//! 0000-03-01 is 719,468 days before 1970-01-01.

/// Returns year, month from 1 and day of the month of a day that is counted from 1970-01-01.
pub fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Returns how many days a date comes after 1970-01-01; a negative number if it comes before. The month is from 1 to
/// 12.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, march_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * march_month + 2) / 5 + day
        - 1
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_its_day_lead_to_each_other() {
        for (day, found) in [
            (0, (1970, 1, 1)),
            (11_015, (2000, 2, 28)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (18_333, (2020, 3, 12)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(day), found);
        }
        for day in (0..200_000).step_by(97) {
            let (year, month, of_month) = date(day);
            let signed = |number: u64| i64::try_from(number).expect("it is small");
            assert_eq!(days(signed(year), signed(month), signed(of_month)), signed(day));
        }
        assert_eq!(days(1969, 12, 31), -1);
    }
}
