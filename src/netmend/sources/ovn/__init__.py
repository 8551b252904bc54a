"""OVN's southbound database as a source of intent: networks with a guest on this chassis get metadata.

Pure: rows in, intent out (ovn-sb(5)). `rows` says what a row holds for us, `scope` which rows this chassis needs,
`intents` makes networks of them, `reports` what is written back; `configuration` reads Neutron's own files, and
`last_known` keeps the rows over a restart. What Neutron writes into them: neutron/common/ovn/constants.py.
"""
