//! One field of a schedule: the values it has, read and written.

/// The values in order, without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(Vec<u16>);

impl FromIterator<u16> for Set {
    fn from_iter<I: IntoIterator<Item = u16>>(values: I) -> Set {
        let mut values: Vec<u16> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        Set(values)
    }
}

impl Set {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = u16> {
        self.0.iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, value: u16) -> bool {
        self.0.binary_search(&value).is_ok()
    }

    /// Returns the first value that is not less than `value`.
    pub(crate) fn from(&self, value: u16) -> Option<u16> {
        self.0.get(self.0.partition_point(|other| *other < value)).copied()
    }

    pub(crate) fn first(&self) -> u16 {
        self.0.first().copied().unwrap_or_default()
    }

    /// Returns the value, if it is the only one.
    pub(crate) fn only(&self) -> Option<u16> {
        if let [only] = self.0[..] { Some(only) } else { None }
    }

    /// Returns the step between all values; `None` if there are fewer than three, or the steps differ.
    fn step(&self) -> Option<u16> {
        let [first, second, ..] = self.0[..] else { return None };
        let step = second - first;
        (self.0.len() > 2 && self.0.windows(2).all(|pair| pair[1] - pair[0] == step)).then_some(step)
    }
}

/// The values that a field may have, and their names.
pub(crate) struct Field {
    what: &'static str,
    least: u16,
    most: u16,
    names: &'static [&'static str],
}

pub(crate) const SECOND: Field = Field { what: "a second", least: 0, most: 59, names: &[] };
pub(crate) const MINUTE: Field = Field { what: "a minute", least: 0, most: 59, names: &[] };
pub(crate) const HOUR: Field = Field { what: "an hour", least: 0, most: 23, names: &[] };
pub(crate) const DAY: Field = Field { what: "a day of a month", least: 1, most: 31, names: &[] };
pub(crate) const MONTH: Field = Field { what: "a month", least: 1, most: 12, names: &MONTHS };
pub(crate) const WEEKDAY: Field = Field { what: "a day of the week", least: 0, most: 7, names: &WEEKDAYS };
pub(crate) const YEAR: Field = Field { what: "a year", least: 1970, most: 2199, names: &[] };

pub(crate) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
pub(crate) const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    /// Returns the allowed values in words, for people.
    pub(crate) fn help(&self) -> String {
        match self.names {
            [] => format!("{} is a number from {} to {}", self.what, self.least, self.most),
            names => format!(
                "{} is a number from {} to {}, or a name from {} to {}",
                self.what,
                self.least,
                self.most,
                names[0],
                names[names.len() - 1]
            ),
        }
    }

    pub(crate) fn only(&self, value: u16) -> Set {
        Set(vec![value])
    }

    /// Reads one value, by number or name.
    pub(crate) fn value(&self, text: &str) -> Result<u16, String> {
        let of_name = |text: &str| {
            let at = self.names.iter().position(|name| name.eq_ignore_ascii_case(text))?;
            u16::try_from(at).ok().map(|at| at + if self.least == 1 { 1 } else { 0 })
        };
        let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        match number.or_else(|| of_name(text)) {
            Some(value) if (self.least..=self.most).contains(&value) => Ok(value),
            _ => Err(format!("`{text}` is not {}", self.what)),
        }
    }

    /// Reads the values of a field.
    pub(crate) fn read(&self, text: &str) -> Result<Set, String> {
        let mut values = Vec::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                None => (part, None),
                Some((range, step)) => match step.parse::<u16>() {
                    Ok(step @ 1..) => (range, Some(step)),
                    _ => return Err(format!("`/{step}` is no step")),
                },
            };
            // A whole week is from Sunday to Saturday: its second Sunday is only another name.
            let most = if self.least == 0 && self.most == 7 { 6 } else { self.most };
            let (first, last) = match range {
                "*" | "?" => (self.least, most),
                range => match range.split_once('-') {
                    Some((first, last)) => (self.value(first)?, self.value(last)?),
                    None => {
                        let first = self.value(range)?;
                        (first, if step.is_some() { most.max(first) } else { first })
                    }
                },
            };
            let step = usize::from(step.unwrap_or(1));
            if first <= last {
                values.extend((first..=last).step_by(step));
            } else if self.names.is_empty() {
                return Err(format!("`{range}` ends before it begins"));
            } else {
                // Months and days of the week go round: SAT-SUN is two days.
                let round = (first..=most).chain(self.least..=last);
                values.extend(round.step_by(step));
            }
        }
        let is_week = self.least == 0 && self.most == 7;
        Ok(values.into_iter().map(|value| if is_week { value % 7 } else { value }).collect())
    }

    /// Returns a set as a field that every dialect reads: `*`, ranges with steps, lists. Names are in the order of the
    /// calendar, and never a range, since some platforms turn `SAT-SUN` round.
    pub(crate) fn write(&self, set: &Set) -> String {
        let most = if self.most == 7 { 6 } else { self.most };
        let all = usize::from(most - self.least) + 1;
        if set.len() == all {
            return "*".to_owned();
        }
        if !self.names.is_empty() {
            let name = |value: u16| self.names[usize::from(value - if self.least == 1 { 1 } else { 0 })];
            return set.iter().map(name).collect::<Vec<_>>().join(",");
        }
        let (first, last) = (set.first(), set.iter().next_back().unwrap_or_default());
        match set.step() {
            Some(1) => format!("{first}-{last}"),
            Some(step) if first == self.least && u32::from(last) + u32::from(step) > u32::from(most) => {
                format!("*/{step}")
            }
            Some(step) => format!("{first}-{last}/{step}"),
            None => set.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(","),
        }
    }

    /// Returns `true` if a set has every value.
    pub(crate) fn is_all(&self, set: &Set) -> bool {
        self.write(set) == "*"
    }
}
