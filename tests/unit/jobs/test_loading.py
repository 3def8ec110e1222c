"""Loading a tree: layers, variables, references between jobs, and which problems are told together."""

import gc

import pytest

from interact_gitops.errors import DefinitionsInvalid, Position, Problem
from interact_gitops.jobs.source import read_documents

JOB = "key: {0}\nname: {0}\nagent: analyst\nprompt: How?\n"


def lines(loaded):
    return [str(problem) for problem in loaded.problems]


def test_the_order_of_files_does_not_matter(load_files):
    files = {f"{name}.yaml": JOB.format(name) for name in "cab"} | {"z/_defaults.yaml": "owner: me\n"}
    files["z/d.yaml"] = JOB.format("d") + "wrong: 1\n"
    one, other = load_files(files), load_files(dict(reversed(files.items())))
    assert one == other
    assert [d.job.key for d in one.definitions] == ["a", "b", "c"]


def test_all_or_nothing(load_files):
    files = {"a.yaml": JOB.format("a")}
    assert len(load_files(files).valid("jobs.d")) == 1
    loaded = load_files(files | {"b.yaml": JOB.format("b") + "wrong: 1\n", "c.yaml": ""})
    assert [problem.severity for problem in loaded.problems] == ["error", "warning"]
    assert len(loaded.errors) == 1
    with pytest.raises(DefinitionsInvalid, match=r"1 problem in jobs\.d") as caught:
        loaded.valid("jobs.d")
    assert caught.value.problems == loaded.problems
    assert load_files({"c.yaml": "# nothing\n", "_defaults.yaml": "# nothing\n", "_defaults.yml": "---\n---\n"}).errors


def test_collections_are_resumed(load_files):
    assert gc.isenabled()
    load_files({"a.yaml": JOB.format("a")})
    assert gc.isenabled()
    gc.disable()
    try:
        load_files({"a.yaml": JOB.format("a")})
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_channel_that_is_not_declared_is_a_warning(load_files):
    text = JOB.format("a") + "notifications: [{channel: slack}, {channel: on-call}, {channel: fax}]\n"
    assert lines(load_files({"a.yaml": text}, channels=None)) == []
    loaded = load_files({"a.yaml": text}, channels=["slack", "on-cal"])
    assert lines(loaded) == [
        "a.yaml:5:45: warning: the configuration declares no channel 'on-call' [channel]\n  did you mean 'on-cal'?",
        "a.yaml:5:65: warning: the configuration declares no channel 'fax' [channel]\n"
        "  declare it under channels, or make it in Interact",
    ]
    assert len(loaded.definitions) == 1


def test_a_channel_from_defaults_is_told_there(load_files):
    files = {
        "_defaults.yaml": "notifications: [{channel: fax}]\n",
        "a.yaml": JOB.format("a"),
        "b.yaml": JOB.format("b"),
    }
    assert [str(p.position) for p in load_files(files, channels=[]).problems] == ["_defaults.yaml:1:27"]


def test_a_folders_parameter_need_not_be_used_by_every_job(load_files):
    files = {
        "_defaults.yaml": "parameters: {days: {type: integer, default: 7}}\n",
        "a.yaml": JOB.format("a"),
        "b.yaml": JOB.format("b").replace("How?", "'{{ days }}'"),
    }
    assert lines(load_files(files)) == []


def test_a_variable_in_defaults_is_judged_once_it_is_filled_in(load_files):
    files = {"_defaults.yaml": "timeout: ${var.long}\nlabels: {a: {}}\n", "a.yaml": JOB.format("a")}
    loaded = load_files(files, variables={"long": "forever"})
    assert [(str(p.position), p.message) for p in loaded.problems] == [
        ("_defaults.yaml:1:10", "'forever' does not have the right form"),
        ("_defaults.yaml:2:13", "this must be a text, not a map"),
    ]
    text = {"_defaults.yaml": "timeout: ${var.long}\n", "a.yaml": JOB.format("a")}
    assert load_files(text, variables={"long": "3h"}).definitions[0].job.timeout == 10_800


