"""All that the shop knows of Laurels: what it says, how it is sent, and the tokens that let it in."""
