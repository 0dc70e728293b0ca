//! Turns the words of deserialisers into words for people who don't know Rust.

use serde_path_to_error::{Path, Segment};

/// A path as a JSON Pointer (RFC 6901).
pub(super) fn pointer(path: &Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// The pointer and the words for a deserialiser's message about the place at a pointer.
pub(super) fn refusal(message: &str, pointer: String) -> (String, String) {
    let message = without_position(message);
    if let Some(field) = quoted(message, "missing field ") {
        (format!("{pointer}/{}", escape(field)), "is missing".to_owned())
    } else if let Some(field) = quoted(message, "duplicate field ") {
        (at_member(pointer, field), "is there twice".to_owned())
    } else if let Some(field) = quoted(message, "unknown field ") {
        (at_member(pointer, field), unknown_member(message))
    } else {
        (pointer, expectation(message))
    }
}

fn unknown_member(message: &str) -> String {
    match after_last(message, ", expected one of ").or_else(|| after_last(message, ", expected ")) {
        Some(members) => format!("is not known here; there are {}", members.replace(" or ", ", ")),
        None => "is not known here; nothing is".to_owned(),
    }
}

fn expectation(message: &str) -> String {
    if message.starts_with("unknown variant ") {
        let known = after_last(message, ", expected one of ").or_else(|| after_last(message, ", expected "));
        return format!("must be one of {}", known.unwrap_or("nothing").replace("` or `", "`, `"));
    }
    let typed = ["invalid type: ", "invalid value: ", "invalid length "];
    if typed.iter().any(|start| message.starts_with(start)) {
        return format!("must be {}", after_last(message, ", expected ").map_or("something else", kind));
    }
    // What the parser says where it wants the name of a value and finds something else.
    if message == "expected value" {
        return "must be one of the values that are listed for it".to_owned();
    }
    predicate(message).to_owned()
}

/// The domain's words without their subject, since the place says what it is.
fn predicate(message: &str) -> &str {
    let subjects = ["handle ", "sku ", "coupon code ", "currency ", "scope ", "role "];
    let rest = subjects.iter().find_map(|subject| message.strip_prefix(subject));
    match rest {
        Some(rest) => rest,
        None if message.starts_with("the id of ") => {
            after_last(message, " is ").map_or(message, |_| "is a UUID")
        }
        None => message,
    }
}

/// What a type is called by people.
fn kind(expected: &str) -> &'static str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" | "isize" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string or map" | "variant identifier" => "a string",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" | "null" => "null",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("enum ") || expected.contains("enum ") => "a string",
        _ if expected.starts_with("tuple") || expected.starts_with("an array") => "an array",
        _ => "of another kind; the API's description says which",
    }
}

/// Where a member stands, whether or not the path already leads to it.
fn at_member(pointer: String, field: &str) -> String {
    let member = format!("/{}", escape(field));
    if pointer.ends_with(&member) { pointer } else { pointer + &member }
}

fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(start)?.strip_prefix('`')?;
    // A member's name may hold a backtick itself: what follows the name decides where it ends.
    rest.split_once("`, ").map(|(field, _)| field).or_else(|| rest.strip_suffix('`'))
}

fn after_last<'a>(message: &'a str, separator: &str) -> Option<&'a str> {
    message.rsplit_once(separator).map(|(_, rest)| rest)
}

fn without_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

fn escape(key: &str) -> String {
    let key: String = key.chars().take(100).collect();
    key.replace('~', "~0").replace('/', "~1")
}
