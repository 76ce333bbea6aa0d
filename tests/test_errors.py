"""What is raised on purpose."""

import pickle

import pytest

from dikast import errors


def every() -> list[errors.DikastError]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DikastError)]
    return [errors.ModelError("timeout", "late") if kind is errors.ModelError else kind("told") for kind in kinds]


@pytest.mark.parametrize("error", every(), ids=lambda error: type(error).__name__)
def test_an_error_goes_from_one_process_into_another_as_it_is(error: errors.DikastError):
    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
