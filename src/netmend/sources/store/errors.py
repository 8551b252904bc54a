"""Refusals of the store, each with the name and the status that Neutron gives the same refusal."""

from netmend.sources.problem import SourceError


class StoreError(SourceError):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""


class RefusedError(Exception):
    """A request that cannot be met; nothing was changed. `kind` is Neutron's name of it, `status` its HTTP status."""

    def __init__(self, kind: str, status: int, message: str) -> None:
        super().__init__(message)
        self.kind, self.status, self.message = kind, status, message


def not_found(resource: str, object_id: str) -> RefusedError:
    """No object of this kind has this id; `resource` is `network`, `subnet`, `port`, `agent`, `router` or
    `floatingip`."""
    name = "Floating IP" if resource == "floatingip" else resource.capitalize()
    return RefusedError(f"{name.replace(' ', '')}NotFound", 404, f"{name} {object_id} could not be found.")


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
