from __future__ import annotations

from studiod.ledger import queue, review, touchup
from studiod.ledger.judgements import Judgement, read_judgements
from tests.ledger.conftest import ANNA, BEN, Studio
from tests.looking import made_up


def judgements(studio: Studio) -> dict[int, Judgement]:
    """The judgements by item (one version each)."""
    return {j.item: j for j in read_judgements(studio.ledger)}


def test_what_a_person_decided_is_what_counts(studio: Studio) -> None:
    """Approved is usable, flagged is not; what still waits says nothing; the risk file is read."""
    items = [studio.add(f"RING-{n}.jpg") for n in range(3)]
    for _ in items:
        claimed = queue.claim(studio.ledger, "w1", 60)
        assert claimed is not None
        risk_json = '{"calibration": "rendered-1", "findings": [{"reason": "halo", "box": [1, 2, 3, 4]}]}'
        queue.finish(studio.ledger, claimed, made_up(claimed, risk=0.25, risk_json=risk_json))
    studio.approve(items[0])
    review.flag(studio.ledger, items[1], 1, ANNA, reasons=("chain_gap",), box=(1, 2, 3, 4))
    found = judgements(studio)
    assert set(found) == set(items[:2])
    assert found[items[0]].usable and not found[items[1]].usable
    assert found[items[1]].flagged == ((("chain_gap",), (1, 2, 3, 4)),)
    assert (found[items[0]].score, found[items[0]].calibration) == (0.25, "rendered-1")
    assert found[items[0]].findings[0]["reason"] == "halo"


def test_what_policy_let_go_is_not_known(studio: Studio) -> None:
    """Nobody looked; recalled and flagged it is known, though not by chance."""
    left, back = studio.add("A.jpg"), studio.add("B.jpg")
    studio.process(policy=True)
    studio.process(policy=True)
    review.undo(studio.ledger, back, ANNA)
    review.flag(studio.ledger, back, studio.version(back), ANNA)
    found = judgements(studio)
    assert found[left].usable is None and not found[left].recalled
    assert found[back].usable is False and found[back].recalled


def test_what_was_approved_in_one_go_is_not_known(studio: Studio) -> None:
    """Nobody looked at it; looked at and approved after an undo, it is known."""
    blind, seen = studio.add("A.jpg"), studio.add("B.jpg")
    studio.process()
    studio.process()
    for item in (blind, seen):
        review.approve_unseen(studio.ledger, item, 1, ANNA, below=0.9)
    review.undo(studio.ledger, seen, ANNA)
    studio.approve(seen)
    found = judgements(studio)
    assert found[blind].usable is None and found[seen].usable is True


def test_a_withdrawn_decision_does_not_count(studio: Studio) -> None:
    """Undone, the piece is as if nobody had decided; decided anew, the new decision counts."""
    item = studio.add()
    studio.process()
    review.flag(studio.ledger, item, 1, ANNA)
    review.undo(studio.ledger, item, ANNA)
    assert judgements(studio) == {}
    studio.approve(item, BEN)
    assert judgements(studio)[item].usable


def test_what_was_brushed_or_touched_up_was_not_usable(studio: Studio) -> None:
    """The first version counts, as not usable, and names the folder of what came back; no later one does."""
    item = studio.add()
    studio.process()
    review.flag(studio.ledger, item, 1, ANNA)
    studio.record_sent(item, 1, "RING-1")
    sent = touchup.find_touchup(studio.ledger, item, 1)
    assert sent is not None
    assert touchup.record_return(studio.ledger, sent, studio.facts("RING-1.png"))
    studio.process()
    studio.approve(item)
    found = read_judgements(studio.ledger)
    assert [(j.version, j.usable) for j in found] == [(1, False)]
    assert (found[0].folder, found[0].returned) == (f"items/{item}/v1", f"items/{item}/v2")


def test_a_blurred_photograph_says_nothing_about_its_cutout(studio: Studio) -> None:
    """Rejected for focus alone it is left out; for a reason of the cutout it is not usable."""
    blurred, gap = studio.add("A.jpg"), studio.add("B.jpg")
    studio.process()
    studio.process()
    review.reject(studio.ledger, blurred, 1, ANNA, reasons=("out_of_focus",))
    review.reject(studio.ledger, gap, 1, ANNA, reasons=("out_of_focus", "chain_gap"))
    found = judgements(studio)
    assert set(found) == {gap} and found[gap].usable is False


def test_a_dear_piece_is_mandatory(studio: Studio) -> None:
    """A price over the threshold is what put it before a person."""
    dear, cheap = studio.add("A.jpg", price=200_000), studio.add("B.jpg")
    for item in (dear, cheap):
        studio.process()
        studio.approve(item)
    found = judgements(studio)
    assert found[dear].mandatory and not found[cheap].mandatory
