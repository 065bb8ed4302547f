name=Dr Ève Lamotte-Boës
profession=Médecin régulateur
category=1
rpps=10999990020
