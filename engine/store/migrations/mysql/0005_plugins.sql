-- What was found when a component was uploaded: JSON. Nothing for those that were put in otherwise. Apart
-- from plugin_versions, whose rows never change.
-- migrations/sqlite has the same, statement by statement.
CREATE TABLE plugin_reports (
    store_id BINARY(16) NOT NULL,
    digest BINARY(32) NOT NULL,
    report LONGTEXT NOT NULL,
    PRIMARY KEY (store_id, digest),
    CONSTRAINT plugin_reports_version_fk FOREIGN KEY (store_id, digest) REFERENCES plugin_versions (store_id, digest)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin;
