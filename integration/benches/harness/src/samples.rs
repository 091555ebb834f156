//! Numbers of many rounds: medians, and ratios that are taken round by round, so that a disturbance of a whole round
//! concerns both sides of it.

use std::collections::BTreeMap;

/// One number for each subject, quantity and round; `None` where that round failed.
#[derive(Debug, Default)]
pub struct Samples {
    numbers: BTreeMap<(String, &'static str), Vec<Option<f64>>>,
}

/// Returns the middle of some numbers.
pub fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let (last, middle) = (numbers.len().checked_sub(1)?, numbers.len() / 2);
    Some(if last % 2 == 0 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) })
}

/// Returns the number that `share` of all are not above.
pub fn percentile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (numbers.len() as f64 * share) as usize;
    numbers.get(at.min(numbers.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

impl Samples {
    /// Notes the number of a round.
    pub fn note(&mut self, subject: &str, quantity: &'static str, round: usize, number: f64) {
        let numbers = self.numbers.entry((subject.to_owned(), quantity)).or_default();
        if numbers.len() <= round {
            numbers.resize(round + 1, None);
        }
        numbers[round] = Some(number);
    }

    fn of(&self, subject: &str, quantity: &'static str) -> &[Option<f64>] {
        self.numbers.get(&(subject.to_owned(), quantity)).map_or(&[], Vec::as_slice)
    }

    /// Returns the median of all rounds.
    pub fn median(&self, subject: &str, quantity: &'static str) -> Option<f64> {
        median(self.of(subject, quantity).iter().copied().flatten().collect())
    }

    /// Returns the median of a number made of two subjects, round by round.
    pub fn paired(&self, one: &str, other: &str, quantity: &'static str, both: fn(f64, f64) -> f64) -> Option<f64> {
        median(self.pairs(one, other, quantity, both))
    }

    /// Returns the quartiles of the same, the lower and the upper one.
    pub fn spread(
        &self,
        one: &str,
        other: &str,
        quantity: &'static str,
        both: fn(f64, f64) -> f64,
    ) -> Option<(f64, f64)> {
        let mut pairs = self.pairs(one, other, quantity, both);
        if pairs.is_empty() { None } else { Some((percentile(&mut pairs, 0.25), percentile(&mut pairs, 0.75))) }
    }

    fn pairs(&self, one: &str, other: &str, quantity: &'static str, both: fn(f64, f64) -> f64) -> Vec<f64> {
        let pairs = self.of(one, quantity).iter().zip(self.of(other, quantity));
        pairs.filter_map(|(one, other)| Some(both((*one)?, (*other)?))).collect()
    }

    /// Returns the median of the ratios of `one` to `other`.
    pub fn ratio(&self, one: &str, other: &str, quantity: &'static str) -> Option<f64> {
        self.paired(one, other, quantity, |one, other| one / other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let mut samples = Samples::default();
        for (round, slow) in [1.0, 10.0, 100.0].into_iter().enumerate() {
            samples.note("a", "time", round, slow);
            samples.note("b", "time", round, slow * 2.0);
        }
        samples.note("b", "time", 3, 7.0);
        assert_eq!(samples.median("a", "time"), Some(10.0));
        assert_eq!(samples.ratio("b", "a", "time"), Some(2.0));
        assert_eq!(samples.ratio("b", "c", "time"), None);
    }

    #[test]
    fn an_even_count_has_its_middle_between_two() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
