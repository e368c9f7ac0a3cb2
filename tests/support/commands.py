"""The command `mall` within this process, where a test is about what it does.

An interpreter that loads the whole service costs seconds. What is about processes (settings from
the environment, the stories, migrating at once) still starts them.
"""

from dataclasses import dataclass

from click.testing import CliRunner

from mall.shell import cli


@dataclass
class Done:
    """How a command ended and what it said, in the words of `subprocess.run`."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments, text=""):
    """Run `mall` with these arguments; what it raises by mistake is raised here."""
    told = CliRunner().invoke(cli.main, [str(each) for each in arguments], input=text)
    if told.exception is not None and not isinstance(told.exception, SystemExit):
        raise told.exception
    return Done(told.exit_code, told.stdout, told.stderr)
