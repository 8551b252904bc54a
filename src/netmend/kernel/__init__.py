"""System calls, thin and typed: namespaces, links (netlink), mounts, taps, sockets. Nothing here decides.

Only this room talks to the kernel. Each function names the object and the operation in the error it raises
(`netmend.kernel.errors.KernelError`). Every call that *changes* the system passes through
`netmend.kernel.changes.changing`, so that tests can number them, make any of them fail, or end the process there.
"""
