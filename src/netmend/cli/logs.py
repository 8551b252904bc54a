"""The log of a foreground service: lines for a person on a terminal, JSON lines anywhere else."""

import sys

import structlog


def log_to_stderr() -> None:
    """Send structlog to standard error."""
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _what_first,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _what_first(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """When, how bad, what; then the rest."""
    first = {key: line.pop(key) for key in ("timestamp", "level", "event") if key in line}
    return {**first, **line}
