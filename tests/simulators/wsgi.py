"""A wire into a WSGI application of this process, where the network would be."""

from contextlib import contextmanager

import httpx

from registries.pinning import BrokenError, NotConnectedError, TooLateError, reason_of


class WSGIWire:
    """Every request reaches the application, whatever place it names; an httpx error that it raises stands for the network's."""

    def __init__(self, app):
        self._transport = httpx.WSGITransport(app=app)

    def begin(self, request, allowance):
        url = f"{request.place.scheme}://{request.place.authority}{request.target}"
        asked = httpx.Request(
            request.method, url, headers=dict(request.headers), content=b"".join(request.content or ())
        )
        with faults():
            return _Response(self._transport.handle_request(asked), is_empty=request.method == "HEAD")

    def close(self):
        self._transport.close()


class _Response:
    def __init__(self, response, is_empty):
        self._response, self._is_empty = response, is_empty
        self.status, self.fields = response.status_code, response.headers.multi_items()

    def pieces(self):
        with faults():
            yield from () if self._is_empty else self._response.iter_raw()

    def close(self):
        self._response.close()


@contextmanager
def faults():
    try:
        yield
    except httpx.TimeoutException as error:
        raise TooLateError from error
    except httpx.ConnectError as error:
        raise NotConnectedError(reason_of(error)) from error
    except httpx.TransportError as error:
        raise BrokenError(reason_of(error)) from error
