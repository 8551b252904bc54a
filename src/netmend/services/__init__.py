"""What guests are answered: protocol cores without I/O (`dhcp4`), and the modules around them that do it.

`sockets` owns every socket and the one thread that serves them; `frames` builds what UDP cannot send; `rate_limit`
keeps a guest from taking more than its share; `leases.io` keeps dynamic leases on disk.
"""
