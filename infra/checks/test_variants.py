import pytest

import plan


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_the_checker_passes(checked, variant):
    run = checked(variant)
    assert run.passed, run.output[-6000:]
    assert "second plan empty" in run.output
