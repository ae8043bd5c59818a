"""What is judged by: the policy in force and the sanctions lists."""
