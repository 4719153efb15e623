"""The fork server: everything is imported once, and each run gets a forked child that shuts itself into a sandbox."""
