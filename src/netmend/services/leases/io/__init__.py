"""The lease store, and the thread that writes to it."""
