"""What is remembered of bytes is what would be read again, and is bounded."""

import pytest

from trust.notary.remembered import ENTRIES, LARGEST, forget, remembered, remembered_together


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls, self.__name__ = function, 0, "counted"

    def __call__(self, key):
        self.calls += 1
        return self.function(key)


@pytest.mark.parametrize("key", [b"x" * LARGEST, "x" * LARGEST])
def test_what_was_read_is_not_read_again_until_it_is_forgotten(key):
    read = Counted(len)
    look_up = remembered(read)
    assert [look_up(key), look_up(key)] == [LARGEST, LARGEST]
    assert read.calls == 1
    forget()
    look_up(key)
    assert read.calls == 2


def test_what_is_large_is_read_each_time():
    read, read_together = Counted(len), Counted(len)
    look_up, look_up_together = remembered(read), remembered_together(read_together)
    for _ in range(2):
        look_up(b"x" * (LARGEST + 1))
        look_up_together((b"x" * LARGEST, b"x"))
    assert (read.calls, read_together.calls) == (2, 2)


def test_several_are_remembered_in_their_order():
    look_up = remembered_together(b"".join)
    assert [look_up((b"a", b"b")), look_up((b"b", b"a")), look_up((b"ab",))] == [b"ab", b"ba", b"ab"]


def test_only_so_many_are_remembered():
    read = Counted(len)
    look_up = remembered(read)
    for number in range(ENTRIES + 1):
        look_up(b"%d" % number)
    look_up(b"0")
    assert read.calls == ENTRIES + 2


def test_an_error_is_not_remembered():
    read = Counted(int)
    look_up = remembered(read)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            look_up("none")
    assert read.calls == 2
