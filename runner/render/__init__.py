"""An executed notebook as a web page; runs inside a sandbox, in the image's Python."""
