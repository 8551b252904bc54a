"""Intent from a YAML or JSON file.

`load` reads bytes (`read`), makes plain values of them (`netmend.ground.located_yaml`), checks their shape (`shape`),
then what they say and whether it holds together (`build`). Where the shape is wrong, the rest is checked all the same
(`substitutes`). Where anything is wrong, the text is parsed once more for line numbers; a good file never pays for
them.
"""

from netmend.ground.problem import Problem
from netmend.sources.file.load import load
from netmend.sources.problem import IntentError

__all__ = ["IntentError", "Problem", "load"]
