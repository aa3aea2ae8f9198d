"""Programs of integer arithmetic: sized parameters, annotated and free locals, every operator, wraps, conversions."""

from random import Random

from .source import HEAD, SIZED, Program, Scope, join, parameters


def generate(seed: int, count: int = 8) -> Program:
    """`count` functions of straight-line arithmetic."""
    rng = Random(f"integers {seed}")
    names = [f"f{i}" for i in range(count)]
    return Program(HEAD + "".join(_function(rng, name) for name in names), names)


def _function(rng: Random, name: str) -> str:
    taken = parameters(rng, rng.randrange(1, 5))
    scope = Scope(rng, {n: SIZED[t] for n, t in taken.items()})
    lines = []
    for position in range(rng.randrange(4)):
        local = f"x{position}"
        value = scope.number(rng.randrange(1, 4))
        if scope.chance(50):
            kind = rng.choice(list(SIZED))
            lines.append(f"{local}: {kind} = {_wrapped(scope, value.text, kind)}")
            scope.variables[local] = SIZED[kind]
        else:
            lines.append(f"{local} = {value.text}")
            scope.variables[local] = (value.low, value.high)
    kinds = [rng.choice(list(SIZED)) for _ in range(rng.randrange(1, 4))]
    results = [_wrapped(scope, scope.number(rng.randrange(1, 5)).text, kind) for kind in kinds]
    result = kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]"
    lines.append(f"return {', '.join(results)}")
    head = f"\n\ndef {name}({', '.join(f'{n}: {t}' for n, t in taken.items())}) -> {result}:"
    return join([head, *("    " + line for line in lines)])


def _wrapped(scope: Scope, text: str, kind: str) -> str:
    """Mostly cut to the type's range, else nearly every run would only overflow."""
    low, high = SIZED[kind]
    if scope.chance(15):
        return text
    cut = f"({text} & {high - low:#x})"
    return cut if low == 0 else f"({cut} - {-low:#x})"
