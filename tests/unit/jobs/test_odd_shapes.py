"""Files of odd shapes: each is read in bounded time and memory, and told in a few lines."""

import time

import pytest

SIZE = 131_072  # large enough for what is not linear to be felt, small enough for every day

HEAD = "key: a\nname: a\nagent: a\nprompt: a\n"
PROMPT = "key: a\nname: a\nagent: a\nprompt: '{}'\n"


def repeated(unit, head=HEAD, end=""):
    return head + unit * ((SIZE - len(head) - len(end)) // len(unit)) + end


def counted(unit, head=HEAD):
    return head + "".join(unit % i for i in range((SIZE - len(head)) // len(unit % 123456)))


SHAPES = {
    "brackets": ("[" * SIZE, "yaml-depth"),
    "braces": ("{" * SIZE, "yaml-depth"),
    "braces with keys": ("{a: " * (SIZE // 4), "yaml-depth"),
    "dashes in a row": ("- " * (SIZE // 2), "yaml-depth"),
    "question marks in a row": ("? " * (SIZE // 2), "yaml-depth"),
    "ever deeper lists": ("".join(" " * i + "-\n" for i in range(1_400)), "yaml-depth"),
    "ever deeper maps": ("".join(" " * i + "a:\n" for i in range(1_400)), "yaml-depth"),
    "deep by aliases": ("".join(f"a{i}: &a{i} " + "[" * 40 + (f"*a{i - 1}" if i else "1") + "]" * 40 + "\n"
                                for i in range(100)), "yaml-depth"),
    "colons": (":" * SIZE, "yaml-syntax"),
    "an endless anchor": ("a: &" + "b" * (SIZE - 9) + " x", "unknown-field"),
    "an endless key": ('? "' + "a" * (SIZE - 9) + '"\n: 1', "unknown-field"),
    "many unknown fields": (counted("k%06d: 1\n"), "many-problems"),
    "many wrong names": (counted("  K%06d: 1\n", HEAD + "labels:\n"), "many-problems"),
    "one key again and again": (repeated("a: 1\n"), "duplicate-key"),
    "many aliases": (repeated("- *a\n", HEAD + "owner: &a x\nmoved_from:\n"), "yaml-aliases"),
    "laughs": ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)), "yaml-aliases"),
    "one long text, aliased": (
        HEAD + "owner: &a '" + "x" * 90_000 + "${'\nignore_changes: [" + "*a," * 900 + "]", "yaml-aliases"),
    "many documents": (counted("---\n{key: a%06d, name: a, agent: a, prompt: a}\n", ""), "file-size"),
    "many wrong items": (repeated("1,", HEAD + "ignore_changes: [", "]"), "many-problems"),
    "many wrong items of two kinds": (repeated("a,1,", HEAD + "ignore_changes: [", "]"), "many-problems"),
    "many prompts": ("key: a\nname: a\nagent: a\nprompts: [" + "a," * 60_000 + "]", "out-of-range"),
    "many templates": (PROMPT.format("{{ x }}" * 7_000), "template-syntax"),
    "open braces": (PROMPT.format("{" * 49_000), "template-syntax"),
    "brackets in a template": (PROMPT.format("{{ " + "(" * 45_000), "template-syntax"),
    "a long sum": (PROMPT.format("{{ 1" + "+1" * 20_000 + " }}"), "template-syntax"),
    "not not not": (PROMPT.format("{{ " + "not " * 11_000 + "1 }}"), "template-syntax"),
    "elif": (PROMPT.format("{% if 1 %}" + "{% elif 1 %}" * 1_100 + "{% endif %}"), "template-syntax"),
    "a long number": (PROMPT.format("{{ " + "9" * 40_000 + " }}"), "template-syntax"),
    "many members": (PROMPT.format("{{ run" + ".a" * 24_000 + " }}"), "template-name"),
    "many unknown variables": (PROMPT.format("${x}" * 12_000), "variable"),
    "a matrix of many names": (
        HEAD + "fan_out: {matrix: {" + ",".join(f"k{i}: [1,2]" for i in range(10_000)) + "}}", "out-of-range"),
    "a matrix of a hundred names": (
        HEAD + "fan_out: {matrix: {" + ",".join(f"k{i}: [1,2]" for i in range(100)) + "}}", "fan-out-size"),
    "many excludes": (
        HEAD + "parameters: {a: {type: integer}}\nfan_out: {matrix: {a: [" + ",".join(map(str, range(10_000)))
        + "]}, exclude: [" + ",".join(f"{{a: {-i}}}" for i in range(1, 1_001)) + "]}", "fan-out-exclude"),
    "many includes": (repeated(
        "{a: 1},", HEAD + "parameters: {a: {type: integer}}\nfan_out: {matrix: {a: [1]}, include: [", "]}"),
        "out-of-range"),
    "a matrix of wrong values past the excerpt": (
        HEAD + "fan_out: {matrix: {a: [" + "1," * 60_000 + "null]}}", "out-of-range"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_an_odd_shape_is_told_in_time(name, load_files):
    text, code = SHAPES[name]
    started = time.process_time()
    problems = load_files({"a.yaml": text}).problems
    assert time.process_time() - started < 5
    assert code in {problem.code for problem in problems}
    assert len(problems) <= 201
    assert sum(len(str(problem)) for problem in problems) < 200_000
