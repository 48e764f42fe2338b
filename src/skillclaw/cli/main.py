"""Entry point: runs a command and turns every failure into a clear message and an exit code."""

from __future__ import annotations

import os
import sys

# All else is loaded by `_run`: Ctrl-C in the first fifth of a second is no traceback either.

__all__ = ["main"]

INTERRUPTED = 130
STOPPED = "Stopped.", "", "Nothing was left half done; run the command again to go on."


def main() -> None:
    """Run the command in `sys.argv`; exits 0 on success, 1 on failure, 2 on wrong usage."""
    try:
        _run()
    except KeyboardInterrupt:
        what, _, todo = STOPPED
        sys.stderr.write(f"error: {what}\n  {todo}\n")
        sys.exit(INTERRUPTED)
    except Exception as error:  # before there was anything to tell it with
        from skillclaw.cli.trouble import machine_trouble

        told = machine_trouble(error)
        if told is None:
            raise
        sys.stderr.write("error: " + "\n  ".join(part for part in told if part) + "\n")
        sys.exit(1)


def _run() -> None:
    import contextlib
    import logging
    import traceback

    from skillclaw.compiled import keep_whole

    keep_whole()
    from skillclaw.cli import output
    from skillclaw.cli.trouble import machine_trouble
    from skillclaw.errors import SkillClawError
    from skillclaw.extras import EVOLVER, install
    from skillclaw.private import close_files, no_dumps

    for stream in (sys.stdout, sys.stderr):
        # Windows consoles may not be UTF-8; a character that cannot be shown must not end the command.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    import typer

    if sys.argv[1:2] != ["bench"]:  # whose sandboxes run as other users, on what it makes
        close_files()
        no_dumps()

    from skillclaw.cli.app import build

    logging.raiseExceptions = False  # a log on a full disk loses lines; nobody reads tracebacks of it
    debug = "--debug" in sys.argv[1:] or bool(os.environ.get("SKILLCLAW_DEBUG"))
    code = 1
    try:
        result = build()(standalone_mode=False)
        code = result if isinstance(result, int) else 0
        if code == INTERRUPTED:  # newer Typers return what older ones raise
            output.error(*STOPPED)
    except SkillClawError as error:
        if debug:
            traceback.print_exc()
        output.error(error.what, error.why, error.todo)
        code = error.exit_code
    except typer.Exit as stop:
        code = stop.exit_code
    except (typer.Abort, KeyboardInterrupt) as stop:
        ended = stop.__cause__
        if isinstance(ended, EOFError):  # the library takes it for the end of what is typed
            if debug:
                traceback.print_exc()
            output.error(*(machine_trouble(ended) or _unexpected(ended)))
        else:
            output.error(*STOPPED)
            code = INTERRUPTED
    except (BrokenPipeError, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):
            raise  # else the library saw it first, and calls it a failure
        # The reader (`| head`) went away; that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        # Typer's usage errors have one shape but, from release to release, different classes.
        message = getattr(error, "format_message", None)
        if debug:
            traceback.print_exc()
        if message is not None:
            if type(error).__name__ == "NoArgsIsHelpError":
                sys.stderr.write(message() + "\n")
                sys.exit(2)
            output.error(_plainly(message()), "", _usage_hint(error))
            sys.exit(2)
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EVOLVER:
            output.error(
                "The evolver's libraries are not installed.",
                f"{error}; recording, import, status and sync work without them.",
                f"Install them: {install('evolve')}",
            )
            sys.exit(1)
        output.error(*(machine_trouble(error) or _unexpected(error)))
    try:
        sys.stdout.flush()
    except OSError as error:
        # The interpreter would try it again at its end, and tell it in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == 0 and not isinstance(error, BrokenPipeError):
            code = 1
            with contextlib.suppress(OSError):  # a full disk may be behind both streams
                output.error(*(machine_trouble(error) or _unexpected(error)))
    sys.exit(code)


def _unexpected(error: BaseException) -> tuple[str, str, str]:
    return (
        "SkillClaw met an error that it did not expect.",
        f"{type(error).__name__}: {error}",
        "Run it again with --debug and report what it shows.",
    )


def _plainly(message: str) -> str:
    """A usage error of the library's in words of people, and its guess once: two of its layers make it."""
    import re

    message = re.sub(r"( Did you mean [^?]*\?)(?:\1)+", r"\1", message)
    return re.sub(r"is not a valid (?:float|integer)(?: range)?\.", "is not a number.", message)


def _usage_hint(error: object) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else "See: skillclaw --help"
