"""What a version must prove before anybody may promote it."""

from __future__ import annotations

from dataclasses import dataclass

from estate.core.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The bounds of the gate's rules; docs/models.md lists the rules.

    Parameters
    ----------
    metric : str
        One of the task's metrics: ``log_loss``, ``brier``, ``roc_auc``, ``pr_auc`` (binary), ``log_loss``,
        ``accuracy`` (multiclass), ``mae``, ``rmse``, ``r2`` (regression).
    bound : float, optional
        The metric must be at least as good as this.
    margin : float
        The lower end of the paired interval of the improvement over the champion must be above this.
    calibration_error : float, optional
        Most expected calibration error allowed (15 bins of equal count; in [0, 1]); binary only.
    brier : float, optional
        Most Brier score allowed, in [0, 1]; binary only.
    holdout_rows, holdout_positives : int
        Fewer than this can't be judged: refused.
    holdout_most : int
        The newest fifth of the rows is frozen, but no more than this: what is frozen is not learned from, and
        where the world moves fast the newest rows are worth most.
    holdout_uses : int
        A row that so many gates have judged on is used up: it is learned from instead, while enough others
        are left. A version is refused where more gates than this have judged on half of its rows.
    slices : tuple of str
        Category columns for whose values the metric is reported too.
    slice_bound : float, optional
        The metric must be at least as good as this in every slice of ``slice_rows`` rows or more.
    slice_rows : int
        Smaller slices and groups are not judged.
    protected : tuple of str
        Raw columns of the source (of leads: of their table) that no feature may be, or stand for.
    proxy_most : float
        Most association of a feature with a protected column, in [0, 1].
    selected_share : float
        Share of the rows, those with the highest scores, that the desk would act on; in (0, 1).
    impact_ratio : float, optional
        Least share of a protected group that is selected, over the one of the most selected group, in [0, 1].
    latency_ms, memory_mb : float, optional
        Most p95 latency of one row over HTTP, in milliseconds, and most memory that loading the version may
        add to a serving process, in MB; None: measured, not judged.
    """

    metric: str = "log_loss"
    bound: float | None = None
    margin: float = 0.0
    calibration_error: float | None = 0.1
    brier: float | None = None
    holdout_rows: int = 200
    holdout_most: int = 5000
    holdout_positives: int = 20
    holdout_uses: int = 5
    slices: tuple[str, ...] = ()
    slice_bound: float | None = None
    slice_rows: int = 100
    protected: tuple[str, ...] = ()
    proxy_most: float = 0.8
    selected_share: float = 0.1
    impact_ratio: float | None = None
    latency_ms: float | None = 50.0
    memory_mb: float | None = 512.0

    def __post_init__(self) -> None:
        for field in ("slices", "protected"):
            value = getattr(self, field)
            if not isinstance(value, tuple | list):
                raise _wrong(field, "a tuple of column names", value, "A tuple of one is written `(name,)`.")
        if self.slice_bound is not None and not self.slices:
            raise _wrong("slice_bound", "`slices` too", self.slice_bound, "Name the columns to slice by.")
        if self.impact_ratio is not None and not self.protected:
            raise _wrong("impact_ratio", "`protected` too", self.impact_ratio, "Name the protected columns.")
        if not 0 < self.selected_share < 1:
            raise _wrong("selected_share", "a share between 0 and 1", self.selected_share, "")
        if self.holdout_uses < 1:
            raise _wrong("holdout_uses", "at least 1", self.holdout_uses, "")


def _wrong(field: str, expected: str, got: object, todo: str) -> SpecError:
    return SpecError(f"`{field}` of a gate", expected=expected, got=repr(got), todo=todo)


DEFAULT_GATE = Gate()
