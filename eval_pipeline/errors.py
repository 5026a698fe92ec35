"""What goes wrong outside our rules. Every message says in one line what happened and what to do."""


class PipelineError(Exception):
    """A question that could not be answered. The command line prints its one line and exits with 2."""


class UsageError(PipelineError):
    """What was asked for does not exist or does not fit together: an eval type, a run, a prompt."""


class SettingsError(PipelineError):
    """A settings file or environment variable that can't be used; names the place, the key and what is allowed."""


class RefusedError(PipelineError):
    """The answer is no: somebody else is at it, or things are no longer as they were seen. Exit code 1."""


class StoreError(PipelineError):
    """The MLflow store can't be reached, read or written. Never the same as an empty store."""


class NotPermittedError(StoreError):
    """The store answers, and does not let these credentials do this."""


class DatasetError(PipelineError):
    """A dataset file that can't be used; names the file, the place in it and what is allowed."""
