"""The wire cases under pytest: LEAT_BUILD says what to test, LEAT_SHORT leaves the slow ones out."""
import os

import pytest
import run_cases

ROOT = os.path.dirname(os.path.dirname(run_cases.HERE))
BUILD = os.path.join(ROOT, os.environ.get("LEAT_BUILD", "build/release"))


@pytest.mark.parametrize("loop", run_cases.LOOPS)
def test_every_case_is_answered_as_we_want_it_however_it_is_split(loop):
    cases, _ = run_cases.load_cases()
    if os.environ.get("LEAT_SHORT"):
        cases = [case for case in cases if not case.wait_s]
    failures, _ = run_cases.run_loop(BUILD, loop, cases, seed=1)
    assert not failures, "\n".join(line for lines in failures.values() for line in lines[: run_cases.SHOWN])
