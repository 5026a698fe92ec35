"""One visitor of the app, speaking what Streamlit's own page speaks: protobuf messages over a websocket."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.stores import EVAL_TYPES

ANSWER_SECONDS = 60
LARGEST_MESSAGE = 32_000_000
VISITS = {
    ("overview", ""): 4,
    ("trends", ""): 2,
    ("trends", "evals"): 4,
    ("regressions", ""): 1,
    ("regressions", "eval"): 3,
    ("compare", "type"): 2,
    ("audit", ""): 2,
    ("promote", ""): 1,
}
"""How often people go to a page, and the part of its address that names an eval type, if they look at one."""
STAYS = 0.5
"""How often somebody on Trends chooses other eval types there, instead of going to another page."""
START_PAGE = "overview"
CHOSEN = (1, 1, 2)
"""How many eval types they choose."""


class AppSession:
    """A visitor with an open page. Use `AppSession.open`."""

    def __init__(self, socket: ClientConnection, rng: random.Random) -> None:
        self._socket, self._rng = socket, rng
        self._page = START_PAGE
        self._pages: dict[str, str] = {}
        self._widgets: dict[str, str] = {}
        self.first_paint = 0.0
        """Seconds from opening the websocket to the whole page."""

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, rng: random.Random) -> AsyncIterator[AppSession]:
        """Open the Overview, wait for it, and leave at the end."""
        begun, address = time.monotonic(), f"ws://127.0.0.1:{port}/_stcore/stream"
        origin, speaks = Origin(f"http://127.0.0.1:{port}"), [Subprotocol("streamlit")]
        async with connect(address, origin=origin, subprotocols=speaks, max_size=LARGEST_MESSAGE) as socket:
            session = cls(socket, rng)
            await session._run(ClientState())
            session.first_paint = time.monotonic() - begun
            yield session

    async def act(self) -> str:
        """Choose other eval types, or go to another page; the page that was run."""
        if self._page == "trends" and self._rng.random() < STAYS:
            chosen = WidgetState(id=self._widgets["evals"])
            chosen.string_array_value.data.extend(self._rng.sample(EVAL_TYPES, self._rng.choice(CHOSEN)))
            state = ClientState(page_script_hash=self._pages["trends"])
            state.widget_states.widgets.append(chosen)
        else:
            self._page, named = self._rng.choices(tuple(VISITS), tuple(VISITS.values()))[0]
            query = urlencode({named: self._rng.choice(EVAL_TYPES)}) if named else ""
            state = ClientState(page_script_hash=self._pages[self._page], query_string=query)
        await self._run(state)
        return self._page

    async def _run(self, state: ClientState) -> None:
        state.context_info.timezone, state.context_info.color_scheme = "Europe/Berlin", "light"
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                message = ForwardMsg.FromString(await self._socket.recv())
                kind = message.WhichOneof("type")
                if kind == "navigation":
                    self._pages = {
                        page.url_pathname or START_PAGE: page.page_script_hash for page in message.navigation.app_pages
                    }
                elif kind == "delta":
                    self._note(message)
                elif kind == "script_finished":
                    return

    def _note(self, message: ForwardMsg) -> None:
        """Remember the id of a widget, which ends with its key."""
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        identity = getattr(getattr(element, kind), "id", "") if kind else ""
        if identity.startswith("$$ID-"):
            self._widgets[identity.split("-", 2)[2]] = identity
