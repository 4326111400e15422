"""A group of commands that lists when no command of it is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class ListsByDefault(TyperGroup):
    """``incidents MODEL --open`` is ``incidents list MODEL --open``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name before the arguments where there is none."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else ["list", *args])
