"""What does a log line look like? One JSON object with its trace, and nothing personal."""

from __future__ import annotations

import logging

import structlog

from retailhub.kernel.trace import current_trace_id


def _add_trace(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if trace_id := current_trace_id():
        line["trace_id"] = str(trace_id)
    return line


def line_formatter() -> logging.Formatter:
    """The formatter of every handler: level, UTC time, logger, trace, message, traceback."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