@pytest.mark.parametrize(
    ("raw", "column"),
    [
        ("${var.suffix}{{ x }}", 32),
        ("{{ x }}${var.suffix}", 19),
        ("$${}{{ x }}", 23),
        ("${var.suffix}$${a}${var.suffix} {{ x }}", 51),
    ],
)
def test_a_place_after_a_variable_is_that_in_the_file(load_files, raw, column):
    loaded = load_files(
        {"a.yaml": JOB.format("a").replace("How?", f"'about {raw}'")}, variables={"suffix": "{# long #}"}
    )
    assert [p.position for p in loaded.problems] == [Position("a.yaml", 4, column)]


def test_a_fault_inside_what_a_variable_gave_is_where_it_is_used(load_files):
    loaded = load_files({"a.yaml": JOB.format("a").replace("How?", "'about ${var.x}'")}, variables={"x": "all {{ y }}"})
    assert [str(p.position) for p in loaded.problems] == ["a.yaml:4:16"]


def test_other_faults_of_a_job_are_told_in_one_go(load_files):
    text = (
        "key: a\nname: ''\nagent: a\nprompt: '{{ x }}'\nschedule: 0 25 * * *\nfan_out: {matrix: {y: [1]}}\nretries: 3\n"
    )
    assert [(p.position.line, p.code) for p in load_files({"a.yaml": text}).problems] == [
        (2, "out-of-range"), (4, "template-name"), (5, "cron-value"), (6, "fan-out-parameter"), (7, "wrong-type"),
    ]  # fmt: skip


def test_what_depends_on_a_broken_field_is_not_told(load_files):
    text = "key: a\nname: a\nagent: a\nprompt: '{{ x }}'\nparameters: {x: {type: text}}\nfan_out: {matrix: {x: [1]}}\n"
    assert [p.code for p in load_files({"a.yaml": text}).problems] == ["not-allowed"]
    text = "name: a\nprompts: 3\nparameters: {x: {type: string}}\nschedule: '@daily'\nfan_out: []\n"
    assert sorted(p.code for p in load_files({"a.yaml": text}).problems) == [
        "missing-field", "missing-field", "wrong-type", "wrong-type",
    ]  # fmt: skip


def test_keys_clash_whatever_else_is_wrong(load_files):
    files = {
        "a.yaml": JOB.format("a"),
        "b.yaml": "key: a\nmoved_from: 3\n",
        "c.yaml": "key: a\nmoved_from: [a, 3, b, b]\n",
    }
    said = [str(p) for p in load_files(files).problems if p.code in {"duplicate-job", "moved-from"}]
    assert [line.partition(" [")[0] for line in said] == [
        "a.yaml:1:6: the key 'a' is used twice, also at b.yaml:1:6",
        "a.yaml:1:6: the key 'a' is used twice, also at c.yaml:1:6",
        "b.yaml:1:6: the key 'a' is used twice, also at a.yaml:1:6",
        "c.yaml:1:6: the key 'a' is used twice, also at a.yaml:1:6",
        "c.yaml:2:14: moved_from names the job's own key 'a'",
    ]


def test_positions_in_anchored_tagged_and_block_texts(problems_of):
    head = "key: a\nname: a\nagent: a\n"
    for prompt, place in {
        "&p 'a {{ x }}'": "4:18",
        "&p  # note\n  'a {{ x }}'": "5:9",
        "|  # note\n    a\n    b {{ x }}": "6:10",
        "|2\n   a {{ x }}": "5:9",
        ">-\n  a\n  {{ x }}": "6:6",
        '"a\\x20\\u0020\\\n  \\"{{ x }}"': "5:8",
        "'it''s\n\n  {{ x }}'": "6:6",
        "a\n  b {{ x }}": "5:8",
    }.items():
        (line,) = problems_of(f"{head}prompt: {prompt}\n")
        assert line.startswith(f"a.yaml:{place}: 'x' is neither"), (prompt, line)


