"""Refusals of the store, each with the name and the status that Neutron gives the same refusal."""

from netmend.sources.problem import SourceError


class StoreError(SourceError):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""


class RefusedError(Exception):
    """A request that cannot be met; nothing was changed. `kind` is Neutron's name of it, `status` its HTTP status."""

    def __init__(self, kind: str, status: int, message: str) -> None:
        super().__init__(message)
        self.kind, self.status, self.message = kind, status, message


_NAMES = {"floatingip": "Floating IP", "security_group": "Security group", "address_group": "Address group",
          "security_group_rule": "Security group rule"}  # fmt: skip
_DOES_NOT_EXIST = ("security_group", "security_group_rule")  # in Neutron's words, which are others there


def not_found(resource: str, object_id: str) -> RefusedError:
    """No object of this kind has this id; `resource` is the name of its table."""
    name = _NAMES.get(resource, resource.capitalize())
    words = "does not exist" if resource in _DOES_NOT_EXIST else "could not be found."
    return RefusedError(f"{_type(name)}NotFound", 404, f"{name} {object_id} {words}")


def taken_id(resource: str, object_id: str) -> RefusedError:
    """An id, or its first eleven characters, which name devices, that another object has."""
    name = _NAMES.get(resource, resource.capitalize())
    message = f"Another object has the id {object_id}, or one that begins alike: 11 characters name its device"
    return RefusedError(f"{_type(name)}IdInUse", 409, message)


def _type(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in name.split())


def invalid(message: str) -> RefusedError:
    """The request makes no sense, no matter what the store holds."""
    return RefusedError("InvalidInput", 400, f"Invalid input for operation: {message}.")


def bad_request(message: str) -> RefusedError:
    return RefusedError("HTTPBadRequest", 400, message)


def stale_revision(wanted: int, current: int) -> RefusedError:
    """The object has changed since the client saw it (`If-Match`)."""
    message = f"Constrained to {wanted}, but current revision is {current}"
    return RefusedError("RevisionNumberConstraintFailed", 412, message)


def small_mtu(network_id: str, least: int) -> RefusedError:
    message = f"MTU of {network_id} is not valid, subnet requires a minimum of {least}"
    return RefusedError("NetworkMTUSubnetConflict", 409, message)


def over_quota(resource: str) -> RefusedError:
    return RefusedError("OverQuota", 409, f"Quota exceeded for resources: ['{resource}'].")
