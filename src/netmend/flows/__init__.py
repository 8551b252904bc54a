"""What a switch's flows mean: which way a packet takes through them, in words, and what is wrong with them. Pure.

`tables` names Neutron's tables, `packet` reads a packet, `lookup` finds the flow that it meets, `learning` does what a
learning switch does, `interpreter` follows it, and `switch_trace` reads what the switch itself says of the same packet.
"""
