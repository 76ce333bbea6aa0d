"""From rollouts to scores: bind, check, judge, aggregate."""
