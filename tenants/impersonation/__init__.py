"""Support looks with a party's eyes: for half an hour, with a reason, in the audit log, and changing nothing."""
