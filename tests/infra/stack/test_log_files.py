from __future__ import annotations

import os
from pathlib import Path

from infra.stack.log_files import last_lines, open_log, rotate


def test_a_long_log_is_moved_and_the_writer_goes_on_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "mlflow.log"
    writer = open_log(path)
    os.write(writer, b"old\n" * 10)
    assert not rotate(path, max_bytes=100)
    assert rotate(path, max_bytes=40)
    os.write(writer, b"new\n")
    os.close(writer)
    assert path.read_text() == "new\n"
    assert path.with_name("mlflow.log.1").read_text() == "old\n" * 10


def test_the_end_of_a_log_is_read_without_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"a\n\nb\nc\xff\n\n")
    assert last_lines(path, 2) == ["b", "c�"]
    assert last_lines(tmp_path / "none.log") == []
