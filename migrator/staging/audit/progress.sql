-- The closing table: per entity type, every source item in exactly one of the last five columns.
SELECT
    migration, entity_type_id, entity_type, source,
    not_imported, imported, verified, different, failed
FROM v_progress
ORDER BY migration, entity_type_id;
