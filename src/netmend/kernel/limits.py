"""What this process may have open."""

import resource


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one (getrlimit(2)); returns the limit now in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
