"""Open vSwitch's database (RFC 7047; ovs-vswitchd.conf.db(5)): reading ports, changing many in one transaction, hearing
of changes.

Ours, and not a library's, because start cost must follow intent (invariant I6): beside 10,000 foreign ports, ovsdbapp
is ready after 7 s with 150 MB, the IDL of the `ovs` package under it, of only the columns needed here, after 3 s with
110 MB (its JSON parser is pure Python); asking the server for the rows that bear our mark takes 9 ms and nothing that
stays. What is written is read back with ovsdbapp, and by Neutron's own agent, in the tests.

`connection` speaks the protocol, `ports` knows the tables, `watch` hears, `foreign` reads ports of
anybody's, takes them away and makes them again, `holder` says who has the lock.
"""

from netmend.kernel.ovsdb.foreign import InterfaceRow, WholePort, interfaces, present

__all__ = ["InterfaceRow", "WholePort", "interfaces", "present"]
