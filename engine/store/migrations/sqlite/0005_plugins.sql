-- What was found when a component was uploaded: JSON. Nothing for those that were put in otherwise. Apart
-- from plugin_versions, whose rows never change.
-- migrations/mysql has the same, statement by statement.
CREATE TABLE plugin_reports (
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    report TEXT NOT NULL,
    PRIMARY KEY (store_id, digest),
    CONSTRAINT plugin_reports_version_fk FOREIGN KEY (store_id, digest) REFERENCES plugin_versions (store_id, digest)
) STRICT;
