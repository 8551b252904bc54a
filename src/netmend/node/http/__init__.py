"""The HTTP server of a node, at its unix socket and at an address beside it, and the client of that socket."""
