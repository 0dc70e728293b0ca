//! Checks what a plugin says of itself before anybody relies on it.

use std::collections::BTreeSet;

use martlet_domain::{
    plugin::{Description, Template},
    quote::is_key,
};

use crate::{bindings::current as wit, convert::quoted};

/// Most characters of a title.
const TITLE: usize = 120;
/// Most characters of a summary.
const SUMMARY: usize = 500;
/// Most bytes of a schema.
const SCHEMA: usize = 64 << 10;
/// Most templates, all languages together.
const TEMPLATES: usize = 1_000;
/// Most characters of a template.
const TEMPLATE: usize = 500;

/// The description in the domain's types, or what is wrong with it.
pub(crate) fn check(description: wit::Description) -> Result<Description, String> {
    check_name(&description.name)?;
    semver::Version::parse(&description.version)
        .map_err(|error| format!("the version is not a semantic version such as 1.2.3: {error}"))?;
    check_words("title", &description.title, TITLE)?;
    check_words("summary", &description.summary, SUMMARY)?;
    check_schema(&description.config_schema)?;
    check_templates(&description.templates)?;
    let template = |template: wit::Template| Template {
        key: template.key,
        language: template.language,
        text: template.text,
    };
    Ok(Description {
        name: description.name,
        version: description.version,
        title: description.title,
        summary: description.summary,
        config_schema: description.config_schema,
        templates: description.templates.into_iter().map(template).collect(),
    })
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err("the name is 1 to 64 of a-z, 0-9 and -".to_owned())
    }
}

fn check_words(what: &str, words: &str, most: usize) -> Result<(), String> {
    let characters = words.chars().count();
    if words.trim().is_empty() {
        Err(format!("the {what} is empty"))
    } else if characters > most {
        Err(format!("the {what} has {characters} characters, and the limit is {most}"))
    } else if words.chars().any(char::is_control) {
        Err(format!("the {what} has control characters"))
    } else {
        Ok(())
    }
}

fn check_schema(schema: &str) -> Result<(), String> {
    if schema.len() > SCHEMA {
        return Err(format!("the config schema has {} bytes, and the limit is {SCHEMA}", schema.len()));
    }
    match serde_json::from_str(schema) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => Err("the config schema is not a JSON object".to_owned()),
        Err(error) => Err(format!("the config schema is not JSON: {error}")),
    }
}

fn check_templates(templates: &[wit::Template]) -> Result<(), String> {
    if templates.len() > TEMPLATES {
        return Err(format!("{} templates, and the limit is {TEMPLATES}", templates.len()));
    }
    let mut seen = BTreeSet::new();
    for template in templates {
        if !is_key(&template.key) {
            return Err(format!(
                "a template has the key {}; a key is 1 to 64 of a-z, 0-9, -, _ and .",
                quoted(&template.key)
            ));
        }
        if !is_language(&template.language) {
            return Err(format!("the language of the template {} is not BCP 47, such as en", template.key));
        }
        check_words(&format!("template {}", template.key), &template.text, TEMPLATE)?;
        if !seen.insert((template.key.as_str(), template.language.as_str())) {
            return Err(format!("the template {} is there twice in {}", template.key, template.language));
        }
    }
    match templates.iter().find(|template| !seen.contains(&(template.key.as_str(), "en"))) {
        Some(template) => Err(format!("the template {} has no English (en) text", template.key)),
        None => Ok(()),
    }
}

/// The shape of a BCP 47 tag: subtags of 1 to 8 letters and digits, the first of 2 or 3 letters.
fn is_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && tag.len() <= 35
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(key: &str, language: &str) -> wit::Template {
        wit::Template {
            key: key.to_owned(),
            language: language.to_owned(),
            text: "{percent} % off".to_owned(),
        }
    }

    fn good() -> wit::Description {
        wit::Description {
            name: "percentage-off".to_owned(),
            version: "1.2.3-beta.1".to_owned(),
            title: "Percentage off".to_owned(),
            summary: "Takes a share off.".to_owned(),
            config_schema: r#"{"type":"object"}"#.to_owned(),
            templates: vec![template("off", "en"), template("off", "ko"), template("off", "zh-Hant-TW")],
        }
    }

    fn refused(spoil: impl FnOnce(&mut wit::Description)) -> String {
        let mut description = good();
        spoil(&mut description);
        check(description).expect_err("it is refused")
    }

    #[test]
    fn a_good_description_arrives() {
        let description = check(good()).expect("it is good");
        assert_eq!(
            (description.name.as_str(), description.version.as_str()),
            ("percentage-off", "1.2.3-beta.1")
        );
        assert_eq!(
            (description.title.as_str(), description.summary.as_str()),
            ("Percentage off", "Takes a share off.")
        );
        assert_eq!(description.config_schema, r#"{"type":"object"}"#);
        assert_eq!(description.templates.len(), 3);
        assert_eq!(description.templates[1].language, "ko");
    }

    #[test]
    fn each_part_is_refused_by_its_name() {
        assert_eq!(refused(|it| it.name = "Big Sale".to_owned()), "the name is 1 to 64 of a-z, 0-9 and -");
        assert!(
            refused(|it| it.version = "1.2".to_owned()).starts_with("the version is not a semantic version")
        );
        assert_eq!(refused(|it| it.title = " ".to_owned()), "the title is empty");
        assert_eq!(refused(|it| it.title = "a\u{7}".to_owned()), "the title has control characters");
        let long = "x".repeat(501);
        assert_eq!(refused(|it| it.summary = long), "the summary has 501 characters, and the limit is 500");
    }

    #[test]
    fn a_schema_is_a_json_object() {
        assert_eq!(
            refused(|it| it.config_schema = "[]".to_owned()),
            "the config schema is not a JSON object"
        );
        assert!(refused(|it| it.config_schema = "{".to_owned()).starts_with("the config schema is not JSON"));
        let nested = "[".repeat(60_000);
        assert!(refused(|it| it.config_schema = nested).starts_with("the config schema is not JSON"));
    }

    #[test]
    fn templates_are_unique_and_have_english_words() {
        let twice = vec![template("off", "en"), template("off", "en")];
        assert_eq!(refused(|it| it.templates = twice), "the template off is there twice in en");
        let korean = vec![template("off", "ko")];
        assert_eq!(refused(|it| it.templates = korean), "the template off has no English (en) text");
        let shouting = vec![template("OFF", "en")];
        assert!(refused(|it| it.templates = shouting).starts_with("a template has the key \"OFF\""));
        for language in ["", "e", "english", "en_GB", "en-", "1n"] {
            let templates = vec![template("off", language)];
            assert!(refused(|it| it.templates = templates).contains("BCP 47"), "{language}");
        }
    }
}
