"""What goes wrong while speaking and listening."""

from trio_calls.errors import WSSError


class VoiceError(WSSError):
    """Something about speech went wrong. The call goes on."""


class EmptySpeechError(VoiceError, ValueError):
    """There is nothing to say: no audio at all."""


class DetectorError(VoiceError):
    """A detector of speech raised an exception, or returned what is no probability.

    The exception, if there is one, is the ``__cause__``.
    """


class ListenerTooSlowError(VoiceError):
    """What was heard was not taken in time, and some of it had to be dropped."""


class RecordingError(VoiceError):
    """A call cannot be recorded, or its recording has ended early. The call goes on.

    Where the system says why, that is the ``__cause__``.
    """


class ModelError(VoiceError, ValueError):
    """A file is not the model that is wanted, or cannot be read."""


class TimelineError(VoiceError):
    """A timeline cannot be written any further, or is none that can be read. The call goes on.

    What the operating system has said is the ``__cause__``, where it has said something.
    """
