//! Texts in the form they are searched and sorted by.

use martlet_domain::catalog::Product;
use unicode_normalization::UnicodeNormalization as _;

/// Most characters of a title that decide its place in a sorted list.
const SORTED_CHARS: usize = 200;

/// NFKC without case: `ＭＵＧ` is found as `mug`, `große` as `GROSSE`. By way of upper case, where
/// letters meet that lower case keeps apart.
fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// What searches look into: title, handle and tags, a line each.
pub(crate) fn of_product(product: &Product) -> String {
    let mut parts = vec![product.title.as_str(), product.handle.as_str()];
    parts.extend(product.tags.iter().map(String::as_str));
    fold(&parts.join("\n"))
}

/// What lists sorted by title compare. Databases disagree on spaces at the end, so there are none.
pub(crate) fn title_key(title: &str) -> String {
    let key: String = fold(title).chars().take(SORTED_CHARS).collect();
    key.trim().to_owned()
}

/// The words of a query, each of which must be found.
pub(crate) fn words(query: &str) -> Vec<String> {
    fold(query).split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_by_case_or_width_are_one() {
        for (one, other) in
            [("ＭＵＧ", "mug"), ("Große", "GROSSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("É", "e\u{301}")]
        {
            assert_eq!(fold(one), fold(other));
        }
    }

    #[test]
    fn a_title_key_is_bounded_and_has_no_spaces_around() {
        assert_eq!(title_key("  B \u{3000}"), "b");
        assert_eq!(title_key(&"ﬃ".repeat(200)).chars().count(), 200);
    }
}
