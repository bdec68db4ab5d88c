"""The stage that asks both portals, by reading, what a migration will meet: `migrator check`."""
