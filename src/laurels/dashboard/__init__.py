"""What is read: the top of a board, a member and its neighbours, from one snapshot and under proxy names."""
