-- Users of the source who have no partner in the target of their own, and how many items name them.
SELECT
    m.name AS migration, p.source_key AS user_id, p.source_name AS user_name, p.decision,
    p.items_affected
FROM structure_pair p
JOIN migration m ON m.id = p.migration_id
WHERE p.kind = 'user' AND (p.target_key IS NULL OR p.decision = 'default')
ORDER BY m.name, p.items_affected DESC, p.source_key;
