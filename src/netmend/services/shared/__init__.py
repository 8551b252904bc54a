"""Parts that several services share, without I/O; their loop and datagrams are in `io`."""
