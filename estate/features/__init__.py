"""One function per column; each is the definition for training and for serving alike."""
