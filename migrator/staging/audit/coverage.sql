-- Per entity type and field of imported items: values carried over, adjusted, lost, different.
SELECT
    migration, entity_type_id, entity_type, field, filled, carried, adjusted, lost, different
FROM v_coverage
ORDER BY migration, entity_type_id, field;
