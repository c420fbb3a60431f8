"""Client of the agent: `connect` to a host or `connect_local` here, then call `client.<Namespace>.<method>(...)`."""

from vdsm.client.client import Client as Client
from vdsm.client.connecting import connect as connect
from vdsm.client.connecting import connect_local as connect_local
from vdsm.client.errors import ClientError as ClientError
from vdsm.client.errors import ConnectionError as ConnectionError  # noqa: A004 - the public name
from vdsm.client.errors import Error as Error
from vdsm.client.errors import MissingSchemaError as MissingSchemaError
from vdsm.client.errors import ServerError as ServerError
from vdsm.client.errors import TimeoutError as TimeoutError  # noqa: A004 - the public name
from vdsm.client.session import EventQueue as EventQueue
