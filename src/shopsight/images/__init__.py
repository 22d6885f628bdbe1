"""Links to bytes to pixels, safely."""
