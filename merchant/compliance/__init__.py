"""Who may be a merchant and what it may do: policy, sanctions lists, and the cases that people decide."""
