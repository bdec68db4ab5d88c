-- Findings grouped, with the first of each group as an example; items is what they stand for.
SELECT
    m.id AS migration_id,
    m.name AS migration,
    g.kind,
    g.severity,
    g.effect,
    g.entity_type_id,
    COALESCE(t.name, CAST(g.entity_type_id AS TEXT)) AS entity_type,
    g.findings,
    g.items,
    e.source_id AS example_source_id,
    e.detail AS example_detail
FROM (
    SELECT
        migration_id, kind, severity, effect, entity_type_id,
        COUNT(*) AS findings, CAST(SUM(items) AS BIGINT) AS items, MIN(id) AS example_id
    FROM finding
    GROUP BY migration_id, kind, severity, effect, entity_type_id
) g
JOIN finding e ON e.id = g.example_id
JOIN migration m ON m.id = g.migration_id
LEFT JOIN structure_element t
    ON t.migration_id = g.migration_id AND t.portal_role = 'source' AND t.kind = 'entity_type'
    AND t.scope = '' AND t.key = CAST(g.entity_type_id AS TEXT)
