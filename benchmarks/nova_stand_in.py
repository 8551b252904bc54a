"""In Nova's place for a benchmark: checks the signature and answers, on loopback of wherever it is started.

python -m benchmarks.nova_stand_in PORT SECRET
"""

import asyncio
import hashlib
import hmac
import sys

from aiohttp import web

BODY = b'{"uuid": "instance-of-the-guest", "padding": "' + b"x" * 1000 + b'"}'


def application(secret: str) -> web.Server:
    async def answer(request: web.BaseRequest) -> web.Response:
        instance_id = request.headers.get("X-Instance-ID", "")
        signature = hmac.new(secret.encode(), instance_id.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, request.headers.get("X-Instance-ID-Signature", "")):
            return web.Response(status=403)
        return web.Response(body=BODY, content_type="application/json")

    return web.Server(answer, access_log=None)


async def serve(port: int, secret: str) -> None:
    runner = web.ServerRunner(application(secret))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
