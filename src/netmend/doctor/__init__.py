"""Why a name of a namespace does not work, who set it up so, and what to type.

`look` takes one Observation of a live host; `diagnose` turns it into findings by the `checks`, each a pure function.
"""
