"""`kleanxmpp doctor`: whether the running server keeps the promises, one line a promise.

`facts` is what was seen, `findings` what is said about it; the judgement between them is pure (`lines` is the table of
all of it). `ports` is the border to the server, `trial` what is tried with a synthetic user, `run` does it all.
"""
