//! Tables as Markdown text.

use crate::samples::Samples;
use std::fmt::Write;

/// A column: heading, quantity, digits behind the point, and whether its ratios to the first row stand beside it.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub &'static str, pub usize, pub bool);

/// Returns the medians of all subjects, and their ratios to the first one, round by round.
pub fn of_samples(subjects: &[String], samples: &Samples, columns: &[Column]) -> String {
    let mut head = vec![String::new()];
    for Column(heading, _, _, ratio) in columns {
        head.push((*heading).to_owned());
        if *ratio {
            head.push("ratio".to_owned());
        }
    }
    let first = subjects.first().map_or("", String::as_str);
    let rows = subjects.iter().map(|subject| {
        let mut row = vec![subject.clone()];
        for Column(_, quantity, digits, ratio) in columns {
            row.push(number(samples.median(subject, quantity), *digits));
            if *ratio {
                row.push(number(samples.ratio(subject, first, quantity), 2));
            }
        }
        row
    });
    let rows: Vec<_> = rows.collect();
    markdown(&head, &rows)
}

/// Returns a number as text, or a dash for `None`.
pub fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
}

/// Returns a number of bytes with its thousands apart.
pub fn bytes(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a table; the first column to the left, all others to the right.
pub fn markdown(head: &[String], rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    // Writing into memory cannot fail.
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(head.len().saturating_sub(1)));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_stand_beside_their_column() {
        let mut samples = Samples::default();
        samples.note("a", "time", 0, 2.0);
        samples.note("b", "time", 0, 3.0);
        let subjects = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let table = of_samples(&subjects, &samples, &[Column("time µs", "time", 1, true)]);
        let expected =
            "|  | time µs | ratio |\n|---|---:|---:|\n| a | 2.0 | 1.00 |\n| b | 3.0 | 1.50 |\n| c | – | – |\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([bytes(7), bytes(1_234), bytes(1_234_567)], ["7", "1,234", "1,234,567"]);
    }
}
