-- Items that are in the target twice, or of which the ID map and the import disagree: none at all.
-- The first two cannot happen while the database's own constraints are in place.
SELECT
    m.name AS migration, d.entity_type_id, d.source_id, d.target_id, d.problem
FROM (
    SELECT
        migration_id, MIN(entity_type_id) AS entity_type_id, MIN(source_id) AS source_id,
        target_id, 'several source items share this target item' AS problem
    FROM id_map
    GROUP BY migration_id, target_entity_type_id, target_id
    HAVING COUNT(*) > 1
    UNION ALL
    SELECT
        migration_id, entity_type_id, source_id, MIN(target_id),
        'this source item is mapped to several target items'
    FROM id_map
    GROUP BY migration_id, entity_type_id, source_id
    HAVING COUNT(*) > 1
    UNION ALL
    SELECT
        migration_id, entity_type_id, source_id, MIN(target_id),
        'this source item was created more than once'
    FROM import_batch_item
    WHERE outcome IN ('created', 'adopted')
    GROUP BY migration_id, entity_type_id, source_id
    HAVING COUNT(DISTINCT target_id) > 1
    UNION ALL
    SELECT
        b.migration_id, b.entity_type_id, b.source_id, b.target_id,
        'this item was created, but the ID map does not say so'
    FROM import_batch_item b
    LEFT JOIN id_map p
        ON p.migration_id = b.migration_id AND p.entity_type_id = b.entity_type_id
        AND p.source_id = b.source_id AND p.target_id = b.target_id
    WHERE b.outcome IN ('created', 'adopted') AND p.source_id IS NULL
) d
JOIN migration m ON m.id = d.migration_id
ORDER BY m.name, d.entity_type_id, d.source_id, d.problem;
