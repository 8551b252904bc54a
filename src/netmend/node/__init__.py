"""The process: a source of intent, the reconciler, the services and the status socket, put together.

`node` is the loop; `serving` joins networks that are ready to the DHCP sockets; `signs` hears of changes from outside;
`status` is the read model, which `http_server` hands out. What to do is decided elsewhere.
"""
