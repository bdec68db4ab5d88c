-- Items of both portals that are the same by match_on: which were taken over, which wait for an answer.
SELECT
    m.name AS migration, c.entity_type_id, w.entity_type, c.source_id, w.title,
    c.target_id, c.target_title, c.field, c.value,
    CASE
        WHEN p.source_id IS NULL THEN c.state
        WHEN c.updated_at IS NULL THEN 'kept'
        ELSE 'updated'
    END AS state,
    w.source_link, c.found_at, c.updated_at
FROM match_candidate c
JOIN migration m ON m.id = c.migration_id
JOIN v_where_is w
    ON w.migration_id = c.migration_id AND w.entity_type_id = c.entity_type_id
    AND w.source_id = c.source_id
LEFT JOIN id_map p
    ON p.migration_id = c.migration_id AND p.entity_type_id = c.entity_type_id
    AND p.source_id = c.source_id AND p.target_id = c.target_id
ORDER BY m.name, c.state, c.entity_type_id, c.source_id, c.target_id;
