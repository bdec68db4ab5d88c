-- References between items that are not set in the target, and why.
SELECT
    migration, entity_type_id, entity_type, source_id, title, field,
    refers_to_entity_type_id, refers_to_entity_type, refers_to_source_id, refers_to_state,
    state, detail
FROM v_unresolved_references
ORDER BY migration, entity_type_id, source_id, field, refers_to_entity_type_id, refers_to_source_id;
