"""The heart: observes the kernel, compares it with intent, applies the difference, and never leaks.

`observe` looks, `diff` plans (pure), `apply` performs steps and undoes them, `resync` keeps reasons and back-off,
`breaker` stops the line at a fault of the host, `network` makes one network right, `reconciler` runs passes over many.
"""
