"""What verifiers imports for `id = "dikast-judge"`: a plugin is a module at the top level that names its judge."""

from dikast.adapters.verifiers import DikastJudge

__all__ = ["DikastJudge"]
