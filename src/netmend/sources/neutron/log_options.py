"""Where Neutron's files send an agent's log (oslo.log): `log_file`, `log_dir`, `use_json`, `debug`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg

from netmend.sources.problem import SourceError

_OPTIONS = [
    cfg.StrOpt("log_file", deprecated_name="logfile"),
    cfg.StrOpt("log_dir", deprecated_name="logdir"),
    cfg.BoolOpt("use_json", default=False),
    cfg.BoolOpt("debug", default=False),
]


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the files say of the log."""

    log_file: str | None = None
    log_dir: str | None = None
    use_json: bool = False
    debug: bool = False

    def path(self, program: str) -> Path | None:
        """The file, as oslo.log has it: `log_file` below `log_dir`; with a directory alone, PROGRAM.log in it."""
        if self.log_dir:
            return Path(self.log_dir) / (self.log_file or f"{program}.log")
        return Path(self.log_file) if self.log_file else None


def log_options(files: Sequence[Path]) -> LogOptions:
    """Read the files, later ones winning. Raises SourceError with a sentence."""
    conf = cfg.ConfigOpts()
    conf.register_opts(_OPTIONS)
    try:
        conf([], project="netmend", default_config_files=[str(file) for file in files], default_config_dirs=[])
        return LogOptions(conf.log_file, conf.log_dir, conf.use_json, conf.debug)
    except (cfg.Error, ValueError) as error:
        raise SourceError(f"{', '.join(map(str, files))}: {error}") from error
