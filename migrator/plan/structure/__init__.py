"""Compare the structure of two portals, and say which steps make the target like the source."""
