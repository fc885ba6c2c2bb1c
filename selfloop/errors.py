"""What goes wrong with input, said in one line: the value, what is allowed, what to do."""


class SelfloopError(Exception):
    """A fault of input or environment that the user can mend; its message is one clear line."""


class DataError(SelfloopError):
    """Motion data that is absent, malformed, truncated or unsafe to unpack."""


class ConfigError(SelfloopError):
    """A setting outside its range, or one that differs from the run that is to be continued."""


class StoppedError(SelfloopError):
    """A chain that came to no end: its numbers are not finite, or nothing was left to train on."""


class TooNearError(SelfloopError):
    """Samples so near their target that a contraction towards it cannot be read."""
