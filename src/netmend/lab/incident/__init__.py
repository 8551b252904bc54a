"""The outage, replayed on two hosts: the old agent on one, netmend on the other."""
