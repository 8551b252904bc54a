"""placeholder"""

from netmend.doctor.finding import Finding
from netmend.doctor.observation import Observation


def page(observation: Observation, findings: list[Finding]) -> str:
    return ""
