"""What a shadow scores is compared, kept beside the answers, and never returned."""

from __future__ import annotations

import sqlalchemy as sa

from estate.core.rollout import Rollout, RolloutKind
from tests.serving.shop import ROW, Shop, score_of, wait_for
from tests.serving.test_prediction_log import kept

SHADOW = Rollout(kind=RolloutKind.SHADOW, share=1.0)
PAIRS = sa.text(
    "SELECT s.prediction_id::text, s.version, s.stable_version, s.entity_id, s.stable_score, "
    "s.candidate_score, p.score FROM shadow_predictions s JOIN predictions p USING (prediction_id) ORDER BY 1"
)


def test_each_answer_has_its_shadow_beside_it(shop: Shop) -> None:
    shop.train("10")
    shop.train("90")
    shop.promote("10")
    with shop.serve() as served:
        served.wait_for_version("10")
        shop.wait_ready(shop.start("90", SHADOW))
        answers = []
        for case in ("a", "b", "c"):
            response = served.predict({**ROW, "case_id": case}, {**ROW, "case_id": None})
            answers += response.json()["predictions"]
        wait_for(lambda: served.metric("leadloop_rollout_rows_total") == 12)
    with shop.database.begin() as connection:
        found = connection.execute(PAIRS).tuples().all()
    assert [row[0] for row in found] == [answer["id"] for answer in answers]
    assert {row[1:3] for row in found} == {("90", "10")}
    assert [row[3] for row in found] == ["a", None, "b", None, "c", None]
    assert all(row[4] == row[6] == answer["score"] for row, answer in zip(found, answers, strict=True))
    assert all(abs(row[5] - score_of("90")) < 1e-6 for row in found)
    assert {row.version for row in kept(shop.database)} == {"10"}
