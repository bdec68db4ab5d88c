-- Each source item is counted once: source = not_imported + imported + verified + different + failed.
SELECT
    m.id AS migration_id,
    m.name AS migration,
    i.entity_type_id,
    COALESCE(MAX(t.name), CAST(i.entity_type_id AS TEXT)) AS entity_type,
    COUNT(*) AS source,
    SUM(CASE WHEN p.source_id IS NULL AND f.source_id IS NULL THEN 1 ELSE 0 END) AS not_imported,
    SUM(CASE WHEN p.source_id IS NOT NULL AND p.verified_state IS NULL THEN 1 ELSE 0 END) AS imported,
    SUM(CASE WHEN p.verified_state = 'agrees' THEN 1 ELSE 0 END) AS verified,
    SUM(CASE WHEN p.verified_state = 'differs' THEN 1 ELSE 0 END) AS different,
    SUM(CASE WHEN p.source_id IS NULL AND f.source_id IS NOT NULL THEN 1 ELSE 0 END) AS failed
FROM item i
JOIN migration m ON m.id = i.migration_id
LEFT JOIN structure_element t
    ON t.migration_id = i.migration_id AND t.portal_role = 'source' AND t.kind = 'entity_type'
    AND t.scope = '' AND t.key = CAST(i.entity_type_id AS TEXT)
LEFT JOIN id_map p
    ON p.migration_id = i.migration_id AND p.entity_type_id = i.entity_type_id
    AND p.source_id = i.source_id
LEFT JOIN failed_item f
    ON f.migration_id = i.migration_id AND f.entity_type_id = i.entity_type_id
    AND f.source_id = i.source_id
GROUP BY m.id, m.name, i.entity_type_id
