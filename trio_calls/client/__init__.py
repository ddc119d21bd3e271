"""Private: one process's connection to the exchange, and what comes through it.

Here are the client, the control connection with its requests and reconnects, what becomes of an
offer until it is a call, and conversations in writing, which need no connection of their own::

    reception                               what the exchange says, passed on
    incoming, claims, offers                calls
    conversations, conversation_handlers    sessions in which people write, and their scopes
    conversation, message_session           one of them: its face, and what it is made of
    conversation_claims, outgoing_messages  what is asked of the exchange for them
    control_connection                      the connection

What happens within a call lives in `trio_calls.call`.
"""
