"""What `migrator check` says: facts about two portals in, lines with a verdict out."""
