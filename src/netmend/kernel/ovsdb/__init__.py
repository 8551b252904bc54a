"""Open vSwitch's database (RFC 7047; ovs-vswitchd.conf.db(5)): reading ports, changing many in one transaction, hearing
of changes.

Ours, and not a library's, because start cost must follow intent (invariant I6): beside 10,000 foreign ports, ovsdbapp
is ready after 7 s with 150 MB, the IDL of the `ovs` package under it, of only the columns needed here, after 3 s with
110 MB (its JSON parser is pure Python); asking the server for the rows that bear our mark takes 9 ms and nothing that
stays. What is written is read back with ovsdbapp, and by Neutron's own agent, in the tests.

Of OVN's southbound database likewise: in one of 10,000 port bindings, one chassis with 20 guests is known after 15 ms
of processor time and 0.4 MB by `monitor`, which asks for them alone; by the IDL, which Neutron's agent has hold all
bindings of the cloud, after 4.8 s and 70 MB (`python -m benchmarks.ovn --client-only`).

`monitor` keeps rows that are wanted in step, over lost connections and servers (`session`, `replica`, `columns`);
`local` says what a host's own switch says of it. `connection` speaks the protocol, `ports` knows the tables, `watch`
hears, `foreign` reads ports of anybody's, takes them away and makes them again, `holder` says who has the lock.
"""

from netmend.kernel.ovsdb.foreign import InterfaceRow, WholePort, interfaces, present

__all__ = ["InterfaceRow", "WholePort", "interfaces", "present"]
