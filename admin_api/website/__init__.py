"""The website: pages for admins, HR and staff, rendered here, on the same use cases as the JSON API.

Every page works as plain forms; scripts only save a reload. `binding` is the one way in: it knows who is at the
browser, refuses what other sites send, and turns errors into pages. What people read is translated (`words`).
"""
