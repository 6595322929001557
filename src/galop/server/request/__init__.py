"""What a request asks for, whichever dialect it is in."""
