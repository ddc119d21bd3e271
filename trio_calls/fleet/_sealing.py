"""Hand-over documents, encrypted: they are credentials, and Redis need not know them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from trio_calls._quoting import Secret
from trio_calls.call.hand_over import HandOver
from trio_calls.errors import WSSConfigError, WSSDispatchKeyError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

_NO_KEY: Final = "not a dispatch key: `trio-calls dispatch --new-key` prints a new one"


def new_dispatch_key() -> str:
    """Return a new key to encrypt calls with. Keep it as you keep other secrets.

    Raises:
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.
    """
    _require_extra()
    from cryptography.fernet import Fernet  # noqa: PLC0415  # needs the extra

    return Secret(Fernet.generate_key().decode())


class Sealer:
    """Encrypts and decrypts documents.

    Args:
      keys: the first one encrypts, and any of them decrypts.

    Raises:
      WSSConfigError: there is no key, or one makes no sense.
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.
    """

    def __init__(self, keys: str | Iterable[str]) -> None:
        _require_extra()
        from cryptography.fernet import MultiFernet  # noqa: PLC0415  # needs the extra

        secrets = [Secret(key) for key in ([keys] if isinstance(keys, str) else keys)]
        # Errors know this frame.
        del keys
        fernets = [_fernet(key) for key in secrets]
        if not fernets:
            raise WSSConfigError("there is no dispatch key")
        self._keys: MultiFernet = MultiFernet(fernets)

    def seal(self, handed_over: HandOver) -> bytes:
        """Return a call as only the holders of a key can read it."""
        return self._keys.encrypt(handed_over.to_json().encode())

    def unseal(self, document: bytes) -> HandOver:
        """Read what `seal` has returned.

        Raises:
          WSSDispatchKeyError: none of the keys fits.
          WSSHandOverError: what was encrypted is no call.
        """
        text = self._decrypt(document)
        if text is None:
            raise WSSDispatchKeyError(
                "it was encrypted with another key: give the workers the dispatcher's"
            )
        return HandOver.from_json(text)

    def _decrypt(self, document: bytes) -> Secret | None:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  # needs the extra

        try:
            return Secret(self._keys.decrypt(document).decode("utf-8", "surrogateescape"))
        except InvalidToken:
            return None


def _fernet(key: Secret) -> Fernet:
    from cryptography.fernet import Fernet  # noqa: PLC0415  # needs the extra

    try:
        return Fernet(key)
    except ValueError:
        pass
    # Without a context: its frame has the key.
    raise WSSConfigError(_NO_KEY)


def _require_extra() -> None:
    try:
        import cryptography.fernet  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "dispatch needs cryptography: install the extra 'fleet' of trio-calls"
        ) from None
