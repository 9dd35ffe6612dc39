"""The version of Samband, in its one place: the build reads it from here, and so does `samband --version`."""

VERSION = "0.1.0"
