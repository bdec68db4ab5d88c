-- Items still to be imported that are older than the newest one of their type that was imported.
-- The target refuses their createdTime; MIGRATOR_ON_LATE_ITEM says what happens instead.
SELECT
    w.migration, w.entity_type_id, w.entity_type, w.source_id, w.title, w.state,
    i.created_time, n.newest_imported
FROM v_where_is w
JOIN item i
    ON i.migration_id = w.migration_id AND i.entity_type_id = w.entity_type_id
    AND i.source_id = w.source_id
JOIN (
    SELECT i.migration_id, i.entity_type_id, MAX(i.created_time) AS newest_imported
    FROM item i
    JOIN id_map p
        ON p.migration_id = i.migration_id AND p.entity_type_id = i.entity_type_id
        AND p.source_id = i.source_id
    GROUP BY i.migration_id, i.entity_type_id
) n ON n.migration_id = w.migration_id AND n.entity_type_id = w.entity_type_id
WHERE w.state IN ('not_imported', 'failed') AND i.created_time < n.newest_imported
ORDER BY w.migration, w.entity_type_id, i.created_time, w.source_id;
