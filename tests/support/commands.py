"""Run a command and read what it printed."""

import click

from cli.commands import cli


def printed(result):
    """Return what a command printed that must have worked."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def refusal(result, exit_code=1):
    """Return the one sentence of a command that must have refused."""
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("Fehler: ")
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1].removeprefix("Fehler: ")


def command_paths(command=cli, path=()):
    """Return every command as the words that are typed for it."""
    paths = [path]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            paths += command_paths(inner, (*path, name))
    return paths