def test_a_place_at_a_blank_or_the_end_is_after_the_last_word():
    (document,), _ = read_documents("a.yaml", b'a: "b  c "\nd: |\n  e\ne: ""\n')
    assert [document.position(("a",), offset=offset).column for offset in (1, 2, 3, 4, 9)] == [6, 6, 8, 9, 9]
    assert str(document.position(("d",), offset=2)) == "a.yaml:3:4"
    assert str(document.position(("e",), offset=1)) == "a.yaml:4:5"
    assert document.position(("a", "b")) is None
    assert document.position(("x",)) is None
    assert str(document.position((), key=True)) == "a.yaml:1:1"


def test_a_block_text_at_the_very_end():
    (document,), _ = read_documents("a.yaml", b"a: |")
    assert str(document.position(("a",), offset=1)) == "a.yaml:1:5"


def test_documents_before_a_fault_are_kept():
    documents, problems = read_documents("a.yaml", b"a: 1\n---\nb: [\n")
    assert [document.value for document in documents] == [{"a": 1}]
    assert [problem.code for problem in problems] == ["yaml-syntax"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &a {b: 1}\nc: {<<: *a, b: 2}\n", {"a": {"b": 1}, "c": {"b": 2}}),
        ("a: &a {b: 1}\nc: {d: 3, <<: [*a, {d: 4, e: 5}]}\n", {"a": {"b": 1}, "c": {"d": 3, "b": 1, "e": 5}}),
        ("'<<': {a: 1}\n", {"<<": {"a": 1}}),
        ("<<: {a: 1}\n<<: {b: 2}\n", {"a": 1, "b": 2}),
        ("&k a: *k\n*k : 1\n", None),
        ("? |\n  long key\n: 1\n", {"long key\n": 1}),
        ("--- !!str\n", ""),
        ("\ufeffa: b\r\nc: |\r\n  d\r\n", {"a": "b", "c": "d\n"}),
    ],
)
def test_what_yaml_means(text, value):
    documents, problems = read_documents("a.yaml", text.encode())
    if value is None:
        assert [p.code for p in problems] == ["duplicate-key"]
    else:
        assert problems == []
        assert documents[0].value == value


def test_no_more_of_a_file_is_judged_than_is_shown(load_files):
    loaded = load_files({"a.yaml": "---\nkey: 1\n" * 300, "b.yaml": "---\nkey: 1\n"})
    problems = [problem for problem in loaded.problems if problem.position.file == "a.yaml"]
    assert len(problems) == 201
    assert str(problems[-1]).endswith(
        "more than 200 problems; the rest are not shown [many-problems]\n  mend these first"
    )
    assert len(loaded.problems) > len(problems)


def test_twenty_faults_of_one_fan_out_are_enough(load_files):
    text = JOB.format("a").replace("How?", "'{{ d }}'") + "parameters: {d: {type: integer}}\nfan_out: {combinations: ["
    same = text + "{d: 1}, " + ", ".join("{d: 1}" for _ in range(30)) + "]}\n"
    assert len(load_files({"a.yaml": same}).problems) == 20
    different = text + ", ".join(f"{{d: {i}}}, {{d: {i}}}" for i in range(30)) + "]}\n"
    assert len(load_files({"a.yaml": different}).problems) == 20
    wrong = text + ", ".join(f"{{d: a{i}}}" for i in range(30)) + "]}\n"
    assert len(load_files({"a.yaml": wrong}).problems) == 20


@pytest.mark.parametrize("deepest", ["[]", "{}", "[a]"])
def test_sixty_four_levels_and_no_more(deepest):
    for levels, told in ((63, []), (64, ["yaml-depth"])):
        _, problems = read_documents("a.yaml", ("[" * levels + deepest + "]" * levels).encode())
        assert [problem.code for problem in problems] == told, levels


def test_a_key_that_is_a_list_hides_no_other_place(problems_of):
    said = problems_of("[a]: b\nwrong: 1\nkey: a\nname: a\nagent: a\nprompt: a\n")
    assert [line.partition(": ")[0] for line in said] == ["a.yaml:1:1", "a.yaml:2:1"]


def test_problems_are_values():
    problem = Problem(position=Position("a", 1, 2), message="m", code="c", severity="warning")
    assert str(problem) == "a:1:2: warning: m [c]"
