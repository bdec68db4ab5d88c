-- Items the target refused and that have not been imported since, with the server's own words.
SELECT
    m.id AS migration_id,
    m.name AS migration,
    f.entity_type_id,
    COALESCE(t.name, CAST(f.entity_type_id AS TEXT)) AS entity_type,
    f.source_id,
    i.title,
    m.source_origin || CASE f.entity_type_id
        WHEN 1 THEN '/crm/lead/details/'
        WHEN 2 THEN '/crm/deal/details/'
        WHEN 3 THEN '/crm/contact/details/'
        WHEN 4 THEN '/crm/company/details/'
        ELSE '/crm/type/' || CAST(f.entity_type_id AS TEXT) || '/details/'
    END || CAST(f.source_id AS TEXT) || '/' AS source_link,
    f.error,
    f.error_description,
    f.attempts,
    f.failed_at
FROM failed_item f
JOIN migration m ON m.id = f.migration_id
LEFT JOIN item i
    ON i.migration_id = f.migration_id AND i.entity_type_id = f.entity_type_id
    AND i.source_id = f.source_id
LEFT JOIN structure_element t
    ON t.migration_id = f.migration_id AND t.portal_role = 'source' AND t.kind = 'entity_type'
    AND t.scope = '' AND t.key = CAST(f.entity_type_id AS TEXT)
LEFT JOIN id_map p
    ON p.migration_id = f.migration_id AND p.entity_type_id = f.entity_type_id
    AND p.source_id = f.source_id
WHERE p.source_id IS NULL
