"""A line that Python itself cannot read."""


def f(x):
    return (x +
