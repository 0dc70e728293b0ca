//! The records of the WIT package, and its log.

wit_bindgen::generate!({
    path: "../../wit/1.0.0",
    inline: "
        package martlet:sdk;

        world sdk {
            import martlet:commerce/types@1.0.0;
            import martlet:commerce/logging@1.0.0;
        }
    ",
    additional_derives: [PartialEq, Eq],
    generate_all,
    generate_unused_types: true,
});
