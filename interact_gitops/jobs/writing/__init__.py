"""YAML text of definitions: layout (`formatting.py`), new files (`rendering.py`), changes in place (`changing.py`).

Everything here takes text and gives text. A file is never dumped anew from its values: its text is cut at the
places that the parser tells, and what nobody asked to change stays byte for byte. A library that loads and dumps
(ruamel.yaml) was tried instead: it hangs a comment on the field before it, so that ordering fields moves comments to
the wrong ones, and it loses comments in flow maps and some anchors.
"""
