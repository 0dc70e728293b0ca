//! Schemas of configurations: JSON Schema draft 2020-12, as far as it can be checked in bounded time.
//!
//! A schema comes from a merchant's component, so it may do no harm: its references stay inside of it and
//! lead in no circle, what it expands to is bounded, and its patterns run in linear time.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::{
    ConfigProblem,
    runtime::{clip, printable},
};

/// The only draft there is.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Schemas that a schema has, those that references lead to counted each time.
const EXPANDED: usize = 10_000;
/// How deep they stand in each other.
const DEPTH: usize = 64;
/// Bytes that a compiled pattern takes.
const PATTERN_BYTES: usize = 1 << 20;
/// Problems that are passed on, and bytes of each.
const PROBLEMS: usize = 100;
const PROBLEM_BYTES: usize = 1_000;

/// Keywords whose value is a schema.
const SCHEMA: &[&str] = &[
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value has a schema for each name.
const MAP: &[&str] = &["$defs", "dependentSchemas", "patternProperties", "properties"];
/// Keywords that hold for the same value as the schema they stand in, and so see what it has evaluated.
const IN_PLACE: &[&str] = &["$ref", "allOf", "anyOf", "dependentSchemas", "else", "if", "oneOf", "then"];
/// Keywords that need to know what all others have evaluated, for which each is compiled and tried again.
const UNEVALUATED: &[&str] = &["unevaluatedItems", "unevaluatedProperties"];
/// Keywords of older drafts that are followed all the same, with what says the same in this one.
const OLD: &[(&str, &str)] =
    &[("additionalItems", "`items`"), ("dependencies", "`dependentSchemas` or `dependentRequired`")];
/// References that can't be followed without knowing what asked.
const REFUSED: &[&str] = &["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"];

/// The schema of a plugin's configurations.
pub struct ConfigSchema {
    schema: Value,
    validator: Validator,
}

impl ConfigSchema {
    /// Reads a schema.
    ///
    /// # Errors
    ///
    /// What is wrong with it, each problem with a JSON Pointer to its place in the schema.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigProblem>> {
        let schema: Value = serde_json::from_str(text)
            .map_err(|error| vec![problem("", format!("it is not JSON: {error}"))])?;
        let Value::Object(members) = &schema else {
            return Err(vec![problem("", "it is not a JSON object".to_owned())]);
        };
        if let Some(draft) = members.get("$schema").filter(|draft| !is_draft(draft)) {
            let words = format!("it is {draft}, and schemas here are of {DRAFT}");
            return Err(vec![problem("/$schema", words)]);
        }
        let wrong = problems(jsonschema::draft202012::meta::validator().iter_errors(&schema));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut walk = Walk { root: &schema, followed: Vec::new(), schemas: 0 };
        walk.schema(&schema, "", 0).map_err(|wrong| vec![wrong])?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(false)
            .with_pattern_options(
                PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES),
            )
            .build(&schema)
            .map_err(|error| problems([error]))?;
        Ok(Self { schema, validator })
    }

    /// Checks a configuration.
    ///
    /// # Errors
    ///
    /// What is wrong with it, each problem with a JSON Pointer to its place in the configuration.
    pub fn validate(&self, config: &Value) -> Result<(), Vec<ConfigProblem>> {
        let wrong = problems(self.validator.iter_errors(config));
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The schema itself: an object.
    pub const fn as_value(&self) -> &Value {
        &self.schema
    }

    /// Configurations that its author gives as examples.
    pub fn examples(&self) -> &[Value] {
        self.schema.get("examples").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl std::fmt::Debug for ConfigSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigSchema").field("schema", &self.schema).finish_non_exhaustive()
    }
}

fn is_draft(draft: &Value) -> bool {
    draft.as_str().is_some_and(|draft| draft.trim_end_matches('#') == DRAFT)
}

fn problem(pointer: &str, problem: String) -> ConfigProblem {
    ConfigProblem {
        pointer: printable(clip(pointer, PROBLEM_BYTES)),
        problem: printable(clip(&problem, PROBLEM_BYTES)),
    }
}

fn problems<'a>(errors: impl IntoIterator<Item = jsonschema::ValidationError<'a>>) -> Vec<ConfigProblem> {
    let wrong =
        |error: jsonschema::ValidationError<'_>| problem(error.instance_path().as_str(), error.to_string());
    errors.into_iter().take(PROBLEMS).map(wrong).collect()
}

/// How often schemas are compiled, and at most tried on one value.
#[derive(Debug, Clone, Copy)]
struct Work {
    /// To say whether a value is valid.
    valid: usize,
    /// To say what of it has been evaluated.
    evaluated: usize,
}

impl Work {
    /// Adds a schema that stands under a keyword.
    fn add(&mut self, keyword: &str, below: Self) {
        self.valid = self.valid.saturating_add(below.valid);
        if IN_PLACE.contains(&keyword) {
            self.evaluated = self.evaluated.saturating_add(below.evaluated);
        }
        // Of properties the names are enough.
        if !matches!(keyword, "$defs" | "properties") {
            self.evaluated = self.evaluated.saturating_add(below.valid);
        }
    }
}

