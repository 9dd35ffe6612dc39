"""What can be proved and shown about a rulebook as a whole: reachable rows, contradictions, differences."""
