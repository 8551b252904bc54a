"""Where Neutron's files send an agent's log (oslo.log), and where its state may be kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netmend.sources.problem import SourceError


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the files say of the log."""

    log_file: str | None = None
    log_dir: str | None = None
    use_json: bool = False
    debug: bool = False
    use_journal: bool = False
    use_syslog: bool = False
    facility: str = "LOG_USER"
    kept: Path | None = None  # the directory of the metadata agent's socket, which outlives containers

    def path(self, program: str) -> Path | None:
        """The file, as oslo.log has it: `log_file` below `log_dir`; with a directory alone, PROGRAM.log in it."""
        if self.log_dir:
            return Path(self.log_dir) / (self.log_file or f"{program}.log")
        return Path(self.log_file) if self.log_file else None


def log_options(files: Sequence[Path]) -> LogOptions:
    """Read the files, later ones winning. Raises SourceError with a sentence, and ModuleNotFoundError."""
    from oslo_config import cfg  # of the extra `neutron`

    options = [
        cfg.StrOpt("log_file", deprecated_name="logfile"),
        cfg.StrOpt("log_dir", deprecated_name="logdir"),
        cfg.BoolOpt("use_json", default=False),
        cfg.BoolOpt("use_journal", default=False),
        cfg.BoolOpt("use_syslog", default=False),
        cfg.StrOpt("syslog_log_facility", default="LOG_USER"),
        cfg.BoolOpt("debug", default=False),
        cfg.StrOpt("state_path", default="/var/lib/neutron"),
        cfg.StrOpt("metadata_proxy_socket", default="$state_path/metadata_proxy"),
    ]
    conf = cfg.ConfigOpts()
    conf.register_opts(options)
    try:
        conf([], project="netmend", default_config_files=[str(file) for file in files], default_config_dirs=[])
        return LogOptions(
            conf.log_file,
            conf.log_dir,
            conf.use_json,
            conf.debug,
            conf.use_journal,
            conf.use_syslog,
            conf.syslog_log_facility,
            Path(conf.metadata_proxy_socket).parent,
        )
    except (cfg.Error, ValueError) as error:
        raise SourceError(f"{', '.join(map(str, files))}: {error}") from error
