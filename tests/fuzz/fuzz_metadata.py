"""Coverage-guided fuzzing of the metadata core: any request of one guest, beside another whose secrets it must not see.

PYTHONPATH=. python tests/fuzz/fuzz_metadata.py [libFuzzer options, such as -max_total_time=60]

An input is taken apart into a method, a path, a few headers and a body. Found are exceptions, outcomes of no known
kind, answers with something of the other guest in them, and inputs that take too long (libFuzzer's -timeout). An input
that was found is written to the working directory as crash-* and is run again by naming it.
"""

import sys

import atheris

with atheris.instrument_imports(include=["netmend.services.metadata"]):
    from netmend.services.metadata import KeepPassword, Response
    from netmend.services.metadata.openstack import PASSWORD_MAX

from tests.unit.services.metadata.guest import DB, DB_PORT, INSTANCE, WEB, WEB_PORT, Service, network

SECONDS_PER_INPUT = 2
METHODS = ("GET", "HEAD", "PUT", "POST")
HEADERS = ("x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds", "x-forwarded-for", "x-instance-id")
STEPS = (
    "latest", "meta-data", "user-data", "dynamic", "openstack", "api", "token", "public-keys", "0", "openssh-key",
    "network", "interfaces", "macs", WEB_PORT.mac, "meta_data.json", "network_data.json", "password", "2013-04-04",
    "2009-04-04", "2021-03-23", "tags", "instance", "..", "placement",
)  # fmt: skip
SERVICE = Service(network(WEB_PORT, DB_PORT))
TOKEN = SERVICE.token(DB)


def one_input(data: bytes) -> None:
    draw = atheris.FuzzedDataProvider(data)
    method = draw.PickValueInList(list(METHODS)) if draw.ConsumeBool() else draw.ConsumeUnicodeNoSurrogates(8)
    steps = [
        draw.PickValueInList(list(STEPS)) if draw.ConsumeBool() else draw.ConsumeUnicodeNoSurrogates(12)
        for _ in range(draw.ConsumeIntInRange(0, 8))
    ]
    headers = {
        name: TOKEN if draw.ConsumeBool() else draw.ConsumeUnicodeNoSurrogates(80)
        for name in HEADERS
        if draw.ConsumeBool()
    }
    body = draw.ConsumeBytes(2000)
    outcome = SERVICE.ask("/" + "/".join(steps), DB, method, body, headers)
    if isinstance(outcome, KeepPassword):
        assert outcome.instance_id == "instance-of-db" and len(outcome.password) <= PASSWORD_MAX
        return
    assert isinstance(outcome, Response)
    assert outcome.status in {200, 400, 401, 403, 404, 405}, outcome
    assert INSTANCE.id.encode() not in outcome.body and WEB.encode() not in outcome.body
    assert all(value.isprintable() for _, value in outcome.headers)


if __name__ == "__main__":
    atheris.Setup([*sys.argv, f"-timeout={SECONDS_PER_INPUT}"], one_input)
    atheris.Fuzz()
