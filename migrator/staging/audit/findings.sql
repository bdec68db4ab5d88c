-- What could not be carried over as it was, by kind, blocking findings first.
SELECT
    migration, severity, kind, effect, entity_type_id, entity_type, findings, items,
    example_source_id, example_detail
FROM v_findings_by_kind
ORDER BY
    migration,
    CASE severity WHEN 'blocking' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END,
    kind, entity_type_id, effect;
