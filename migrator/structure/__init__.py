"""The stage that compares the structure of both portals and creates what the target lacks."""
