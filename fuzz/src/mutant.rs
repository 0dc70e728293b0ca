//! Mutants of components that are components still.

use std::ops::{Range, RangeInclusive};

use libfuzzer_sys::fuzzer_mutate;
use wasmparser::{BinaryReaderError, ConstExpr, DataKind, FunctionBody, Parser, Payload};

/// Operators of one byte that take and give the same, so that each can stand for another.
const ALIKE: [RangeInclusive<u8>; 8] = [
    // Comparisons of i32 and i64.
    0x46..=0x4f,
    0x51..=0x5a,
    // Counting bits, and arithmetic.
    0x67..=0x69,
    0x6a..=0x78,
    0x79..=0x7b,
    0x7c..=0x8a,
    // Loads of i32, whose alignment is at most that of a byte where it is to be valid for all.
    0x2c..=0x2d,
    0x2e..=0x2f,
];
const CONSTANTS: RangeInclusive<u8> = 0x41..=0x42;
const BRANCHES: RangeInclusive<u8> = 0x0c..=0x0d;
const MEMORY: RangeInclusive<u8> = 0x28..=0x3e;

/// A part that can be changed in place while what stands around it goes on saying the truth.
enum Part {
    /// Any bytes will do.
    Bytes(Range<usize>),
    /// A number in LEB128, whose length is in it.
    Number(Range<usize>),
    /// An operator, and those that it can become.
    Operator(usize, RangeInclusive<u8>),
}

/// Changes a component, in place where it can be: data, numbers in code, operators for such of the same
/// type. Now and then anything, as libFuzzer would. Answers the new size.
pub fn mutate(bytes: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    // What can't be read to its end has parts up to there.
    let mut parts = Vec::new();
    let _ = find_parts(&bytes[..size], &mut parts);
    let (data, code): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| matches!(part, Part::Bytes(_)));
    let (way, which) = (seed % 16, seed as usize / 16);
    let parts = if way <= 8 { data } else { code };
    match parts.get(which % parts.len().max(1)) {
        Some(part) if way > 0 => {
            part.mutate(bytes, which);
            size
        }
        _ => fuzzer_mutate(bytes, size, most),
    }
}

impl Part {
    fn mutate(&self, bytes: &mut [u8], seed: usize) {
        match self {
            // A few of them: what libFuzzer does to many moves all behind them.
            Self::Bytes(at) => {
                let start = at.start + seed / 7 % at.len();
                in_place(&mut bytes[start..at.end.min(start + 1 + seed % 8)]);
            }
            Self::Number(at) => {
                let goes_on: Vec<u8> = bytes[at.clone()].iter().map(|byte| byte & 0x80).collect();
                in_place(&mut bytes[at.clone()]);
                for (byte, goes_on) in bytes[at.clone()].iter_mut().zip(goes_on) {
                    *byte = *byte & 0x7f | goes_on;
                }
            }
            Self::Operator(at, alike) => {
                let (first, last) = (*alike.start(), *alike.end());
                // The remainder is less than a byte.
                bytes[*at] = first + (seed / 31 % (usize::from(last - first) + 1)) as u8;
            }
        }
    }
}

fn in_place(bytes: &mut [u8]) {
    let mut changed = bytes.to_vec();
    fuzzer_mutate(&mut changed, bytes.len(), bytes.len());
    bytes.copy_from_slice(&changed);
}

fn find_parts(bytes: &[u8], parts: &mut Vec<Part>) -> Result<(), BinaryReaderError> {
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    if let DataKind::Active { offset_expr, .. } = &data.kind {
                        constant(offset_expr, bytes, parts);
                    }
                    if !data.data.is_empty() {
                        parts.push(Part::Bytes(data.range.end - data.data.len()..data.range.end));
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    constant(&global?.init_expr, bytes, parts);
                }
            }
            Payload::CodeSectionEntry(body) => operators(&body, bytes, parts)?,
            _ => {}
        }
    }
    Ok(())
}

/// The number of an expression such as `i32.const 1024`.
fn constant(expression: &ConstExpr<'_>, bytes: &[u8], parts: &mut Vec<Part>) {
    let at = expression.get_binary_reader().range();
    if CONSTANTS.contains(&bytes[at.start]) && at.len() > 2 {
        parts.push(Part::Number(at.start + 1..at.end - 1));
    }
}

fn operators(body: &FunctionBody<'_>, bytes: &[u8], parts: &mut Vec<Part>) -> Result<(), BinaryReaderError> {
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let at = reader.original_position();
        reader.read()?;
        let end = reader.original_position();
        let operator = bytes[at];
        if (CONSTANTS.contains(&operator) || BRANCHES.contains(&operator)) && end > at + 1 {
            parts.push(Part::Number(at + 1..end));
        } else if MEMORY.contains(&operator) && end > at + 2 {
            parts.push(Part::Number(at + 2..end));
        }
        if let Some(alike) = ALIKE.iter().find(|alike| alike.contains(&operator)) {
            parts.push(Part::Operator(at, alike.clone()));
        }
    }
    Ok(())
}
