//! Tokens that are good, and all kinds of tokens that aren't.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_500);
const LIFETIME: Duration = Duration::from_secs(600);

fn id<T>(number: u128) -> Id<T> {
    Id::new(Uuid::from_u128(number))
}

fn key(name: &str) -> SigningKey {
    format!("{name}:{}", URL_SAFE_NO_PAD.encode(name.repeat(32))).parse().unwrap()
}

fn tokens(signing: &str, older: &[&str]) -> AccessTokens {
    AccessTokens::new(key(signing), older.iter().map(|name| key(name)).collect(), LIFETIME)
}

fn issued(tokens: &AccessTokens) -> String {
    tokens.issue(id(1), id(2), id(3), NOW)
}

/// A token of a header and claims, signed with a key.
fn made(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(&signed)))
}

fn claims() -> Value {
    let text = |number| Uuid::from_u128(number).to_string();
    json!({"sub": text(2), "sid": text(3), "store": text(1), "iat": 1_772_366_400, "exp": 1_772_367_000})
}

#[test]
fn a_token_says_who_where_and_how_long() {
    let tokens = tokens("k", &[]);
    let token = issued(&tokens);
    let parts: Vec<&str> = token.split('.').collect();
    let part =
        |at: usize| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap() };
    assert_eq!((parts.len(), part(0)), (3, json!({"alg": "HS256", "typ": "JWT", "kid": "k"})));
    assert_eq!(part(1), claims());
    let expected = Claims {
        customer: id(2),
        session: id(3),
        store: id(1),
        issued_at: 1_772_366_400,
        expires_at: 1_772_367_000,
    };
    assert_eq!(tokens.verify(&token, NOW), Some(expected));
}

#[test]
fn a_token_ends_with_the_second_it_names() {
    let tokens = tokens("k", &[]);
    let token = issued(&tokens);
    let at = Timestamp::from_millis;
    assert!(tokens.verify(&token, at(1_772_366_999_999)).is_some());
    assert_eq!(tokens.verify(&token, at(1_772_367_000_000)), None);
    assert_eq!(tokens.verify(&token, at(i64::MAX)), None);
    // The clock of the instance that issued it may be ahead.
    assert!(tokens.verify(&token, at(0)).is_some());
}

#[test]
fn a_token_of_an_older_key_is_good_until_the_key_is_taken_away() {
    let old = issued(&tokens("old", &[]));
    assert_eq!(tokens("new", &[]).verify(&old, NOW), None);
    assert!(tokens("new", &["other", "old"]).verify(&old, NOW).is_some());
    // While keys are changed, instances that don't sign with the new one yet know it already.
    let new = issued(&tokens("new", &["old"]));
    assert!(tokens("old", &["new"]).verify(&new, NOW).is_some());
    assert_eq!(tokens("new", &["other"]).verify(&old, NOW), None);
}

#[test]
fn a_key_is_known_by_its_bytes_and_not_by_its_id() {
    let impostor: SigningKey = format!("k:{}", URL_SAFE_NO_PAD.encode([9; 32])).parse().unwrap();
    let token = AccessTokens::new(impostor, Vec::new(), LIFETIME).issue(id(1), id(2), id(3), NOW);
    assert_eq!(tokens("k", &[]).verify(&token, NOW), None);
}

#[test]
fn no_character_of_a_token_can_be_changed() {
    let tokens = tokens("k", &[]);
    let token = issued(&tokens);
    for at in 0..token.len() {
        for letter in ["A", "B", ".", "=", "\u{e9}", ""] {
            let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
            if changed != token {
                assert_eq!(tokens.verify(&changed, NOW), None, "{changed}");
            }
        }
    }
    for changed in [
        format!("{token}="),
        format!("{token}A"),
        format!(" {token}"),
        format!("{token}."),
        format!(".{token}"),
    ] {
        assert_eq!(tokens.verify(&changed, NOW), None, "{changed}");
    }
}

#[test]
fn the_algorithm_is_ours_whatever_a_token_says() {
    let (tokens, key) = (tokens("k", &[]), key("k"));
    let header = |alg: Value| json!({"alg": alg, "typ": "JWT", "kid": "k"});
    assert!(tokens.verify(&made(&header(json!("HS256")), &claims(), &key), NOW).is_some());
    for alg in
        [json!("none"), json!("None"), json!("HS512"), json!("RS256"), json!("hs256"), json!(""), json!(null)]
    {
        let signed = made(&header(alg.clone()), &claims(), &key);
        assert_eq!(tokens.verify(&signed, NOW), None, "{alg}");
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        assert_eq!(tokens.verify(&format!("{unsigned}."), NOW), None, "{alg}");
        assert_eq!(tokens.verify(unsigned, NOW), None, "{alg}");
    }
    // Nor does an empty signature do with the right one.
    let unsigned = format!("{}.{}.", encode(&header(json!("HS256"))), encode(&claims()));
    assert_eq!(tokens.verify(&unsigned, NOW), None);
}

#[test]
fn headers_and_claims_that_are_not_understood_are_no_tokens() {
    let (tokens, key) = (tokens("k", &[]), key("k"));
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "k"});
    for wrong in [
        json!({"alg": "HS256", "typ": "JWT"}),
        json!({"alg": "HS256", "kid": "other"}),
        json!({"alg": "HS256", "kid": 1}),
        json!({"alg": "HS256", "kid": "k", "crit": ["b64"], "b64": false}),
        json!([]),
        json!("x"),
    ] {
        assert_eq!(tokens.verify(&made(&wrong, &claims(), &key), NOW), None, "{wrong}");
    }
    for member in ["sub", "sid", "store", "iat", "exp"] {
        for value in [Value::Null, json!("x"), json!(1.5), json!([])] {
            let mut wrong = claims();
            wrong[member] = value;
            assert_eq!(tokens.verify(&made(&header, &wrong, &key), NOW), None, "{wrong}");
        }
    }
    // What a later release adds doesn't sign anybody out.
    let mut more = claims();
    more["scope"] = json!("all");
    assert!(tokens.verify(&made(&header, &more, &key), NOW).is_some());
}

#[test]
fn texts_that_are_no_tokens_are_refused() {
    let tokens = tokens("k", &[]);
    let long = "a".repeat(1 << 20);
    for text in ["", ".", "..", "...", "a.b.c", "\u{0}", "eyJhbGciOiJub25lIn0.e30.", &long] {
        assert_eq!(tokens.verify(text, NOW), None);
    }
}

/// RFC 7515, appendix A.1: the example's key signs the example's text.
#[test]
fn signatures_are_those_of_the_standard() {
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key: SigningKey = format!("k:{key}").parse().unwrap();
    let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(URL_SAFE_NO_PAD.encode(key.sign(signed)), signature);
}
