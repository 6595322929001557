"""The race: questions to several contenders, what each answered and took, and which differences are more than chance.

question, question_set -> strategies -> contender, answer -> run -> record -> summary, statistics -> report
"""
