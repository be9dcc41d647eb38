"""The API, one file a resource: what may be asked, and the words of the answer. The services do the work."""
