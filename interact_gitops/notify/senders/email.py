"""Email over SMTP: plain text and HTML of the same, to every receiver of the channel at once."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from interact_gitops.notify.addresses import Unresolved, resolved
from interact_gitops.notify.fuse import Fuse, connected
from interact_gitops.notify.messages import forms
from interact_gitops.notify.messages.cleaning import one_line
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.relay import Relay, is_address
from interact_gitops.notify.sender import Again, Delivered, GivenUp, Outcome

SECONDS = 20.0  # the whole conversation with the relay
# Nothing in a mail but ASCII, whatever the relay can do; headers refuse line breaks by themselves.
_POLICY = SMTP.clone(cte_type="7bit")
_PERMANENT = 500

Refusals = Mapping[str, tuple[int, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSender:
    """`receivers` are plain addresses. `relay` None: the operator has given none."""

    receivers: tuple[str, ...]
    relay: Relay | None
    stopping: threading.Event
    seconds: float = SECONDS

    def send(self, message: Message, *, reached: frozenset[str] = frozenset()) -> Outcome:
        """See `Sender`."""
        if self.relay is None:
            return GivenUp(why="the server has no mail relay", remedy="start it with --smtp-url or INTERACT_SMTP_URL")
        wrong = next((one for one in self.receivers if not is_address(one)), None)
        if wrong is not None:
            return GivenUp(why=f"{one_line(wrong, 80)!r} is not an email address", remedy="write name@example.com")
        wanted = [one for one in self.receivers if one not in reached]
        mail = compose_mail(message, self.relay.sender, self.receivers).as_bytes()
        try:
            return self._sent(self.relay, wanted, mail, reached)
        except (Unresolved, OSError, smtplib.SMTPException, ValueError) as trouble:
            return self._judged(trouble)

    def _sent(self, relay: Relay, wanted: list[str], mail: bytes, reached: frozenset[str]) -> Outcome:
        limit = time.monotonic() + self.seconds
        with Fuse(limit, self.stopping) as fuse:
            try:
                connection = _Connection(relay, fuse, limit)
                try:
                    connection.greet()
                    refused: Refusals = connection.sendmail(relay.sender, wanted, mail)
                except smtplib.SMTPRecipientsRefused as all_of_them:
                    refused = all_of_them.recipients
                finally:
                    connection.close()
            except (OSError, smtplib.SMTPServerDisconnected, ValueError) as error:
                if fuse.burnt:
                    return Again(why=f"the mail relay did not finish within {self.seconds:.0f} s")
                if isinstance(error, TimeoutError):
                    return Again(why="the mail relay did not answer in time")
                raise
        return self._sorted_out(wanted, refused, reached)

    def _sorted_out(self, wanted: list[str], refused: Refusals, reached: frozenset[str]) -> Outcome:
        """What became of each receiver: who is put off is tried again, and nobody else."""
        said = "; ".join(f"{one}: {self._answer(*refused[one])}" for one in wanted if one in refused)
        put_off = {one for one in refused if refused[one][0] < _PERMANENT}
        if put_off:
            return Again(why=said, reached=reached | {one for one in wanted if one not in put_off})
        if len(refused) == len(wanted) and not reached:
            return GivenUp(why=said)
        return Delivered(but=said or None)

    def _judged(self, trouble: Exception) -> Outcome:
        """What a conversation that broke off means: the relay's own words, or none at all."""
        if isinstance(trouble, smtplib.SMTPNotSupportedError):
            why = f"the mail relay cannot do what is asked of it: {one_line(str(trouble), 200)}"
            return GivenUp(why=why, remedy="see tls= and the user in --smtp-url")
        if isinstance(trouble, smtplib.SMTPResponseException):
            why = f"the mail relay answered {self._answer(trouble.smtp_code, trouble.smtp_error)}"
            return GivenUp(why=why) if trouble.smtp_code >= _PERMANENT else Again(why=why)
        if isinstance(trouble, Unresolved):
            return Again(why=f"the mail relay is not found: {trouble}")
        return Again(why=f"the mail relay broke the connection off ({type(trouble).__name__})")

    def _answer(self, code: int, said: bytes | str) -> str:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        password = self.relay.password if self.relay else None
        return f"{code} {one_line(text.replace(password, '***') if password else text, 200)}"


def compose_mail(message: Message, sender: str, receivers: tuple[str, ...]) -> EmailMessage:
    """The mail. Its Message-ID is the same for every try: what arrives twice is known for the same."""
    letter = forms.email(message)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(display_name="Interact", addr_spec=sender)
    mail["To"] = tuple(Address(addr_spec=one) for one in receivers)
    mail["Subject"] = letter.subject
    mail["Date"] = datetime.fromisoformat(message.time)
    mail["Message-ID"] = f"<{message.id}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


class _Connection(smtplib.SMTP):
    """A conversation with a relay, under a fuse from the first byte on."""

    def __init__(self, relay: Relay, fuse: Fuse, limit: float) -> None:
        self._relay = relay
        self._fuse = fuse
        self._limit = limit
        super().__init__(relay.host, relay.port, local_hostname=socket.gethostname() or "localhost",
                         timeout=max(0.1, limit - time.monotonic()))  # fmt: skip

    def greet(self) -> None:
        """EHLO, TLS and sign-in as the relay's address says."""
        self.ehlo_or_helo_if_needed()
        if self._relay.security == "starttls":
            self.starttls(context=ssl.create_default_context())
            assert self.sock is not None
            self._fuse.guard(self.sock)
        if self._relay.user is not None:
            self.login(self._relay.user, self._relay.password or "")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """How smtplib opens a connection (its SMTP_SSL overrides the same method)."""
        addresses = resolved(host, port, timeout)
        sock = self._fuse.guard(connected(addresses, port, self._limit))
        return self._fuse.secure(sock, host) if self._relay.security == "tls" else sock
