"""Intent from a YAML or JSON file.

`load` reads bytes (`read`), makes plain values of them (`document`, and `plain_yaml` for what it knows), checks their
shape (`shape`), then what they say and whether it holds together (`build`). Where something is wrong, the text is
parsed once more for line numbers; a good file never pays for them.
"""

from netmend.sources.file.load import load
from netmend.sources.problem import IntentError, Problem

__all__ = ["IntentError", "Problem", "load"]
