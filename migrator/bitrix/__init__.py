"""The REST client of one portal: HTTP, limits, batch and errors; nothing of staging."""
