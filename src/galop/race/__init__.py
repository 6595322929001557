"""Questions to several contenders, and which differences are not chance.

question, question_set -> strategies -> contender, answer -> run -> record -> summary, statistics -> report
"""
