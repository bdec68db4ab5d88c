-- Where every source item is now: its state, its target item, and links to both.
SELECT
    migration, entity_type_id, entity_type, source_id, title, state,
    target_entity_type_id, target_id, target_title, source_link, target_link, imported_at
FROM v_where_is
ORDER BY migration, entity_type_id, source_id;
