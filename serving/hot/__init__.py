"""The short way: small requests for scores, answered below ASGI.

Requests that came in the same moment on any connections are decoded by a typed decoder, made one frame, and
scored in one call; then each gets its answer. Nothing waits for others to come. Whatever is not an ordinary
small request goes the usual way through the application, which also says what is wrong with one.
"""

from serving.hot.protocol import HotProtocol, hot_protocol
from serving.hot.ways import Ways

__all__ = ["HotProtocol", "Ways", "hot_protocol"]
