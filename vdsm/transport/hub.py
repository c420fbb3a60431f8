"""What all STOMP sessions of the agent share: subscriptions, request queues, the RPC layer, and events going out."""

from __future__ import annotations

from dataclasses import dataclass

from vdsm.transport.counters import TransportCounters
from vdsm.transport.limits import TransportLimits
from vdsm.transport.rpc_port import RpcServer
from vdsm.transport.subscriptions import SubscriptionTable


@dataclass(frozen=True, slots=True)
class Addresses:
    """Destinations with a meaning. A request queue also takes what is sent below it."""

    request_queues: tuple[str, ...] = ("jms.topic.vdsm_requests", "jms.topic.vdsm_irs_requests")
    default_reply: str = "jms.topic.vdsm_responses"
    event_queue: str = "jms.queue.events"


class StompHub:
    """One per agent; every listener's connections meet here."""

    def __init__(
        self,
        rpc: RpcServer,
        limits: TransportLimits,
        counters: TransportCounters,
        addresses: Addresses | None = None,
    ) -> None:
        addresses = addresses or Addresses()
        self.rpc = rpc
        self.limits = limits
        self.counters = counters
        self.table = SubscriptionTable()
        self.default_reply = addresses.default_reply
        self._event_queue = addresses.event_queue
        self._requests = frozenset(addresses.request_queues)
        self._below_requests = tuple(f"{queue}." for queue in addresses.request_queues)

    def is_request(self, destination: str) -> bool:
        """Whether a SEND to `destination` is a call."""
        return destination in self._requests or destination.startswith(self._below_requests)

    def publish(self, body: bytes) -> None:
        """Send an encoded event to its subscribers. Never blocks: who does not read is cut. Attach it to the
        event hub of the RPC layer."""
        for subscription in self.table.find(self._event_queue):
            subscription.deliver(self._event_queue, body)
