//! Answers that aren't.

use martlet_domain::quote::{Failure, Outcome};
use martlet_plugin_host::ComponentError;

use crate::support::*;

/// What is wrong with the answer that these words at address 1024 make.
fn problem(words: &[i32]) -> String {
    let data: String =
        words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect();
    let items = format!(r#"(data (i32.const 1024) "{data}") (data (i32.const 2048) "BAD KEY\ff\fe")"#);
    let evaluated = ask(&host(), &promotion_with("8", &items, "(i32.const 1024)"));
    match evaluated.evaluation.outcome {
        Outcome::Failed(Failure::InvalidOutput(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_outside_of_memory_are_no_answer() {
    assert!(problem(&[-64, 1, 0, 0]).contains("out of bounds"));
    assert!(problem(&[1032, 1_000_000, 0, 0]).contains("out of bounds"));
}

#[test]
fn more_than_may_be_handed_over_is_no_answer() {
    // 256 KiB, and 418 for a cart of one line.
    assert_eq!(problem(&[0, 0, 1040, 9_000]), "more than 262562 bytes: the limit grows with the cart");
}

#[test]
fn an_answer_outside_of_memory_is_none() {
    let evaluated = ask(&host(), &promotion("(i32.const -16)"));
    let Outcome::Failed(Failure::InvalidOutput(problem)) = evaluated.evaluation.outcome else {
        panic!("{:?}", evaluated.evaluation)
    };
    assert!(problem.contains("out of bounds"), "{problem}");
}

#[test]
fn an_unaligned_answer_is_none() {
    let evaluated = ask(&host(), &promotion("(i32.const 17)"));
    assert!(matches!(evaluated.evaluation.outcome, Outcome::Failed(Failure::InvalidOutput(_))));
}

/// A declined list of one: key at `key`, of `length` bytes; an empty message.
fn declined(key: i32, length: i32) -> [i32; 10] {
    [0, 0, 1040, 1, key, length, 0, 0, 0, 0]
}

#[test]
fn a_key_of_another_form_is_no_answer() {
    assert_eq!(
        problem(&declined(2048, 7)),
        r#"a decline has the key "BAD KEY"; a key is 1 to 64 of a-z, 0-9, -, _ and ."#
    );
    assert!(problem(&declined(2048, 0)).starts_with("a decline has the key \"\""));
}

#[test]
fn text_that_is_not_utf_8_is_no_answer() {
    assert!(problem(&declined(2048, 9)).contains("utf-8"));
}

#[test]
fn text_outside_of_memory_is_no_answer() {
    assert!(problem(&declined(2048, i32::MAX)).contains("out of bounds"));
}

#[test]
fn too_many_declined_are_no_answer() {
    let host = host();
    // 256 may be declined, and one for the line. 1,001 times the same: empty texts take no room, so the limit on bytes isn't reached first.
    let body = "(i32.store (i32.const 1032) (i32.const 2048)) (i32.store (i32.const 1036) (i32.const 1001)) (i32.const 1024)";
    let evaluated = ask(&host, &promotion(body));
    let words = "1001 declined, and the limit is 257".to_owned();
    assert_eq!(evaluated.evaluation.outcome, failed(Failure::InvalidOutput(words)));
    assert_eq!(ask(&host, &quiet()).evaluation.outcome, nothing());
}

#[test]
fn a_description_without_a_name_can_not_be_used() {
    let component = host().load(&quiet()).expect("it loads");
    let error = component.describe().expect_err("it has no name");
    assert_eq!(
        error,
        ComponentError::Unusable {
            function: "describe",
            problem: "the name is 1 to 64 of a-z, 0-9 and -".to_owned()
        }
    );
}

#[test]
fn a_configuration_accepted_without_a_class_can_not_be_used() {
    let component = host().load(&quiet()).expect("it loads");
    let error = component.validate_config("{}").expect_err("it names no class");
    assert!(matches!(error, ComponentError::Unusable { function: "validate-config", .. }));
}
