"""Everything pluggable: ledgers, leaderboards, brokers, channels. The only rooms that know a driver; they do not
know each other.
"""
