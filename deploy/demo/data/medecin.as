name=Dr Anaïs N'Guyen-Delattre
profession=Médecin gériatre
category=1
rpps=10999990012
