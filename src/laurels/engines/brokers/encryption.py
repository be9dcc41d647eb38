"""What is wrong where an encrypted connection to a broker cannot be had, and trying again would not help."""

import ssl

from laurels.errors import SettingsError

_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})


def refusal_of(error: BaseException, broker: str) -> SettingsError | None:
    """What to set right after an error in connecting, or in what it came from; None where the broker may only be away:
    a handshake that breaks off says nothing.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return SettingsError(
            f"The certificate of {broker} is not trusted: {cause.verify_message or cause.reason}. Name the authority "
            "that signed it with cafile=…, and the broker as its certificate does."
        )
    reason = cause.reason or ""
    if reason in _NO_TLS:
        return SettingsError(f"{broker} does not speak TLS at the port in its address.")
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
        return SettingsError(f"{broker} refuses the certificate that certfile=… names, or wants one.")
    return None
