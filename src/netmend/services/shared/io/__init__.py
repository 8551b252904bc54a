"""The loop that serves many sockets in one thread, and the datagram endpoints in it."""
