"""Every text the assistant says, as one typed value per language.

A frozen dataclass instead of gettext: with two languages and some fifty texts, a missing translation is
then a type error, nothing has to be compiled, and a test compares the placeholders in braces.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What the assistant says in one language. Names in braces are filled in with `str.format`."""

    language: str
    commands: str

    greeting: str
    hello: str
    not_understood: str
    encrypted: str
    too_fast: str
    unavailable: str
    refused: str

    help_title: str
    help_usage: str
    help_does: str
    help_lead: str

    groups_title: str
    groups_usage: str
    groups_does: str
    groups_one: str
    groups_many: str
    groups_none: str
    groups_more: str
    members_one: str
    members_many: str
    you_moderate: str
    announcement: str

    who_title: str
    who_usage: str
    who_does: str
    who_question: str
    who_missing: str
    who_found: str
    who_similar: str
    who_none: str
    who_more_one: str
    who_more_many: str

    contact_title: str
    contact_usage: str
    contact_does: str
    contact_lead: str
    contact_none: str
    contact_more: str
    moderates: str

    search_title: str
    search_instructions: str
    label_name: str
    label_address: str
    label_link: str
    label_note: str
    label_nick: str
    label_first: str
    label_last: str
    label_email: str

    upload_refused: str
    upload_type: str
    upload_too_large: str
    upload_quota: str

    wrong_step: str
    unknown_command: str
    unknown_address: str
