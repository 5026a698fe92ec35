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


@dataclass
class Crafter:
    """A session of the app without a browser."""

    connection: ClientConnection
    page: str
    query: str
    widgets: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """The id of each button and text field of the last run by its label, and whether it is disabled."""
    fragment: str = ""
    """The part of the page that asks to be run by itself every few seconds."""

    def run(self, *states: WidgetState, fragment: str = "") -> None:
        """Have the script run, or a fragment of it, with these widgets changed, whether or not anybody could."""
        widgets = WidgetStates(widgets=states)
        state = ClientState(query_string=self.query, page_name=self.page, widget_states=widgets, fragment_id=fragment)
        self.connection.send(BackMsg(rerun_script=state).SerializeToString())
        self.widgets = {}
        while True:
            message = ForwardMsg.FromString(bytes(self.connection.recv(PATIENCE_S)))
            kind = message.WhichOneof("type")
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return
            if kind == "auto_rerun":
                self.fragment = message.auto_rerun.fragment_id
            if kind == "delta":
                self._read(message)

    def press(self, label: str, **fields: str) -> None:
        """Press a button, with what is typed into the fields whose labels begin so."""
        typed = [
            WidgetState(id=number, string_value=fields[said.split()[0]])
            for said, (number, _) in self.widgets.items()
            if said.split()[0] in fields
        ]
        self.run(*typed, WidgetState(id=self.widgets[label][0], trigger_value=True))

    def _read(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in {"button", "text_input", "text_area"}:
            found = getattr(element, kind)
            self.widgets[found.label] = found.id, found.disabled


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
