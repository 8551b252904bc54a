"""The HTTP server of a node: its unix socket, its address beside it, and the client that asks it."""
