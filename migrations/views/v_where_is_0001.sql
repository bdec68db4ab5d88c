-- Every source item, where it is now, and both links. Quotes, invoices and SPAs share one address.
SELECT
    m.id AS migration_id,
    m.name AS migration,
    i.entity_type_id,
    COALESCE(t.name, CAST(i.entity_type_id AS TEXT)) AS entity_type,
    i.source_id,
    i.title,
    m.source_origin || CASE i.entity_type_id
        WHEN 1 THEN '/crm/lead/details/'
        WHEN 2 THEN '/crm/deal/details/'
        WHEN 3 THEN '/crm/contact/details/'
        WHEN 4 THEN '/crm/company/details/'
        ELSE '/crm/type/' || CAST(i.entity_type_id AS TEXT) || '/details/'
    END || CAST(i.source_id AS TEXT) || '/' AS source_link,
    p.target_entity_type_id,
    p.target_id,
    p.target_title,
    m.target_origin || CASE p.target_entity_type_id
        WHEN 1 THEN '/crm/lead/details/'
        WHEN 2 THEN '/crm/deal/details/'
        WHEN 3 THEN '/crm/contact/details/'
        WHEN 4 THEN '/crm/company/details/'
        ELSE '/crm/type/' || CAST(p.target_entity_type_id AS TEXT) || '/details/'
    END || CAST(p.target_id AS TEXT) || '/' AS target_link,
    CASE
        WHEN p.verified_state = 'agrees' THEN 'verified'
        WHEN p.verified_state = 'differs' THEN 'different'
        WHEN p.source_id IS NOT NULL THEN 'imported'
        WHEN f.source_id IS NOT NULL THEN 'failed'
        ELSE 'not_imported'
    END AS state,
    p.imported_at
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
