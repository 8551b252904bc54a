"""Flows of an OpenFlow switch as values: what a packet must be, and what is done with it.

The words are those of ovs-fields(7) and ovs-actions(7).

`fields` are the fields that Open vSwitch knows, `actions` what flows do, `flow` a flow, `text` all of it as
ovs-ofctl(8) prints it, `spell` its single values.
"""
