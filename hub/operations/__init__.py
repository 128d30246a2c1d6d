"""One outside effect at a time: the ledger of operations, the runner, the look-ups and the sweeper.

An operation's row is written before its call is made, in the transaction that decided on it. The runner claims by
lease, calls the connector and stores attempt and outcome together with what they mean for the return. This room
does not know what an effect means; whoever composes it hands in a `Road`.
"""
