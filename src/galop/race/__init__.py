"""Questions to several contenders, and which differences are not chance.

question, question_set -> strategies -> contender, answer -> run -> record -> summary, statistics -> report

run.py          a race at its places: course.py is what they share, outstanding.py hands questions out
asking.py       one place (place.py) at work; contender_process.py: a contender's process there
nodes.py        a node of a Ray cluster as a place; node_places.py: which are taken, machines.py: of which kind
merge.py        one lane of several records
"""
