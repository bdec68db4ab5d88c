-- References that are not set in the target (yet), and what has become of the item they point at.
SELECT
    m.id AS migration_id,
    m.name AS migration,
    d.entity_type_id,
    COALESCE(t.name, CAST(d.entity_type_id AS TEXT)) AS entity_type,
    d.source_id,
    i.title,
    d.field,
    d.refers_to_entity_type_id,
    COALESCE(rt.name, CAST(d.refers_to_entity_type_id AS TEXT)) AS refers_to_entity_type,
    d.refers_to_source_id,
    CASE
        WHEN rp.source_id IS NOT NULL THEN 'imported'
        WHEN rf.source_id IS NOT NULL THEN 'failed'
        WHEN ri.source_id IS NOT NULL THEN 'not_imported'
        ELSE 'not_exported'
    END AS refers_to_state,
    d.state,
    d.detail,
    d.updated_at
FROM deferred_link d
JOIN migration m ON m.id = d.migration_id
LEFT JOIN item i
    ON i.migration_id = d.migration_id AND i.entity_type_id = d.entity_type_id
    AND i.source_id = d.source_id
LEFT JOIN structure_element t
    ON t.migration_id = d.migration_id AND t.portal_role = 'source' AND t.kind = 'entity_type'
    AND t.scope = '' AND t.key = CAST(d.entity_type_id AS TEXT)
LEFT JOIN structure_element rt
    ON rt.migration_id = d.migration_id AND rt.portal_role = 'source' AND rt.kind = 'entity_type'
    AND rt.scope = '' AND rt.key = CAST(d.refers_to_entity_type_id AS TEXT)
LEFT JOIN item ri
    ON ri.migration_id = d.migration_id AND ri.entity_type_id = d.refers_to_entity_type_id
    AND ri.source_id = d.refers_to_source_id
LEFT JOIN id_map rp
    ON rp.migration_id = d.migration_id AND rp.entity_type_id = d.refers_to_entity_type_id
    AND rp.source_id = d.refers_to_source_id
LEFT JOIN failed_item rf
    ON rf.migration_id = d.migration_id AND rf.entity_type_id = d.refers_to_entity_type_id
    AND rf.source_id = d.refers_to_source_id
WHERE d.state <> 'done'
