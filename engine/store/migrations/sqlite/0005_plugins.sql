-- What was found when a component was uploaded: JSON. Nothing for those that were put in otherwise.
-- migrations/mysql has the same, statement by statement.
ALTER TABLE plugin_versions ADD COLUMN report TEXT;
