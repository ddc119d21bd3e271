from tests.support.after_official_client import (  # noqa: F401
    nothing_is_left,
    the_official_client_logged_no_fault,
)
