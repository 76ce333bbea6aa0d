"""Agreement of verdicts that were recorded elsewhere: a file of ratings in, figures and warnings out, without a judge."""
