//! A table for people, JSON for machines.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::rounds::{Measured, ROUNDS, Unit, median, range};

/// The table, and what its rows mean.
pub(crate) fn table(rows: &[Measured]) -> Result<String> {
    let mut text = String::new();
    let head = ["", "floor", "engine", "", "ratio", "least", "most"];
    writeln!(text, "{}", line(head))?;
    for row in rows {
        let (ratios, precision) = (row.ratios(), row.unit.precision());
        let (least, most) = range(&ratios);
        let amount = |numbers: &[f64]| format!("{:.precision$}", median(numbers));
        let ratio = |ratio: f64| format!("{ratio:.2}");
        let (floor, figure) = (amount(&row.floors), amount(&row.figures));
        let cells = [
            &row.name,
            &floor,
            &figure,
            row.unit.name(),
            &ratio(median(&ratios)),
            &ratio(least),
            &ratio(most),
        ];
        writeln!(text, "{}", line(cells))?;
    }
    writeln!(text)?;
    let mut said = "";
    for row in rows.iter() {
        if row.means != said {
            writeln!(text, "{}: {}.", row.name, row.means)?;
        }
        said = &row.means;
    }
    writeln!(
        text,
        "Medians of {ROUNDS} rounds. A ratio is the engine's time over the floor's in the same round: 1.00 is the floor."
    )?;
    Ok(text)
}

/// Everything that was measured, into a file.
pub(crate) fn write(rows: &[Measured], file: &Path) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let report = json!({
        "machine": { "cores": cores, "os": std::env::consts::OS, "arch": std::env::consts::ARCH },
        "engine": env!("CARGO_PKG_VERSION"),
        "rounds": ROUNDS,
        "rows": rows.iter().map(json).collect::<Vec<_>>(),
    });
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    std::fs::write(file, format!("{report:#}\n"))
        .with_context(|| format!("{} can't be written", file.display()))
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests/s",
            Self::Orders => "orders/s",
            Self::Micros => "us",
        }
    }

    const fn precision(self) -> usize {
        match self {
            Self::Requests | Self::Orders => 0,
            Self::Micros => 1,
        }
    }
}

fn line(cells: [&str; 7]) -> String {
    let [name, floor, figure, unit, ratio, least, most] = cells;
    format!("{name:<36} {floor:>9} {figure:>9} {unit:<10} {ratio:>7} {least:>7} {most:>7}")
}

fn json(row: &Measured) -> Value {
    let ratios = row.ratios();
    let (least, most) = range(&ratios);
    json!({
        "name": row.name,
        "means": row.means,
        "unit": row.unit.name(),
        "floor": { "median": median(&row.floors), "rounds": row.floors },
        "engine": { "median": median(&row.figures), "rounds": row.figures },
        "ratio": { "median": median(&ratios), "least": least, "most": most, "rounds": ratios },
    })
}
