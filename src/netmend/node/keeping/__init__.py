"""Sockets of guests that outlive the node, so that a restart costs no guest an answer.

A holder outside the process has a duplicate of each socket that guests send to: `keeper`, a small process of ours, or
systemd. While no node runs, requests wait in the kernel's queues; the next node takes the sockets over, and answers.
"""
