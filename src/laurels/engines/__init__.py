"""Everything pluggable: ledgers, leaderboards, brokers, channels. The only packages that know a driver; they do not
know each other.
"""
