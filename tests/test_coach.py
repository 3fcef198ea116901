"""The coach: each rule speaks when its numbers do, names the step since when, and is silent otherwise."""

from collections.abc import Callable
from typing import Any

from training import coach
from training.coach import advise


def rows(
    count: int,
    acc_D: Callable[[int], float] = lambda _: 0.8,
    val_L1: Callable[[int], float] = lambda index: 1 / (index + 1),
    loss_L1: Callable[[int], float] = lambda index: 1 / (index + 1),
    **others: float,
) -> list[dict[str, Any]]:
    """A line of metrics every 100 steps, each with a preview."""
    return [
        {"step": 100 * (index + 1), "loss_D": 0.5, "loss_G": 1.0, "data_wait": 0.0,
         "acc_D": acc_D(index), "val_L1": val_L1(index), "loss_L1": loss_L1(index)} | others
        for index in range(count)
    ]  # fmt: skip


def test_a_training_that_goes_well_needs_no_advice():
    assert advise(rows(100)) == []
    assert advise([]) == []
    assert advise([{"step": 1}]) == []


def test_the_discriminator_has_won():
    words = coach.discriminator_has_won(rows(120, lambda index: 1.0 if index >= 71 else 0.8))
    assert words
    assert "won since step 8,000" in words  # the mean of ten rows is that high from then on
    assert "lr_D" in words


def test_a_discriminator_that_won_for_a_while_has_not_won():
    assert coach.discriminator_has_won(rows(100, lambda index: 1.0 if 40 <= index < 80 else 0.8)) is None
    assert coach.discriminator_has_won(rows(5, lambda _: 1.0)) is None


def test_steps_without_a_discriminator_do_not_count():
    assert advise(rows(100, lambda _: 0.0, loss_D=0.0)) == []


def test_the_discriminator_has_lost():
    words = coach.discriminator_has_lost(rows(100, lambda index: 0.5 if index >= 50 else 0.8))
    assert words
    assert "guessed since step" in words


def test_no_progress():
    words = coach.no_progress(rows(150, val_L1=lambda index: 0.2 if index == 89 else 0.3))
    assert words == (
        "Validation L1 has not improved for 6,000 steps; the best was at step 9,000, and the generator of then is kept."
    )
    assert coach.no_progress(rows(95, val_L1=lambda index: 0.2 if index == 89 else 0.3)) is None


def test_overfitting_replaces_no_progress():
    learned = rows(150, val_L1=lambda index: 0.2 + abs(index - 89) / 1000)
    (words,) = advise(learned)
    assert "by heart since step 9,000" in words
    assert "from 0.200 to 0.2" in words
    both_rise = rows(150, val_L1=lambda index: 0.2 + abs(index - 89) / 1000, loss_L1=lambda index: 0.1 + index / 1000)
    assert coach.overfitting(both_rise) is None
    assert "has not improved" in advise(both_rise)[0]


def test_waiting_for_data():
    words = coach.waiting_for_data(rows(20, data_wait=0.42))
    assert words
    assert "42%" in words
    assert coach.waiting_for_data(rows(20, data_wait=0.1)) is None


def test_still_improving_is_said_at_the_end_alone():
    falling = rows(100, val_L1=lambda index: 1 - index / 200)
    assert advise(falling) == []
    assert "extend it" in advise(falling, finished=True)[0]
    assert advise(rows(100, val_L1=lambda index: 0.2 if index == 80 else 0.21), finished=True) == []


def test_the_first_bad_step_is_named():
    assert coach.not_a_number(312).startswith("The loss is not a number since step 312, so the training was stopped.")


def perceptual_rows(count: int, **figures: Callable[[int], float]) -> list[dict[str, Any]]:
    """Of a run with the perceptual terms, the named figures by the index of the row."""
    usual = {"loss_perceptual": 0.5, "loss_D_projected": 0.5, "val_perceptual": 0.5, "loss_G_projected": 0.5}
    made = rows(count, val_L1=lambda index: 0.2 + index / 1000)  # which rises all the while, and decides nothing
    return [row | usual | {name: of(index) for name, of in figures.items()} for index, row in enumerate(made)]


def test_the_discriminators_on_features_have_won_or_lost():
    won = advise(perceptual_rows(60, loss_D_projected=lambda _: 0.01, val_perceptual=lambda index: 1 / (index + 1)))
    assert len(won) == 1
    assert "discriminators on features have won since step" in won[0]
    lost = advise(perceptual_rows(60, loss_D_projected=lambda _: 1.0, val_perceptual=lambda index: 1 / (index + 1)))
    assert len(lost) == 1
    assert "discriminators on features have guessed since step" in lost[0]


def test_with_the_perceptual_terms_their_distance_decides():
    falling = perceptual_rows(100, val_perceptual=lambda index: 1 / (index + 1))
    assert advise(falling) == []
    (ended,) = advise(falling, finished=True)
    assert ended.startswith("The perceptual distance on validation was still falling")
    best_at_50 = lambda index: 0.2 + abs(index - 49) / 1000  # noqa: E731
    (words,) = advise(perceptual_rows(120, val_perceptual=best_at_50, loss_perceptual=lambda index: 1 / (index + 1)))
    assert "by heart since step 5,000: the perceptual distance on validation has risen" in words
