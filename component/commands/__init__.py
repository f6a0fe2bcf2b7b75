"""The assistant's commands: one class each, the same for chat, ad-hoc commands and tests."""
