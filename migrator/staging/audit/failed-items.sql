-- Items the target refused, with the server's own code and text.
SELECT
    migration, entity_type_id, entity_type, source_id, title, error, error_description,
    attempts, failed_at, source_link
FROM v_failed_items
ORDER BY migration, entity_type_id, source_id;
