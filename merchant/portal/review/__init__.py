"""Pages of checkers: the queue, the review of a case, its documents, and the decisions; ROUTES gathers them."""

from merchant.portal.review import bulk, case, decide, give_back, papers, queue

ROUTES = [*queue.ROUTES, *bulk.ROUTES, *case.ROUTES, *decide.ROUTES, *give_back.ROUTES, *papers.ROUTES]
