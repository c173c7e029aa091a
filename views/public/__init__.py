"""The customer's and the approver's pages."""
