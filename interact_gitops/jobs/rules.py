"""What each code of a problem stands for: the rule that was broken, and why there is one. Pure.

A problem's own message says what is wrong in one place; this is for those who meet its code in a list.
"""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    # YAML
    "duplicate-key": "A map has each key once: YAML readers keep the last of two without a word.",
    "empty-file": "A definitions file holds at least one job.",
    "encoding": "Files are UTF-8 text, so that everybody reads the same.",
    "file-size": "A file has at most 1,024 KiB, and its aliases stand for at most 100,000 values.",
    "layout": "Files are in one layout, which `fmt` writes: then a change shows what it changes, and nothing else.",
    "many-problems": "Of one file up to 200 problems are shown; the first ones often cause the rest.",
    "name-clash": "File names differ by more than upper and lower case: some file systems keep only one of two.",
    "number": "A number is one that JSON can hold, so that it means the same to every program.",
    "symlink": "A link leads to a file of the definitions tree: what is reviewed is what is read.",
    "unreadable": "Every file of the tree can be read: what cannot be read must not pass for deleted.",
    "unseen-character": "Text holds no characters that an editor does not show, or shows in another order.",
    "yaml-alias": "An alias names an anchor that stands before it.",
    "yaml-aliases": "A file has at most 1,000 aliases.",
    "yaml-cycle": "An alias does not stand inside of what it names.",
    "yaml-depth": "Maps and lists are at most 64 levels deep.",
    "yaml-key": "A key is a plain name.",
    "yaml-merge": "A merge key takes a map or a list of maps.",
    "yaml-syntax": "Files are valid YAML.",
    "yaml-tab": "Lines are indented with spaces: YAML allows no tabs there.",
    "yaml-tag": "Values have no explicit tags: a text is quoted instead.",
    # the shape of a job, of defaults and of the configuration
    "bad-form": "A value has the form that the schema asks for.",
    "configuration": "The configuration is one document that agrees with itself.",
    "defaults": "A folder has one defaults document, with fields that several jobs can share.",
    "missing-field": "Fields that a job, a channel or a target cannot do without are given.",
    "not-allowed": "A value is one of those that are allowed.",
    "one-of": "Of fields that exclude each other exactly one is given.",
    "out-of-range": "A value lies within its limits.",
    "unknown-field": "Fields are those of the schema: one that is misspelt would be ignored.",
    "wrong-type": "A value has the type that the schema asks for.",
    # names and references
    "channel": "Jobs notify channels that the configuration declares.",
    "duplicate-job": "A key names one job of the tree.",
    "moved-from": "`moved_from` names earlier keys, each of them gone, and claimed by one job only.",
    "public-target": "A job for a target with the public API alone needs nothing that this API cannot do.",
    "reference": "Secrets are references that can be resolved: `${NAME}` or `${file:/path}`.",
    "variable": "`${var.NAME}` names a variable that the target has.",
    # prompts and parameters
    "parameter": "A parameter's rules can be met, and its default meets them.",
    "template": "A prompt can be filled in with the values of a run.",
    "template-filter": "Prompts use filters that there are.",
    "template-name": "Prompts use parameters of the job and built-in values only.",
    "template-sandbox": "Prompts reach no further than the values that they are given.",
    "template-size": "A prompt that was filled in stays within its limit.",
    "template-syntax": "Prompts are templates that can be read.",
    "template-test": "Prompts use tests that there are.",
    "unset-parameter": "A scheduled run has a value for every parameter: nobody is there to ask.",
    "unused-parameter": "Every parameter is used by a prompt; one that is not is most often misspelt.",
    # fan-out
    "fan-out-duplicate": "A combination stands once, and so is run once.",
    "fan-out-empty": "A fan-out leaves at least one combination.",
    "fan-out-exclude": "An exclusion removes something.",
    "fan-out-parameter": "A fan-out varies parameters of the job.",
    "fan-out-size": "A fan-out has at most 10,000 combinations.",
    "fan-out-value": "Every value of a fan-out fits its parameter.",
    # schedules
    "calendar-unknown": "A business calendar is one that there is: a country, a part of one, or an exchange.",
    "calendar-unused": "A calendar changes something: the expression knows business days.",
    "clock-gap": "A schedule whose time a clock change skips is known to run later that day, or not at all.",
    "clock-repeat": "A schedule whose time a clock change repeats is known to run twice that day.",
    "cron-fields": "A cron expression has five fields, or is a shortcut.",
    "cron-length": "A cron expression is no longer than people can read.",
    "cron-never": "A schedule fires at some time.",
    "cron-range": "A range goes upwards.",
    "cron-step": "A step is at least 1, and stands after a range or `*`.",
    "cron-syntax": "A cron expression is written as Debian's cron reads it.",
    "cron-value": "A value lies within its cron field.",
    "date": "Dates are days of the calendar, and a window begins before it ends.",
    "day-both": "Where a day field begins with `*/`, both day fields must match; elsewhere either is enough.",
    "duration": "A duration is a number with its unit, such as 30m or 6h, within the field's limits.",
    "shortcut-count": "A shortcut that counts is given a number that can be met.",
    "shortcut-time": "A shortcut's time is one of the day, such as 08:00.",
    "shortcut-unknown": "A shortcut is one that there is.",
    "step-beyond": "A step leaves more than one value of its range.",
    "step-uneven": "A step divides its range, or is known to start again before its time.",
    "timezone-unknown": "A time zone is a name of the IANA database.",
}
