"""Logs to a time line, matched against known failures.

How it works. `reading` gives a file, packed or not, as pieces of bytes; `framing` makes blocks of whole lines of them,
one record a line. `scan` finds the few distinct lines of each block by their fingerprints (`templates`), has each
understood once (`formats` by `patterns`, `json_lines`, `clocks`, `services`), and looks one by one only at lines that
may be an event of a signature (`signatures`, data in `signatures/*.yaml`). What it learns goes into collections of
bounded size (`gathered`). Their state does not depend on the order of reading, so files need no merging: time puts
them in order. From those come the leak (`leak`), the verdicts (`matching`) and the report (`report`), which
`console` prints, `page` and `drawing` draw, and `report_json` turns into plain values.

`report.read(paths)` does it all. Nothing here opens a socket or changes a file, but for the page that was asked for;
the one program that is run is `zstd`, where Python cannot read a file that it packed.
"""
