"""Formulas in the notation of LaTeX as MathML, which browsers show without scripts, fonts or a second request.

What mathematicians write in notebooks is understood: the commands of `symbols.py` and `commands.py`, the environments of
`environments.py`, and macros of their own. A command that is not known stays readable where it stands.
"""
