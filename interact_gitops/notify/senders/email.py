"""Email over SMTP: plain text and HTML of the same, to every receiver of the channel at once."""

from __future__ import annotations

import smtplib
import ssl
import threading
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from interact_gitops.notify.messages import forms
from interact_gitops.notify.messages.cleaning import one_line
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.posting import _Fuse
from interact_gitops.notify.relay import Relay, is_address
from interact_gitops.notify.sender import Again, Delivered, GivenUp, Outcome
