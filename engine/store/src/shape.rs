//! Statements whose text depends on how many values they take, kept to a few texts.
//!
//! Each connection keeps what it has prepared, so a text that comes back costs one round trip and not
//! three: preparing, executing, closing.

/// Rows that one statement inserts at most.
const MOST_ROWS: usize = 64;
/// Bytes that one statement inserts at most, unless a row alone is larger: packets to MySQL are bounded.
const MOST_BYTES: usize = 1 << 20;
/// What lists are lengthened to. Beyond the last, to its multiples.
const LENGTHS: [usize; 6] = [1, 4, 16, 64, 256, 1_024];

/// A list of one of a few lengths, its last value repeated: for conditions, where that changes nothing.
pub(crate) fn padded<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        values.resize(length(values.len()), last);
    }
    values
}

fn length(needed: usize) -> usize {
    let [.., longest] = LENGTHS;
    let fitting = LENGTHS.into_iter().find(|length| *length >= needed);
    fitting.unwrap_or_else(|| needed.next_multiple_of(longest))
}

/// Parts that each are small enough for a statement, their lengths powers of two: for rows to be inserted,
/// none of which can be repeated.
pub(crate) fn parts<T>(mut left: &[T], bytes_of: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut parts = Vec::new();
    while !left.is_empty() {
        let mut bytes = 0;
        let fitting = left.iter().take(MOST_ROWS).take_while(|item| {
            bytes += bytes_of(item);
            bytes <= MOST_BYTES
        });
        let (now, later) = left.split_at(1 << fitting.count().max(1).ilog2());
        parts.push(now);
        left = later;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, padded, parts};

    #[test]
    fn lists_have_few_lengths_and_no_other_values() {
        assert_eq!(padded(Vec::<i64>::new()), [0_i64; 0]);
        assert_eq!(padded([7]), [7]);
        assert_eq!(padded([7, 8]), [7, 8, 8, 8]);
        assert_eq!(padded(0..5).len(), 16);
        assert_eq!(padded(0..1_024).len(), 1_024);
        assert_eq!(padded(0..1_025).len(), 2_048);
    }

    #[test]
    fn parts_are_all_rows_in_their_order() {
        let rows: Vec<usize> = (0..215).collect();
        let parts = parts(&rows, |_| 0);
        assert_eq!(parts.concat(), rows);
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [64, 64, 64, 16, 4, 2, 1]);
    }

    #[test]
    fn parts_are_bounded_in_bytes_and_a_large_row_stands_alone() {
        let rows = [MOST_BYTES / 4; 5];
        let lengths: Vec<usize> = parts(&rows, |bytes| *bytes).iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [4, 1]);
        let lengths: Vec<usize> =
            parts(&[1, 2 * MOST_BYTES, 1], |bytes| *bytes).iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [1, 1, 1]);
    }
}
