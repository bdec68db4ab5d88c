"""The contents of the demo's source portal: two published data sets, as found."""
