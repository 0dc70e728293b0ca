//! Receipts are deterministic CBOR: RFC 8949, section 4.2.1.

use martlet_domain::{
    Digest,
    plugin::GroupMode,
    quote::{Class, Destination, Failure},
};

use crate::support::*;

/// Reads one item and says what isn't deterministic about it. Receipts hold integers, text, lists,
/// maps with text as keys, truth values and null; there are no tags, floats or byte strings.
fn item(bytes: &mut &[u8]) -> Result<(), String> {
    let (major, argument) = head(bytes)?;
    match major {
        0 | 1 => Ok(()),
        3 => text(bytes, argument).map(|_| ()),
        4 => (0..argument).try_for_each(|_| item(bytes)),
        5 => {
            let mut last: &[u8] = &[];
            for _ in 0..argument {
                let whole = *bytes;
                match head(bytes)? {
                    (3, length) => text(bytes, length)?,
                    (other, _) => return Err(format!("a key of major type {other}")),
                };
                let key = &whole[..whole.len() - bytes.len()];
                if key <= last {
                    return Err(format!("key {key:?} comes after {last:?}"));
                }
                last = key;
                item(bytes)?;
            }
            Ok(())
        }
        7 if (20..=22).contains(&argument) => Ok(()),
        _ => Err(format!("major type {major} with {argument}")),
    }
}

/// The major type and argument of an item, in the shortest form there is.
fn head(bytes: &mut &[u8]) -> Result<(u8, u64), String> {
    let first = take(bytes, 1)?[0];
    let (major, short) = (first >> 5, first & 31);
    let (length, least) = match short {
        0..=23 => return Ok((major, u64::from(short))),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return Err("an indefinite length".to_owned()),
    };
    let argument = take(bytes, length)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    if argument < least { Err(format!("{argument} in {length} bytes")) } else { Ok((major, argument)) }
}

fn text<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a str, String> {
    let text = take(bytes, usize::try_from(length).map_err(|error| error.to_string())?)?;
    str::from_utf8(text).map_err(|error| error.to_string())
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or("the end")?;
    *bytes = rest;
    Ok(taken)
}

fn deterministic(mut bytes: &[u8]) -> Result<(), String> {
    item(&mut bytes)?;
    if bytes.is_empty() { Ok(()) } else { Err(format!("{} bytes after the end", bytes.len())) }
}

/// The checker itself: what RFC 8949 calls preferred passes, what it doesn't is found.
#[test]
fn the_checker_finds_what_is_not_deterministic() {
    for good in [
        &[0x17][..],
        &[0x18, 24],
        &[0x39, 1, 0],
        &[0x62, b'a', b'b'],
        &[0xa2, 0x61, b'b', 0, 0x62, b'a', b'a', 0xf6],
    ] {
        assert_eq!(deterministic(good), Ok(()), "{good:?}");
    }
    for bad in [
        &[0x18, 23][..],                             // 23 in one byte more than it needs
        &[0x19, 0, 24],                              // 24 in two
        &[0x7f, 0x61, b'a', 0xff],                   // text of indefinite length
        &[0x9f, 0xff],                               // a list of indefinite length
        &[0xa2, 0x61, b'b', 0, 0x61, b'a', 0],       // keys out of order
        &[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0], // the longer key first
        &[0xa2, 0x61, b'a', 0, 0x61, b'a', 0],       // a key twice
        &[0xa1, 0x00, 0x00],                         // a key that is no text
        &[0xf9, 0, 0],                               // a float
        &[0x00, 0x00],                               // more than one item
        &[0x82, 0x00],                               // less than one
    ] {
        assert!(deterministic(bad).is_err(), "{bad:?}");
    }
}

fn carts() -> Vec<Case> {
    let mut travelled = krw().line(3, 3_333).line(2, 5_555).tax(100_000).shipping(3_000).customer();
    travelled.input.destination =
        Some(Destination { country: "KR".to_owned(), region: Some("11".to_owned()) });
    vec![
        krw(),
        krw().line(1, 0),
        travelled
            .rate("food", 0)
            .rate("a-category-with-a-name-of-more-than-twenty-three-bytes", 50_000)
            .rate("b", 1)
            .stocked_gift("MUG", 800, i64::MAX)
            .group("g", of(Class::Line), -1, GroupMode::Best)
            .with(promotion([buy_get_any(2, 1), order_percent(10).tagged("x"), gift("MUG", 1)]).group("g"))
            .with(pricing([unit_price(3_000).over(some_of(0, 2))]))
            .with(code("minus3000", [across(3_000).from(25_000).capped(i64::MAX)]))
            .with(code(
                "ŻÓŁĆ",
                [bundle(1, &[(lines(&[0]), 1), (lines(&[1]), 2)]), each(-1), across(i64::MIN)],
            ))
            .with(promotion([across(1)]).fails(Failure::Trapped("unreachable\u{0}\n😀".to_owned()))),
    ]
}

#[test]
fn receipts_are_deterministic_cbor() {
    for cart in carts() {
        let receipt = cart.price().quote.receipt;
        assert_eq!(deterministic(receipt.bytes()), Ok(()));
        assert_eq!(receipt.digest(), Digest::of(receipt.bytes()));
    }
}

/// What went in, what was answered and what came out are evidence: a change in any of them shows.
#[test]
fn receipts_tell_quotes_apart() {
    let cart = || krw().line(1, 1_000).with(promotion([across(100)]));
    let mut elsewhere = cart();
    elsewhere.input.destination = Some(Destination { country: "KR".to_owned(), region: None });
    let mut later = cart();
    later.rulebook.number += 1;
    let mut configured = cart();
    configured.rulebook.installations[0].config = "{\"a\":1}".to_owned();
    let variants = [
        cart(),
        cart().line(1, 1_000),
        cart().bucket(1),
        cart().tax(1),
        cart().exclusive(),
        cart().customer(),
        elsewhere,
        later,
        configured,
        krw().line(1, 1_000).with(promotion([across(101)])),
        krw().line(1, 1_000).with(promotion([across(100).keyed("k")])),
        krw().line(1, 1_000).with(promotion([across(100)]).fails(Failure::OutOfFuel)),
    ];
    let mut digests: Vec<Digest> = variants.iter().map(|cart| cart.price().quote.receipt.digest()).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), variants.len());
}
