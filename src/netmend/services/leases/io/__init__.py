"""The lease store, the thread that writes to it, and what the servers of both DHCPs do alike."""
