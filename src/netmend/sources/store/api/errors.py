"""Refusals as Neutron words them: `{"NeutronError": {"type", "message", "detail"}}`."""

import json
import logging
from collections.abc import Awaitable, Callable
from uuid import uuid4

from aiohttp import web

from netmend.ground.exhaustion import exhausted
from netmend.sources.store.errors import RefusedError, StoreError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)
_KINDS = {
    400: ("HTTPBadRequest", "The server could not comply with the request since it is malformed."),
    404: ("HTTPNotFound", "The resource could not be found."),
    405: ("HTTPMethodNotAllowed", "The method is not allowed for this resource."),
    408: ("HTTPRequestTimeout", "The rest of the request did not come."),
    413: ("HTTPRequestEntityTooLarge", "The body is too large."),
}


def error_response(status: int, kind: str, message: str) -> web.Response:
    body = {"NeutronError": {"type": kind, "message": message, "detail": ""}}
    return json_response(body, status)


def json_response(body: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json")


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every error in Neutron's shape, and gives each answer a request id."""
    request_id = f"req-{uuid4()}"
    try:
        response = await handler(request)
    except RefusedError as error:
        response = error_response(error.status, error.kind, error.message)
    except StoreError as error:
        log.error("%s", error)
        response = error_response(503, "ServiceUnavailable", str(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kind, message = _KINDS.get(error.status, (type(error).__name__, error.reason))
        response = error_response(error.status, kind, message)
        for name in ("Allow", "Connection"):
            if name in error.headers:
                response.headers[name] = error.headers[name]
    except Exception as error:
        if (limit := exhausted(error)) is not None:
            log.error("%s", limit)
            return error_response(503, "ServiceUnavailable", limit)
        log.exception("defect in the API, %s %s, %s", request.method, request.path, request_id)
        message = f"netmend's own fault, logged as {request_id}; nothing was changed."
        response = error_response(500, "HTTPInternalServerError", message)
    response.headers["X-Openstack-Request-Id"] = request_id
    return response
