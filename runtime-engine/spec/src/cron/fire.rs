//! The times at which a schedule fires, by the calendar and the clock of one place.

use super::field::Set;
use super::{Both, Cron, Day, Schedule, Weekday};
use std::fmt;

/// A time by the calendar and the clock of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// The year, four digits.
    pub year: u16,
    /// The month, counted from 1.
    pub month: u16,
    /// The day of the month, counted from 1.
    pub day: u16,
    /// The hour, 0 to 23.
    pub hour: u16,
    /// The minute, 0 to 59.
    pub minute: u16,
    /// The second, 0 to 59.
    pub second: u16,
}

impl Civil {
    /// The beginning of the year 1970.
    pub const EPOCH: Civil = Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    /// The last year that schedules are followed to.
    const LAST_YEAR: u16 = 2199;

    /// Returns the time in UTC of this number of seconds since 1970.
    pub fn of_epoch_seconds(seconds: u64) -> Civil {
        let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
        let (mut year, mut month) = (1970, 1);
        loop {
            let in_month = u64::from(days_in(year, month));
            if days < in_month || year > Civil::LAST_YEAR {
                break;
            }
            days -= in_month;
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        let narrow = |value: u64| u16::try_from(value).unwrap_or_default();
        let (hour, minute, second) = (narrow(rest / 3_600), narrow(rest % 3_600 / 60), narrow(rest % 60));
        Civil { year, month, day: narrow(days) + 1, hour, minute, second }
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// Returns how many days a month has.
fn days_in(year: u16, month: u16) -> u16 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the day of the week; 0 is Sunday. The rule is Zeller's, in the form that Sakamoto gave it.
fn weekday(year: u16, month: u16, day: u16) -> u16 {
    const SHIFT: [u16; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 3 { year - 1 } else { year };
    (year + year / 4 - year / 100 + year / 400 + SHIFT[usize::from(month) - 1] + day) % 7
}

impl Cron {
    /// Returns the first time that is not before `from`; `None` if there is none until 2199.
    pub fn next(&self, from: Civil) -> Option<Civil> {
        let mut at = from;
        while let Some(year) = self.year.from(at.year).filter(|year| *year <= Civil::LAST_YEAR) {
            if year > at.year {
                at = Civil { year, ..Civil::EPOCH };
            }
            let Some(month) = self.month.from(at.month) else {
                at = Civil { year: at.year + 1, ..Civil::EPOCH };
                continue;
            };
            if month > at.month {
                at = Civil { year, month, ..Civil::EPOCH };
            }
            match self.in_month(at) {
                Some(found) => return Some(found),
                None if month == 12 => at = Civil { year: year + 1, ..Civil::EPOCH },
                None => at = Civil { year, month: month + 1, ..Civil::EPOCH },
            }
        }
        None
    }

    /// Returns the first time in the month of `from` that is not before it.
    fn in_month(&self, from: Civil) -> Option<Civil> {
        (from.day..=days_in(from.year, from.month)).filter(|day| self.has_day(from.year, from.month, *day)).find_map(
            |day| {
                let (hour, minute, second) =
                    if day == from.day { (from.hour, from.minute, from.second) } else { (0, 0, 0) };
                let (hour, minute, second) = self.in_day(hour, minute, second)?;
                Some(Civil { day, hour, minute, second, ..from })
            },
        )
    }

    /// Returns the first time of a day that is not before this one.
    fn in_day(&self, hour: u16, minute: u16, second: u16) -> Option<(u16, u16, u16)> {
        let next = |set: &Set, value: u16| set.from(value);
        let of_hour = next(&self.hour, hour)?;
        if of_hour > hour {
            return Some((of_hour, self.minute.first(), self.second.first()));
        }
        let of_minute = next(&self.minute, minute);
        let in_hour = match of_minute {
            Some(found) if found > minute => Some((hour, found, self.second.first())),
            Some(found) => match next(&self.second, second) {
                Some(second) => Some((hour, found, second)),
                None => next(&self.minute, minute + 1).map(|minute| (hour, minute, self.second.first())),
            },
            None => None,
        };
        in_hour.or_else(|| next(&self.hour, hour + 1).map(|hour| (hour, self.minute.first(), self.second.first())))
    }

    fn has_day(&self, year: u16, month: u16, day: u16) -> bool {
        let of_month = match &self.day {
            Day::Any => true,
            Day::Days(days) => days.contains(day),
            Day::Last => day == days_in(year, month),
            Day::LastWorkday => day == nearest_workday(year, month, days_in(year, month)),
            Day::Workday(wanted) => *wanted <= days_in(year, month) && day == nearest_workday(year, month, *wanted),
        };
        let today = weekday(year, month, day);
        let of_week = match &self.weekday {
            Weekday::Any => true,
            Weekday::Days(days) => days.contains(today),
            Weekday::Last(wanted) => today == *wanted && day + 7 > days_in(year, month),
            Weekday::Nth(wanted, number) => today == *wanted && (day - 1) / 7 + 1 == *number,
        };
        match self.both {
            Both::Or => of_month || of_week,
            Both::One | Both::And => of_month && of_week,
        }
    }
}

/// Returns the day from Monday to Friday of the month that is nearest to a day.
fn nearest_workday(year: u16, month: u16, day: u16) -> u16 {
    let last = days_in(year, month);
    match weekday(year, month, day) {
        6 if day == 1 => 3,
        6 => day - 1,
        0 if day == last => day - 2,
        0 => day + 1,
        _ => day,
    }
}

impl Schedule {
    /// Returns the next times from `from` on, at most `count`. A schedule by a span of time has no times of its own,
    /// since the platform chooses the first.
    pub fn next_times(&self, from: Civil, count: usize) -> Vec<Civil> {
        let Schedule::Cron(cron) = self else { return Vec::new() };
        let mut all = Vec::new();
        let mut at = Some(from);
        while let Some(from) = at.filter(|_| all.len() < count) {
            let Some(found) = cron.next(from) else { break };
            all.push(found);
            at = after(found);
        }
        all
    }
}

/// Returns the next second.
fn after(at: Civil) -> Option<Civil> {
    let mut next = Civil { second: at.second + 1, ..at };
    if next.second == 60 {
        next = Civil { minute: next.minute + 1, second: 0, ..next };
    }
    if next.minute == 60 {
        next = Civil { hour: next.hour + 1, minute: 0, ..next };
    }
    if next.hour == 24 {
        next = Civil { day: next.day + 1, hour: 0, ..next };
    }
    if next.day > days_in(next.year, next.month) {
        next = Civil { month: next.month + 1, day: 1, ..next };
    }
    if next.month == 13 {
        next = Civil { year: next.year + 1, month: 1, ..next };
    }
    (next.year <= Civil::LAST_YEAR).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_since_1970_have_a_date() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_795_737_600, "2026-11-27 00:00:00"),
        ] {
            assert_eq!(Civil::of_epoch_seconds(seconds).to_string(), text);
        }
    }
}
