"""Between the socket and the application: the server, connections and their limits, the edge, files."""
