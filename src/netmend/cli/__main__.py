"""`python -m netmend.cli` is `netmend`."""

from netmend.cli.main import main

main()
