-- What was asked of each portal: requests, commands, errors, seconds, and the operating time used.
-- peak_operating_s is the highest reading of the portal's own running count for the method; the
-- portal refuses the method when that reaches its limit.
SELECT
    COALESCE(m.name, '') AS migration,
    r.portal_role,
    r.portal,
    r.method,
    COUNT(*) AS requests,
    CAST(SUM(r.commands) AS BIGINT) AS commands,
    CAST(SUM(r.items) AS BIGINT) AS items,
    COUNT(r.error) AS errors,
    SUM(CASE WHEN r.status IS NULL THEN 1 ELSE 0 END) AS unanswered,
    ROUND(CAST(SUM(r.duration_s) AS NUMERIC), 3) AS seconds,
    ROUND(CAST(MAX(r.operating_s) AS NUMERIC), 3) AS peak_operating_s
FROM request_log r
LEFT JOIN migration m ON m.id = r.migration_id
GROUP BY m.name, r.portal_role, r.portal, r.method
ORDER BY 1, 2, 3, 4;
