"""Speaking to the app as no browser would: Streamlit's own messages, sent over a websocket by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 60
XSRF = "_streamlit_xsrf"
WIDGETS = {"button", "text_input", "text_area"}
TEXTS = {"alert", "markdown"}


@dataclass(frozen=True, slots=True)
class Widget:
    """A button or a text field."""

    label: str
    id: str
    disabled: bool
    form: str
    """The form that it is in; empty if it is in none."""


@dataclass
class Crafter:
    """A session of the app without a browser."""

    connection: ClientConnection
    page: str
    query: str
    widgets: list[Widget] = field(default_factory=list)
    """Those that the last run drew."""
    said: list[str] = field(default_factory=list)
    """The texts of the last run, without what keeps Markdown and the browser from reading more into them."""
    fragment: str = ""
    """The part of the page that asks to be run by itself every few seconds."""

    def run(self, *states: WidgetState, fragment: str = "") -> None:
        """Have the script run, or a fragment of it, with these widgets changed, whether or not anybody could."""
        widgets = WidgetStates(widgets=states)
        state = ClientState(query_string=self.query, page_name=self.page, widget_states=widgets, fragment_id=fragment)
        self.connection.send(BackMsg(rerun_script=state).SerializeToString())
        self.widgets, self.said = [], []
        while True:
            message = ForwardMsg.FromString(bytes(self.connection.recv(PATIENCE_S)))
            kind = message.WhichOneof("type")
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return
            if kind == "auto_rerun":
                self.fragment = message.auto_rerun.fragment_id
            if kind == "delta":
                self._read(message)

    @property
    def labels(self) -> set[str]:
        """Of the widgets."""
        return {each.label for each in self.widgets}

    def find(self, label: str) -> Widget:
        """The one widget with this label."""
        [found] = [each for each in self.widgets if each.label == label]
        return found

    def press(self, label: str, seen: Crafter | None = None, **fields: str) -> None:
        """Press a button, with what is typed into those fields of its form whose labels begin so.

        `seen`: a session of somebody who may be shown more; the button and the fields are those of that one.
        """
        seen = seen or self
        button = seen.find(label)
        typed = [
            WidgetState(id=each.id, string_value=text)
            for each in seen.widgets
            for name, text in fields.items()
            if each.form == button.form and each.label.startswith(name)
        ]
        self.run(*typed, WidgetState(id=button.id, trigger_value=True))

    def _read(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in WIDGETS:
            found = getattr(element, kind)
            self.widgets.append(Widget(found.label, found.id, found.disabled, found.form_id))
        elif kind in TEXTS:
            self.said.append(getattr(element, kind).body.replace("\\", "").replace("\u2060", ""))


@contextmanager
def crafting(address: str, page: str, query: str, cookies: dict[str, str]) -> Iterator[Crafter]:
    """A session on a page with a browser's cookies; the page was shown once."""
    site = urlsplit(address)
    said = "; ".join(f"{name}={value}" for name, value in cookies.items())
    with connect(
        f"ws://{site.netloc}/_stcore/stream",
        origin=address,
        subprotocols=["streamlit", cookies[XSRF]],
        additional_headers={"Cookie": said},
        max_size=None,
    ) as connection:
        crafter = Crafter(connection, page, query)
        crafter.run()
        yield crafter
