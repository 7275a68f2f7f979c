"""Quality of synthetic rows: distances, copies, label agreement, selection, assessment."""
