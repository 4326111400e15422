"""Trees of one question each, added up: one tree a column instead of hundreds.

Boosting in steps makes a tree of one question in every round, and a server would walk all of them for every
row. Those about one column add up to a function with a step at each of their thresholds, which one balanced
tree says with a few questions. Scores stay the same but for rounding: sums are taken once, in float64.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_LEAVES = {"TreeEnsembleClassifier": "class", "TreeEnsembleRegressor": "target"}
_LEAF = b"LEAF"
_QUESTIONS = frozenset({b"BRANCH_LT", b"BRANCH_LEQ"})
_STEP_NODES = 3
_NODE_FIELDS = (
    "treeids",
    "nodeids",
    "featureids",
    "modes",
    "values",
    "truenodeids",
    "falsenodeids",
    "missing_value_tracks_true",
)


def merge_steps(model: Any) -> None:
    """Put one tree a column in the place of all trees of one question, in the graph that is given.

    Ensembles with several outputs, or with questions of several kinds, are left as they are.

    Parameters
    ----------
    model : onnx.ModelProto
    """
    from onnx import helper

    for node in model.graph.node:
        if node.op_type not in _LEAVES:
            continue
        found = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        merged = _merged(found, _LEAVES[node.op_type])
        if merged is None:
            continue
        kept = [a for a in node.attribute if a.name not in merged and a.name != "nodes_hitrates"]
        made = [helper.make_attribute(name, values) for name, values in merged.items() if values]
        del node.attribute[:]
        node.attribute.extend([*kept, *made])


@dataclass(frozen=True)
class _Step:
    """One question about a column: what is added where it is answered by yes, by no, and not at all."""

    threshold: float
    yes: float
    no: float
    missing: float


@dataclass
class _Ensemble:
    """The fields of an ensemble under construction: node by node, leaf by leaf."""

    nodes: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _NODE_FIELDS})
    leaves: dict[str, list[Any]] = field(
        default_factory=lambda: {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    )
    begin: int = 0
    """Place of the first node of the tree that grows."""

    def copy(self, found: Mapping[str, Sequence[Any]], kind: str, trees: Sequence[int]) -> None:
        """Take trees over as they are."""
        wanted = frozenset(trees)
        for into, prefix in ((self.nodes, "nodes"), (self.leaves, kind)):
            at = [i for i, tree in enumerate(found[f"{prefix}_treeids"]) if tree in wanted]
            for name, values in into.items():
                given = found.get(f"{prefix}_{name}")
                values.extend([given[i] if given else 0 for i in at])

    def grow(self, tree: int, column: int, question: bytes, steps: Sequence[_Step], output: int) -> None:
        """Add the tree of a column: whether it is known at all, then by halves between which steps it is."""
        self.begin = len(self.nodes["treeids"])
        thresholds = sorted({step.threshold for step in steps})
        sums = [
            math.fsum(step.yes if place <= thresholds.index(step.threshold) else step.no for step in steps)
            for place in range(len(thresholds) + 1)
        ]
        missing = math.fsum(step.missing for step in steps)

        def leaf(amount: float) -> int:
            at = self._node(tree, 0, _LEAF, 0.0)
            for name, value in zip(self.leaves, (tree, at, output, amount), strict=True):
                self.leaves[name].append(value)
            return at

        def between(low: int, high: int) -> int:
            if low == high:
                return leaf(sums[low])
            middle = (low + high) // 2
            at = self._node(tree, column, question, thresholds[middle])
            self._lead(at, between(low, middle), between(middle + 1, high))
            return at

        root = self._node(tree, column, question, math.inf)  # every number is below it, what is missing not
        self._lead(root, between(0, len(thresholds)), leaf(missing))

    def _node(self, tree: int, column: int, mode: bytes, value: float) -> int:
        at = len(self.nodes["treeids"]) - self.begin
        for name, given in zip(_NODE_FIELDS, (tree, at, column, mode, value, 0, 0, 0), strict=True):
            self.nodes[name].append(given)
        return at

    def _lead(self, at: int, yes: int, no: int) -> None:
        place = self.begin + at
        self.nodes["truenodeids"][place], self.nodes["falsenodeids"][place] = yes, no


def _merged(found: Mapping[str, Any], kind: str) -> dict[str, list[Any]] | None:
    """Return the new fields by name; None where there is nothing to merge."""
    questions = set(found["nodes_modes"]) - {_LEAF}
    outputs = set(found[f"{kind}_ids"])
    summed = found.get("aggregate_function", b"SUM") == b"SUM"
    if len(questions) != 1 or not questions <= _QUESTIONS or len(outputs) != 1 or not summed:
        return None
    (question,), (output,) = questions, outputs
    steps: dict[int, list[_Step]] = defaultdict(list)
    merged_trees = set()
    for tree, column, step in _steps(found, kind):
        steps[column].append(step)
        merged_trees.add(tree)
    if len(merged_trees) <= len(steps):
        return None
    made = _Ensemble()
    others = sorted(set(found["nodes_treeids"]) - merged_trees)
    made.copy(found, kind, others)
    first = max(others, default=-1) + 1
    for place, column in enumerate(sorted(steps)):
        made.grow(first + place, column, question, steps[column], output)
    fields = {f"nodes_{name}": values for name, values in made.nodes.items()}
    return fields | {f"{kind}_{name}": values for name, values in made.leaves.items()}


def _steps(found: Mapping[str, Any], kind: str) -> Iterator[tuple[int, int, _Step]]:
    """Yield the number, the column and the step of every tree of one question."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, tree in enumerate(found["nodes_treeids"]):
        places[tree].append(place)
    trees, nodes = found[f"{kind}_treeids"], found[f"{kind}_nodeids"]
    amounts: dict[tuple[int, int], float] = defaultdict(float)
    for tree, node, amount in zip(trees, nodes, found[f"{kind}_weights"], strict=True):
        amounts[tree, node] += amount
    tracks = found.get("nodes_missing_value_tracks_true") or [0] * len(found["nodes_treeids"])
    for tree, own in places.items():
        if len(own) != _STEP_NODES:
            continue
        (root,) = [place for place in own if found["nodes_modes"][place] != _LEAF]
        yes = amounts[tree, found["nodes_truenodeids"][root]]
        no = amounts[tree, found["nodes_falsenodeids"][root]]
        threshold, column = found["nodes_values"][root], found["nodes_featureids"][root]
        yield tree, column, _Step(threshold, yes, no, yes if tracks[root] else no)
