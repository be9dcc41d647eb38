"""Reading what a request says: its path, its query string, its body."""
