"""Every regular expression of ours takes time in proportion to what it reads, whatever that is."""

import importlib
import itertools
import json
import os
import re
import resource
import string
import subprocess
import sys

from tests.test_house import ROOT, modules

LENGTH = 20_000
SECONDS = 0.1  # a linear pattern takes some hundred times less; one that is quadratic some ten times more
ANYWHERE = ("search", "finditer", "findall", "split", "sub", "subn")
ROOMS = ("registries", "trust", "dashboard")


def patterns():
    """Every compiled pattern of our modules by its name, and whether it is looked for anywhere in a text."""
    for room in ROOMS:
        for path in modules(room):
            source = path.read_text()
            if "re.compile" not in source:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            module = importlib.import_module(name)
            for variable, value in vars(module).items():
                for number, pattern in enumerate(value.values() if isinstance(value, dict) else [value]):
                    if isinstance(pattern, re.Pattern):
                        anywhere = any(f"{variable}.{method}(" in source for method in ANYWHERE)
                        yield f"{name}.{variable} {number}", pattern, anywhere


def attacks(pattern):
    """Long texts of one or two repeated characters, after a beginning and before an end that spoil a match."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    literal = [c for c in dict.fromkeys(text) if c in string.punctuation and c not in "()[]{}|?*+^$\\"]
    alphabet = ["a", "0", "A", " ", '"', "\\", *literal][:14]
    pumps = alphabet + ["".join(pair) for pair in itertools.permutations(alphabet, 2)]
    for pump in pumps:
        for start, end in (("", "\0"), ("a", ""), ("a/", "!"), ("<", '"')):
            attack = start + pump * (LENGTH // len(pump)) + end
            yield attack if isinstance(pattern.pattern, str) else attack.encode()


def slowest(pattern, anywhere):
    longest = 0.0
    for attack in attacks(pattern):
        began = cpu()
        pattern.fullmatch(attack)
        pattern.match(attack)
        if anywhere:
            for _ in pattern.finditer(attack):
                pass
        longest = max(longest, cpu() - began)
        if longest > SECONDS:
            break
    return longest


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured():
    """The time of each in a process of its own, which is ended should one of them take exponential time."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.test_patterns"],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    return json.loads(run.stdout)


def test_no_pattern_is_superlinear():
    times = measured()
    assert len(times) > 25
    assert times.pop("superlinear") > SECONDS  # the measure would notice
    assert {name: seconds for name, seconds in times.items() if seconds > SECONDS} == {}


def test_patterns_are_compiled_where_they_can_be_found():
    """`re.match(...)` and the like would escape the measure."""
    inline = re.compile(r"\bre\.(?:match|fullmatch|search|sub|split|findall|finditer)\(")
    assert [str(p) for room in ROOMS for p in modules(room) if inline.search(p.read_text())] == []


if __name__ == "__main__":
    import django

    django.setup()
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    told = {"superlinear": slowest(re.compile(r"a*a*!"), anywhere=False)}
    told |= {name: slowest(pattern, anywhere) for name, pattern, anywhere in patterns()}
    json.dump(told, sys.stdout)
