"""The dated versions of both interfaces.

EC2's are those that Amazon's service lists. Nova stops at 2009-04-04; clients look for the later ones to find what came
with them (cloud-init asks for 2021-03-23, 2018-09-24 and 2016-09-02). OpenStack's are Nova's
(nova/api/metadata/base.py, OPENSTACK_VERSIONS).
"""

LATEST = "latest"

EC2 = (
    "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
    "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19",
    "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03",
    "2021-03-23", "2021-07-15", "2022-07-09", "2022-09-24", "2024-04-11",
)  # fmt: skip

FOLSOM, GRIZZLY, HAVANA, LIBERTY, NEWTON_ONE, NEWTON_TWO, OCATA, ROCKY, VICTORIA, EPOXY = OPENSTACK = (
    "2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
    "2020-10-14", "2025-04-04",
)  # fmt: skip


def resolve(version: str, versions: tuple[str, ...]) -> str | None:
    """The version that is meant, None when there is none of that name. They compare as text, in order of time."""
    if version == LATEST:
        return versions[-1]
    return version if version in versions else None
