"""The process: joins a source of intent, the reconciler, the services and the HTTP server.

`node` is the loop; `hints` says which networks changes of the kernel are about, and `watches` hears of those changes.
`intake` brings intent in, `guests` serves the networks that are ready, `views` shows what the node knows, and `http`
answers with it. What a network needs is decided in `wiring` and `reconcile`.
"""
