-- Fields whose value in the target is not what it must be, as verify found them.
SELECT
    w.migration, w.entity_type_id, w.entity_type, w.source_id, w.title,
    d.field, d.expected, d.actual, d.found_at, w.source_link, w.target_link
FROM difference d
JOIN v_where_is w
    ON w.migration_id = d.migration_id AND w.entity_type_id = d.entity_type_id
    AND w.source_id = d.source_id
ORDER BY w.migration, w.entity_type_id, w.source_id, d.field;
