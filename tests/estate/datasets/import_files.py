"""Files to import."""

from __future__ import annotations

from pathlib import Path

VISITS = "interaction_id,lead_id,kind,event_at\n"


def visits(path: Path, rows: int) -> Path:
    """Every tenth row is bad."""
    kinds = ["sneeze" if i % 10 == 9 else "visit" for i in range(rows)]
    path.write_text(
        VISITS + "".join(f"i{i},L1,{kind},2026-01-05T08:30:00Z\n" for i, kind in enumerate(kinds))
    )
    return path


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path
