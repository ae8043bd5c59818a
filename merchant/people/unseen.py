"""What an applicant has begun and not handed in is theirs alone: SQL conditions by which reads of staff leave it out.

compliance/cases/queries.py holds the same rule over the cases themselves.
"""

from merchant.core.access import Role
from merchant.core.texts import _

APPLICANT = _("Applicant")  # what staff are told instead of a name

# Over `application`.
BEGUN_CASE = "(applicant_id IS NOT NULL AND submitted_at IS NULL AND handed_in_at IS NULL)"
# Over `app_user`: who has registered, and never handed anything in.
BEGINNER = f"""('{Role.MERCHANT_APPLICANT}' = ANY(app_user.roles) AND NOT EXISTS (
  SELECT FROM application a WHERE a.applicant_id = app_user.id
    AND (a.submitted_at IS NOT NULL OR a.handed_in_at IS NOT NULL)))"""
