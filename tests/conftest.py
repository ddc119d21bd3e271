"""What holds for every test."""

import logging

# A machine that is busy with other things would make it warn where tests count warnings.
logging.getLogger("trio_calls.watchdog").disabled = True
