"""A keyword as a name."""


def f():
    class = 3