/// Follows a schema to everywhere it leads.
struct Walk<'a> {
    root: &'a Value,
    /// The references that led here.
    followed: Vec<&'a str>,
    schemas: usize,
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value, pointer: &str, depth: usize) -> Result<Work, ConfigProblem> {
        self.schemas += 1;
        if self.schemas > EXPANDED {
            let words = format!("with all that its references lead to it has more than {EXPANDED} schemas");
            return Err(problem("", words));
        }
        if depth > DEPTH {
            return Err(problem(pointer, format!("schemas stand in each other more than {DEPTH} deep")));
        }
        let mut work = Work { valid: 1, evaluated: 1 };
        let Value::Object(members) = schema else { return Ok(work) };
        self.refuse(members, pointer, depth)?;
        for (keyword, value) in members {
            for (place, below) in below(keyword, value) {
                let below = self.schema(below, &format!("{pointer}{place}"), depth + 1)?;
                work.add(keyword, below);
            }
        }
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            work.add("$ref", self.follow(reference, &format!("{pointer}/$ref"), depth)?);
        }
        for keyword in UNEVALUATED.iter().filter(|keyword| members.contains_key(**keyword)) {
            work.valid = work.valid.saturating_add(work.evaluated);
            if work.valid > EXPANDED {
                let words = format!("what it has to look at again comes to more than {EXPANDED} schemas");
                return Err(problem(&format!("{pointer}/{keyword}"), words));
            }
        }
        Ok(work)
    }

    fn refuse(&self, members: &Map<String, Value>, pointer: &str, depth: usize) -> Result<(), ConfigProblem> {
        if let Some((old, new)) = OLD.iter().find(|(keyword, _)| members.contains_key(*keyword)) {
            let words = format!("`{old}` is of older drafts: use {new}");
            return Err(problem(&format!("{pointer}/{old}"), words));
        }
        let only_at_root: &[&str] = if depth > 0 { &["$id", "$schema"] } else { &[] };
        let refused = REFUSED.iter().chain(only_at_root).copied();
        match refused.into_iter().find(|keyword| members.contains_key(*keyword)) {
            Some(keyword) => Err(problem(
                &format!("{pointer}/{keyword}"),
                format!("`{keyword}` can't be used here: refer to `#/$defs/NAME` with `$ref`"),
            )),
            None => Ok(()),
        }
    }

    fn follow(&mut self, reference: &'a str, pointer: &str, depth: usize) -> Result<Work, ConfigProblem> {
        let place = reference
            .strip_prefix('#')
            .filter(|place| (place.is_empty() || place.starts_with('/')) && !place.contains('%'));
        let Some(place) = place else {
            let words = format!("{reference} leads out of the schema: refer to `#/$defs/NAME`");
            return Err(problem(pointer, words));
        };
        let Some(target) = self.root.pointer(place) else {
            return Err(problem(pointer, format!("there is nothing at {reference}")));
        };
        if place.is_empty() || self.followed.contains(&place) {
            let words = format!("{reference} leads in a circle: what nests is checked by validate-config");
            return Err(problem(pointer, words));
        }
        self.followed.push(place);
        let outcome = self.schema(target, place, depth + 1);
        self.followed.pop();
        outcome
    }
}

