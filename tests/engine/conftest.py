"""Let the tests of this room import shared models."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
