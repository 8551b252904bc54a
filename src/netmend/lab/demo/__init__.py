"""`netmend demo`: whole networks with guests in a sandbox."""