/// The schemas that stand under a keyword, each with its place. A list of a keyword that takes one schema
/// only is no schema, but what leads there with a reference might compile it.
fn below<'a>(keyword: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let at = format!("/{}", escaped(keyword));
    match value {
        Value::Array(items) if SCHEMA.contains(&keyword) || LIST.contains(&keyword) => {
            items.iter().enumerate().map(|(index, item)| (format!("{at}/{index}"), item)).collect()
        }
        Value::Object(members) if MAP.contains(&keyword) => {
            members.iter().map(|(name, member)| (format!("{at}/{}", escaped(name)), member)).collect()
        }
        _ if SCHEMA.contains(&keyword) => vec![(at, value)],
        _ => Vec::new(),
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(schema: Value) -> ConfigSchema {
        ConfigSchema::parse(&schema.to_string()).unwrap()
    }

    /// The first problem of a schema: where, and what.
    fn refused(schema: &str) -> (String, String) {
        let wrong = ConfigSchema::parse(schema).unwrap_err().remove(0);
        (wrong.pointer, wrong.problem)
    }

    #[test]
    fn problems_of_a_configuration_have_their_place() {
        let schema = schema(json!({
            "$schema": DRAFT, "type": "object", "required": ["percent"], "additionalProperties": false,
            "properties": {"percent": {"type": "integer", "maximum": 100}, "goods": {"$ref": "#/$defs/goods"}},
            "$defs": {"goods": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}}},
            "examples": [{"percent": 10}],
        }));
        assert_eq!(schema.validate(&json!({"percent": 10, "goods": ["mug"]})), Ok(()));
        assert_eq!(schema.examples(), [json!({"percent": 10})]);
        let wrong = schema.validate(&json!({"percent": 101, "goods": ["mug", "M U G"]})).unwrap_err();
        let places: Vec<&str> = wrong.iter().map(|wrong| wrong.pointer.as_str()).collect();
        assert_eq!(places, ["/goods/1", "/percent"]);
        let missing = schema.validate(&json!({})).unwrap_err();
        assert_eq!((missing[0].pointer.as_str(), missing.len()), ("", 1));
        assert!(missing[0].problem.contains("percent"), "{missing:?}");
    }

    #[test]
    fn what_is_no_schema_is_refused_at_its_place() {
        assert!(refused("{").1.starts_with("it is not JSON"));
        assert_eq!(refused("[]").1, "it is not a JSON object");
        assert_eq!(refused(r#"{"properties": {"a": {"type": "text"}}}"#).0, "/properties/a/type");
        assert_eq!(refused(r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#).0, "/$schema");
        assert!(ConfigSchema::parse(r#"{"pattern": "("}"#).is_err());
        // Needs to look back, which takes more than linear time.
        assert!(ConfigSchema::parse(r#"{"pattern": "(a)\\1"}"#).is_err());
        assert!(ConfigSchema::parse(r#"{"pattern": "(((a{1000}){1000}){1000})"}"#).is_err());
    }

    #[test]
    fn references_stay_inside_and_lead_in_no_circle() {
        for (text, place, words) in [
            (r#"{"$ref": "https://example.com/schema"}"#, "/$ref", "leads out of the schema"),
            (r#"{"$ref": "other.json"}"#, "/$ref", "leads out of the schema"),
            (r##"{"$ref": "#/$defs/none"}"##, "/$ref", "there is nothing"),
            (r##"{"$ref": "#"}"##, "/$ref", "leads in a circle"),
            (r##"{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}"##, "/$defs/a/items/$ref", "in a circle"),
            (r##"{"items": {"$dynamicRef": "#meta"}}"##, "/items/$dynamicRef", "can't be used here"),
            (r#"{"items": {"$id": "https://example.com/"}}"#, "/items/$id", "can't be used here"),
        ] {
            let (pointer, problem) = refused(text);
            assert_eq!(pointer, place, "{text}: {problem}");
            assert!(problem.contains(words), "{text}: {problem}");
        }
        // What is called like a keyword is none.
        schema(json!({"properties": {"$ref": {"type": "string"}, "$id": true}}));
    }

    #[test]
    fn keywords_of_older_drafts_are_refused_at_their_place() {
        let mut definitions = Map::new();
        for index in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", index + 1)});
            definitions.insert(format!("d{index}"), json!({"dependencies": {"a": next, "b": next}}));
        }
        definitions.insert("d40".to_owned(), json!(true));
        let (place, words) = refused(&json!({"$ref": "#/$defs/d0", "$defs": definitions}).to_string());
        assert_eq!(place, "/$defs/d0/dependencies");
        assert!(words.contains("dependentSchemas"), "{words}");
        assert_eq!(refused(r#"{"items": {"additionalItems": {}}}"#).0, "/items/additionalItems");
        assert_eq!(refused(&format!(r#"{{"items": {{"$schema": "{DRAFT}"}}}}"#)).0, "/items/$schema");
        schema(json!({"properties": {"dependencies": {"dependentSchemas": {"a": {"required": ["b"]}}}}}));
    }

    #[test]
    fn what_has_to_be_looked_at_again_and_again_is_refused() {
        let nested = |levels: usize, keyword: &str, around: fn(Value) -> Value| {
            let deeper = |inner: Value, _| {
                let mut outer = around(inner);
                outer[keyword] = json!(false);
                outer
            };
            (0..levels).fold(json!({"properties": {"a": true}}), deeper)
        };
        let all = |inner: Value| json!({"allOf": [inner]});
        for keyword in UNEVALUATED {
            let (place, words) = refused(&nested(30, keyword, all).to_string());
            assert!(place.ends_with(keyword) && words.contains("look at again"), "{place}: {words}");
            schema(nested(3, keyword, all));
        }
        // Objects in each other are looked at once each.
        let closed = schema(nested(20, "unevaluatedProperties", |inner| json!({"properties": {"a": inner}})));
        assert!(closed.validate(&json!({"a": {"a": {"b": 1}}})).is_err());
    }

    #[test]
    fn what_doubles_with_each_reference_is_refused() {
        let mut definitions = Map::new();
        for index in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", index + 1)});
            definitions.insert(format!("d{index}"), json!({"allOf": [next, next]}));
        }
        definitions.insert("d40".to_owned(), json!(true));
        let bomb = json!({"$ref": "#/$defs/d0", "$defs": definitions}).to_string();
        let (_, problem) = refused(&bomb);
        assert!(problem.contains("more than 10000 schemas") || problem.contains("64 deep"), "{problem}");
    }
}
