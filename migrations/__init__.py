"""The schema of the staging database, revision by revision. Revisions are never edited."""
