"""``python -m benchmarks``: list the benchmarks, or run one."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout

from benchmarks.catalog import BENCHMARKS, load
from benchmarks.machine import commit, machine
from benchmarks.printing import print_result
from estate.core.errors import LeadloopError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 if a benchmark can't be run, 2 for wrong usage."""
    asked = _parser().parse_args(arguments)
    if asked.name is None:
        print("\n".join(f"{name:10} {sentence}" for name, sentence in BENCHMARKS.items()))
        return 0
    if asked.name not in BENCHMARKS:
        print(f"benchmarks: there is no `{asked.name}`; there are {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    try:
        with redirect_stdout(sys.stderr):  # tools that chat; only the result belongs on the output
            result = load(asked.name)(asked.quick)
    except LeadloopError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    whole = {"benchmark": asked.name, "machine": machine(), "commit": commit(), **result}
    if asked.json:
        print(json.dumps(whole, indent=1, default=str))
    else:
        print_result(whole)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print a table.")
    parser.add_argument("name", nargs="?", help="which one; without a name they are listed")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run of at most a minute: no real numbers"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
