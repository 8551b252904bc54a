"""Limits of what a guest may have under way at once. A refusal for one costs the others nothing."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Forwards are questions that others have not answered yet; connections are guests' over TCP. Times in seconds."""

    forwards_of_guest: int = 64
    forwards_of_network: int = 256
    forwards_of_node: int = 1024  # a descriptor each, and one more for each further try, of which there are three
    waiting_for_forward: int = 64  # queries that wait for the same answer
    connections_of_guest: int = 8
    connections_of_network: int = 64
    connections_of_node: int = 1024
    queries_of_connection: int = (
        32  # that wait for an answer; more are read when there is one (RFC 7766 section 6.2.1.1)
    )
    turn: int = 16  # datagrams read from a socket before the next has its turn
    turn_of_connection: int = 2  # likewise, messages: a network has many connections
    idle: float = 10.0  # until a connection on which nothing goes on is closed (RFC 7766 section 6.2.3)
    message: float = 5.0  # for a message to come in whole, once begun
    unsent: int = 256 << 10  # octets that a guest does not take, beyond which it is not read from


class Traffic(Struct):
    """Counts of one network's queries outside its responder."""

    received: int = 0
    sent: int = 0
    outside: int = 0  # from sources that are in none of the network's subnets
    limited: int = 0  # beyond a guest's rate
    crowded: int = 0  # beyond what may be asked of others at once
    forged: int = 0  # datagrams from servers that are no answer to what they were asked
    unanswered: int = 0  # tries that a server did not answer in time
    connections: int = 0  # accepted
    connections_refused: int = 0
    connections_cut: int = 0  # closed by us in the midst of a message
