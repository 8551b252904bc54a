"""The heart: look at the kernel, compare with intent, make the difference, and never leak.

`observe` looks, `diff` plans (pure), `apply` performs steps and undoes them, `resync` keeps reasons and back-off,
`breaker` stops the line at a fault of the host, and `reconciler` runs passes over many networks.
"""
