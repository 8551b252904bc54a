"""What services have in common, without I/O; their loop and datagrams are in `io`."""
