"""Values that are made quickly are frozen dataclasses all the same."""

from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from registries.oci.values import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True)
class Value:
    name: str
    members: dict[str, int] = field(default_factory=dict)
    size: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "size", len(self.members))


@pytest.mark.parametrize("value", [Value("a"), Value(name="a"), replace(Value("b"), name="a")])
def test_a_value_cannot_be_written_to(value):
    assert type(value) is Value
    with pytest.raises(FrozenInstanceError):
        value.name = "b"
    with pytest.raises(FrozenInstanceError):
        del value.name


def test_a_value_equals_another_of_the_same_content():
    assert Value("a", {"one": 1}) == Value("a", {"one": 1}) != Value("a", {"one": 2})
    assert repr(Value("a")) == "Value(name='a', members={}, size=0)"


def test_each_value_has_its_own_default():
    assert Value("a").members is not Value("a").members


def test_what_is_left_out_is_missed():
    with pytest.raises(TypeError, match="name"):
        Value()


def test_what_follows_from_the_members_is_set():
    assert Value("a", {"one": 1, "two": 2}).size == 2
