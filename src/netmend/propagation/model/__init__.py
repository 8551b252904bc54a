"""A model of the kernel's mounts that predicts who sees what, and agrees with Linux 6.18 (tests/kernel/propagation)."""
