"""What the numbers of a training say, in plain sentences: what is wrong, since when, and what to do about it.

Each rule takes the rows of metrics.jsonl and gives a sentence, or None where it has nothing to say. Pure functions:
the page shows what `advise` gives, and so does the page of results.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Row = dict[str, Any]
Rule = Callable[[Sequence[Row]], str | None]

LONG = 10  # rows of metrics, or previews, from which something is no accident
WON = 0.98  # share of patches that D judges right, from which G learns nothing more from it
LOST = 0.53  # share down to which it might as well throw dice
SHARE = 0.25  # of the training so far, for which there was no progress
WORSE = 1.05  # times the best distance from val
HINGE_WON = 0.05  # half of the loss of the discriminators on features: 1 by guessing, 0 where each is sure of all
HINGE_LOST = 0.97
WAITING = 0.3  # share of the time spent waiting for data


def advise(rows: Sequence[Row], finished: bool = False) -> list[str]:
    """What there is to say, the most pressing first."""
    return list(said(rows, finished).values())


def said(rows: Sequence[Row], finished: bool = False) -> dict[str, str]:
    """The same by the name of the rule, which stays while the words change from step to step."""
    rules: list[Rule] = [discriminator_has_won, discriminator_has_lost, projected_have_won, projected_have_lost,
                         overfitting, no_progress, waiting_for_data]  # fmt: skip
    if finished:
        rules.append(still_improving)
    found = {rule.__name__: words for rule in rules if (words := rule(rows))}
    if "overfitting" in found:  # it says more of the same thing
        found.pop("no_progress", None)
    return found


def discriminator_has_won(rows: Sequence[Row]) -> str | None:
    """D judges nearly every patch right, and has done so for long: its gradient says nothing to G."""
    since = _since(_smoothed(_with_D(rows), "acc_D"), lambda right: right >= WON)
    if since is None:
        return None
    return (
        f"The discriminator has won since step {since:,}: it tells nearly every fake from the real, and the generator "
        "learns nothing more from it. Lower its rate (lr_D): duplicate the run with half of it."
    )


def discriminator_has_lost(rows: Sequence[Row]) -> str | None:
    """D does no better than chance for long: then it teaches nothing either."""
    since = _since(_smoothed(_with_D(rows), "acc_D"), lambda right: right <= LOST)
    if since is None:
        return None
    return (
        f"The discriminator has guessed since step {since:,}: it cannot tell the fakes from the real. Give it more "
        "width (ndf) or a higher rate (lr_D): duplicate the run with one of them doubled."
    )


def projected_have_won(rows: Sequence[Row]) -> str | None:
    """The discriminators on features are sure of every fake, and have been for long."""
    since = _since(_smoothed(_with(rows, "loss_D_projected"), "loss_D_projected"), lambda loss: loss <= HINGE_WON)
    if since is None:
        return None
    return (
        f"The discriminators on features have won since step {since:,}: the generator learns nothing more from them. "
        "Lower their weight (lambda_projected) or the rate of all discriminators (lr_D): duplicate the run with half."
    )


def projected_have_lost(rows: Sequence[Row]) -> str | None:
    """They do no better than chance for long: then they teach nothing either."""
    since = _since(_smoothed(_with(rows, "loss_D_projected"), "loss_D_projected"), lambda loss: loss >= HINGE_LOST)
    if since is None:
        return None
    return (
        f"The discriminators on features have guessed since step {since:,}: they cannot tell the fakes from the real. "
        "Give all discriminators a higher rate (lr_D): duplicate the run with it doubled."
    )


def no_progress(rows: Sequence[Row]) -> str | None:
    """The distance from val has not been as low as at its best for long."""
    if not (looks := _looks(rows)):
        return None
    best, _ = _best(looks)
    last = looks[-1][0]
    later = sum(step > best for step, _ in looks)
    if later < LONG or last - best < SHARE * last:
        return None
    return (
        f"{_distance(rows)[1]} has not improved for {last - best:,} steps; the best was at step {best:,}, "
        "and the generator of then is kept."
    )


def overfitting(rows: Sequence[Row]) -> str | None:
    """The distance goes on falling in training, and has risen on pairs that are not learned from."""
    looks = _looks(rows)
    if no_progress(rows) is None:
        return None
    best, lowest = _best(looks)
    name, words = _distance(rows)
    loss = name.replace("val_", "loss_")
    trained = [(row["step"], row[loss]) for row in rows if loss in row]
    before = _mean([value for step, value in trained if step <= best][-LONG:])
    after = _mean([value for _, value in trained][-LONG:])
    recent = _mean([value for _, value in looks[-LONG // 2 :]])
    if before is None or after is None or recent is None or after >= before or recent < WORSE * lowest:
        return None
    return (
        f"It learns its pictures by heart since step {best:,}: {words[0].lower()}{words[1:]} has "
        f"risen from {lowest:.3f} to {recent:.3f} while the training's fell. The generator of step {best:,} is kept as "
        "the best; more pictures would help, more steps will not."
    )


def waiting_for_data(rows: Sequence[Row]) -> str | None:
    """The pictures come too slowly."""
    share = _mean([row["data_wait"] for row in rows[-LONG:] if "data_wait" in row])
    if len(rows) < LONG or share is None or share < WAITING:
        return None
    return (
        f"It spends {share:.0%} of its time waiting for pictures: put them on a faster disk, or make them smaller "
        "beforehand."
    )


def still_improving(rows: Sequence[Row]) -> str | None:
    """The best was the last, or nearly: of a training that has finished."""
    looks = _looks(rows)
    if len(looks) < LONG or _best(looks)[0] < looks[-1][0] * (1 - SHARE / 5):
        return None
    return f"{_distance(rows)[1]} was still falling when it ended: extend it, and it will get better."


def not_a_number(step: int) -> str:
    """For the trainer, which stops then."""
    return (
        f"The loss is not a number since step {step:,}, so the training was stopped. Lower the learning rate: "
        "duplicate the run with half of it"
    )


def _with_D(rows: Sequence[Row]) -> list[Row]:
    """Those in which D was trained."""
    return [row for row in rows if row.get("loss_D") and "acc_D" in row]


def _with(rows: Sequence[Row], name: str) -> list[Row]:
    """Those of them that have it."""
    return [row for row in _with_D(rows) if name in row]


def _smoothed(rows: Sequence[Row], name: str) -> list[tuple[int, float]]:
    """(step, average of it and the rows before it): one row is of too few pictures."""
    return [
        (row["step"], _mean([each[name] for each in rows[max(0, index - LONG + 1) : index + 1]]) or 0.0)
        for index, row in enumerate(rows)
    ]


def _since(points: Sequence[tuple[int, float]], holds: Callable[[float], bool]) -> int | None:
    """The step from which it has held to the end, if that was for long."""
    held = list(_to_the_end(points, holds))
    return held[-1] if len(held) >= LONG else None


def _to_the_end(points: Sequence[tuple[int, float]], holds: Callable[[float], bool]) -> Iterator[int]:
    for step, value in reversed(points):
        if not holds(value):
            return
        yield step


def _looks(rows: Sequence[Row]) -> list[tuple[int, float]]:
    """(step, distance from val)."""
    name, _ = _distance(rows)
    return [(row["step"], row[name]) for row in rows if name in row]


def _distance(rows: Sequence[Row]) -> tuple[str, str]:
    """What the best generator is chosen by, and its words: where the run has it the perceptual distance, else L1."""
    if any("val_perceptual" in row for row in rows):
        return "val_perceptual", "The perceptual distance on validation"
    return "val_L1", "Validation L1"


def _best(looks: Sequence[tuple[int, float]]) -> tuple[int, float]:
    return min(looks, key=lambda look: look[1])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
