-- For each field of the imported items: how many had a value, and what became of it. A value counts
-- once: as different if verify says so, else as lost or adjusted if a finding of the item says so,
-- else as carried. Empty are null, false, 0, and an empty text, list or map; the item's own id and
-- entityTypeId are identifiers that nothing carries over. Of matched items nothing is carried over
-- unless they were updated. Nor are the fields that the plan says the target sets itself.
SELECT
    m.id AS migration_id,
    m.name AS migration,
    v.entity_type_id,
    COALESCE(MAX(t.name), CAST(v.entity_type_id AS TEXT)) AS entity_type,
    v.field,
    COUNT(*) AS filled,
    SUM(CASE WHEN d.field IS NULL AND f.field IS NULL THEN 1 ELSE 0 END) AS carried,
    SUM(CASE WHEN d.field IS NULL AND f.lost = 0 THEN 1 ELSE 0 END) AS adjusted,
    SUM(CASE WHEN d.field IS NULL AND f.lost = 1 THEN 1 ELSE 0 END) AS lost,
    SUM(CASE WHEN d.field IS NOT NULL THEN 1 ELSE 0 END) AS different
FROM (
    SELECT i.migration_id, i.entity_type_id, i.source_id, e.key AS field
    FROM item i
    JOIN id_map p
        ON p.migration_id = i.migration_id AND p.entity_type_id = i.entity_type_id
        AND p.source_id = i.source_id
    LEFT JOIN match_candidate c
        ON c.migration_id = p.migration_id AND c.entity_type_id = p.entity_type_id
        AND c.source_id = p.source_id AND c.target_id = p.target_id
    CROSS JOIN jsonb_each(i.payload) e
    WHERE e.key NOT IN ('id', 'entityTypeId')
        AND (p.origin <> 'matched' OR c.updated_at IS NOT NULL)
        AND NOT (e.value IN ('null', 'false', '0', '""', '[]', '{}'))
) v
JOIN migration m ON m.id = v.migration_id
LEFT JOIN difference d
    ON d.migration_id = v.migration_id AND d.entity_type_id = v.entity_type_id
    AND d.source_id = v.source_id AND d.field = v.field
LEFT JOIN (
    SELECT
        migration_id, entity_type_id, source_id, field,
        MAX(CASE effect WHEN 'lost' THEN 1 ELSE 0 END) AS lost
    FROM finding
    WHERE effect <> 'none' AND source_id IS NOT NULL AND field IS NOT NULL
    GROUP BY migration_id, entity_type_id, source_id, field
) f
    ON f.migration_id = v.migration_id AND f.entity_type_id = v.entity_type_id
    AND f.source_id = v.source_id AND f.field = v.field
LEFT JOIN structure_element t
    ON t.migration_id = v.migration_id AND t.portal_role = 'source' AND t.kind = 'entity_type'
    AND t.scope = '' AND t.key = CAST(v.entity_type_id AS TEXT)
GROUP BY m.id, m.name, v.entity_type_id, v.field
HAVING NOT EXISTS (
    SELECT 1 FROM finding s
    WHERE s.migration_id = m.id AND s.entity_type_id = v.entity_type_id AND s.source_id IS NULL
        AND s.field = v.field AND s.kind = 'set-by-portal'
)
